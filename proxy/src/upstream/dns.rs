//! Names of endpoints, looked up by their records' lifetimes; a failed look-up keeps what was known.
//!
//! IPv4 only, as in Istio's gateways. A background task looks up again when a lifetime is over; where
//! the CPU is throttled between requests it may sleep through it, so every use looks at the clock too.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;

/// Deadline of one look-up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// How long an answer counts that tells no lifetime, and how soon a failed look-up is repeated at most.
const FALLBACK: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(1);
/// A lifetime of zero must not become a busy loop.
const SHORTEST: Duration = Duration::from_secs(1);

/// Looks names up. Cheap to clone; made when it is first used.
#[derive(Clone, Default)]
pub(crate) struct Names(Arc<OnceLock<Option<TokioResolver>>>);

/// What a look-up told.
pub(crate) struct Found {
    /// The addresses, sorted, or in the order of the answer where only the first counts.
    pub(crate) addresses: Vec<IpAddr>,
    /// When to look again.
    pub(crate) again: Instant,
}

impl Names {
    /// The IPv4 addresses of a name; an address is its own.
    pub(crate) async fn look_up(&self, name: &str) -> Result<Found, String> {
        if let Ok(address) = name.parse() {
            return Ok(Found {
                addresses: vec![address],
                again: Instant::now() + Duration::from_secs(24 * 3600),
            });
        }
        match tokio::time::timeout(DEADLINE, self.ask(name)).await {
            Ok(found) => found,
            Err(_) => Err(format!("no answer within {DEADLINE:?}")),
        }
    }

    async fn ask(&self, name: &str) -> Result<Found, String> {
        let Some(resolver) = self.resolver() else {
            return by_system(name).await;
        };
        let answer = resolver
            .lookup_ip(name)
            .await
            .map_err(|error| error.to_string())?;
        let lifetime = answer
            .valid_until()
            .saturating_duration_since(Instant::now())
            .max(SHORTEST);
        Ok(Found {
            addresses: answer.iter().collect(),
            again: Instant::now() + lifetime.min(Duration::from_secs(24 * 3600)),
        })
    }

    fn resolver(&self) -> Option<&TokioResolver> {
        let make = || {
            let mut builder = TokioResolver::builder_tokio().ok()?;
            builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4Only;
            builder.build().ok()
        };
        self.0.get_or_init(make).as_ref()
    }
}

/// Without a resolv.conf that can be read: the C library's way, which tells no lifetimes.
async fn by_system(name: &str) -> Result<Found, String> {
    let answer = tokio::net::lookup_host((name, 0))
        .await
        .map_err(|error| error.to_string())?;
    Ok(Found {
        addresses: answer
            .map(|address| address.ip())
            .filter(IpAddr::is_ipv4)
            .collect(),
        again: Instant::now() + FALLBACK,
    })
}

/// The addresses of all names, each with its port and weight; names that cannot be looked up keep what
/// `known` says of them.
pub(crate) async fn resolve(
    names: &Names,
    wanted: &[(Box<str>, u16, u32)],
    first_only: bool,
    known: &[Vec<SocketAddr>],
) -> (Vec<Vec<SocketAddr>>, Instant, Vec<String>) {
    let (mut all, mut again, mut problems) = (Vec::new(), Instant::now() + FALLBACK, Vec::new());
    for (at, (name, port, _)) in wanted.iter().enumerate() {
        match names.look_up(name).await {
            Ok(found) => {
                let taken = if first_only { 1 } else { usize::MAX };
                let mut addresses: Vec<SocketAddr> = found
                    .addresses
                    .into_iter()
                    .take(taken)
                    .map(|ip| SocketAddr::new(ip, *port))
                    .collect();
                addresses.sort_unstable();
                addresses.dedup();
                all.push(addresses);
                again = again.min(found.again);
            }
            Err(problem) => {
                problems.push(format!("{name}: {problem}"));
                all.push(known.get(at).cloned().unwrap_or_default());
                again = again.min(Instant::now() + RETRY);
            }
        }
    }
    (all, again, problems)
}
