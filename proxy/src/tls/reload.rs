//! Certificates that change under a running process.
//!
//! Kubernetes swaps a symlink, Cloud Run fetches a secret anew on every read: neither inotify nor the
//! modification time tells. So contents are polled; a change is believed when two polls agree (key and
//! certificate are two files), built and checked whole, and swapped in for new connections. On any
//! error the old one stays in use.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use super::client::Originator;
use super::inventory::{self, Held};
use super::material::{Files, Secrets};
use super::server::Terminator;
use crate::plan::listener::{ClientCertificate, TlsServer};
use crate::plan::upstream::UpstreamSpec;

/// Reads the files as they are now.
type Read = Box<dyn Fn() -> anyhow::Result<Files> + Send + Sync>;
/// Builds from what was read; the number counts the swaps.
type Build<T> = Box<dyn Fn(&Files, u64) -> anyhow::Result<T> + Send + Sync>;

/// Something built from files, and built again when they change.
pub(crate) struct Rotating<T> {
    /// Whose it is, for messages: a Gateway or an upstream.
    name: String,
    current: ArcSwap<T>,
    held: ArcSwap<Vec<Held>>,
    read: Read,
    build: Build<T>,
    seen: Mutex<Seen>,
}

/// What the polls saw.
#[derive(Default)]
struct Seen {
    in_use: String,
    last: String,
    generation: u64,
    /// The last problem, so that it is told once and not at every poll.
    problem: String,
    /// How many days were left when that was last told.
    warned: Option<i64>,
}

/// What holds a certificate of our own.
pub(crate) trait Expires {
    /// Its end in seconds since the epoch; none without a certificate.
    fn not_after(&self) -> Option<i64>;
}

impl Expires for Terminator {
    fn not_after(&self) -> Option<i64> {
        Some(self.not_after)
    }
}

impl Expires for Originator {
    fn not_after(&self) -> Option<i64> {
        self.not_after
    }
}

/// From so many days before a certificate's end on somebody should know, once a day.
const WARN_DAYS: i64 = 14;

/// The days that are left, when they are few.
fn few_days_left(not_after: Option<i64>, now: i64) -> Option<i64> {
    let days = (not_after? - now).div_euclid(86_400);
    (days < WARN_DAYS).then_some(days)
}

impl<T: Expires> Rotating<T> {
    fn start(
        name: String,
        read: impl Fn() -> anyhow::Result<Files> + Send + Sync + 'static,
        build: impl Fn(&Files, u64) -> anyhow::Result<T> + Send + Sync + 'static,
    ) -> anyhow::Result<Rotating<T>> {
        let context = |error: anyhow::Error| error.context(name.clone());
        let files = read().map_err(context)?;
        let first = build(&files, 0).map_err(context)?;
        let digest = files.digest();
        Ok(Rotating {
            name,
            current: ArcSwap::from_pointee(first),
            held: ArcSwap::from_pointee(inventory::of(&files)),
            read: Box::new(read),
            build: Box::new(build),
            seen: Mutex::new(Seen {
                in_use: digest.clone(),
                last: digest,
                ..Seen::default()
            }),
        })
    }

    /// What new connections use.
    pub(crate) fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Whose they are.
    pub(crate) fn owner(&self) -> &str {
        &self.name
    }

    /// The certificates in use.
    pub(crate) fn held(&self) -> Arc<Vec<Held>> {
        self.held.load_full()
    }

    /// Reads the files once. Blocks on the file system.
    pub(crate) fn poll(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.poll_into(&mut seen) {
            let problem = format!("{error:#}");
            if seen.problem != problem {
                tracing::error!("{}: the certificate in use stays: {problem}", self.name);
                seen.problem = problem;
            }
        }
        self.warn_of_end(&mut seen);
    }

    fn warn_of_end(&self, seen: &mut Seen) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let left = few_days_left(self.current().not_after(), now);
        if seen.warned != left {
            seen.warned = left;
            match left {
                Some(days) if days < 0 => tracing::error!(
                    "{}: its certificate has expired; put a new one into the same files",
                    self.name
                ),
                Some(days) => tracing::warn!(
                    "{}: its certificate ends in {days} days; put a new one into the same files",
                    self.name
                ),
                None => {}
            }
        }
    }

    fn poll_into(&self, seen: &mut Seen) -> anyhow::Result<()> {
        let files = (self.read)()?;
        let digest = files.digest();
        let settled = digest == seen.last;
        seen.last.clone_from(&digest);
        if digest == seen.in_use || !settled {
            return Ok(());
        }
        let next = (self.build)(&files, seen.generation + 1)?;
        seen.generation += 1;
        seen.in_use = digest;
        seen.problem.clear();
        self.current.store(Arc::new(next));
        self.held.store(Arc::new(inventory::of(&files)));
        tracing::info!(
            "{}: its certificates changed; new connections use the new ones",
            self.name
        );
        Ok(())
    }
}

impl Rotating<Terminator> {
    /// For a server of a Gateway.
    pub(crate) fn of_server(server: &TlsServer, secrets: &Secrets) -> anyhow::Result<Self> {
        let (tls, secrets) = (server.tls.clone(), secrets.clone());
        let asks = tls.client != ClientCertificate::NotAsked;
        let credential = tls.certificate.clone();
        Rotating::start(
            server.gateway.to_string(),
            move || secrets.of_server(&credential, asks),
            move |files, _| Terminator::build(&tls, files),
        )
    }
}

impl Rotating<Originator> {
    /// For an upstream; none if it is plain.
    pub(crate) fn of_upstream(spec: &UpstreamSpec, secrets: &Secrets) -> anyhow::Result<Option<Self>> {
        let Some(tls) = spec.tls.clone() else {
            return Ok(None);
        };
        let (name, secrets, files_of) = (spec.name(), secrets.clone(), tls.clone());
        let rotating = Rotating::start(
            format!("upstream {name}"),
            move || secrets.of_client(&files_of),
            move |files, generation| Originator::build(&tls, files, &name, generation),
        )?;
        Ok(Some(rotating))
    }
}

impl<T: fmt::Debug> fmt::Debug for Rotating<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotating").field("name", &self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::few_days_left;

    #[test]
    fn the_last_two_weeks_of_a_certificate_are_counted_by_days() {
        const DAY: i64 = 86_400;
        for (left, told) in [
            (15 * DAY, None),
            (14 * DAY, None),
            (14 * DAY - 1, Some(13)),
            (DAY, Some(1)),
            (1, Some(0)),
            (-1, Some(-1)),
        ] {
            assert_eq!(few_days_left(Some(1000 * DAY + left), 1000 * DAY), told, "{left}");
        }
        assert_eq!(few_days_left(None, 0), None);
    }
}
