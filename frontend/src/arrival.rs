//! What is known about a request before any handler runs: since when it waits, who sent it, whether its
//! browser speaks https and which language, and in which trace it stands.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use chassis::accept::Peer;
use chassis::trace::TraceContext;
use tokio::time::Instant;

use crate::App;
use crate::config::Config;
use crate::session::CookieParts;
use crate::words::{Language, Words};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) client: IpAddr,
    pub(crate) https: bool,
    pub(crate) trace: TraceContext,
    /// Which further cookies of a long session the browser has.
    pub(crate) session_parts: CookieParts,
    language: Language,
    deadline: Duration,
    settled: Duration,
}

/// The deadline passed; what was waited for is named by whoever asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elapsed;

impl Arrival {
    pub(crate) fn of(headers: &HeaderMap, extensions: &Extensions, config: &Config) -> Arrival {
        let peer = extensions.get::<Peer>().map_or(NOBODY, |peer| peer.0);
        let from_hops = |name| nth_from_the_right(headers, name, config.trusted_hops);
        let https = from_hops("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        Arrival {
            at: Instant::now(),
            client: from_hops("x-forwarded-for")
                .and_then(|text| text.parse().ok())
                .unwrap_or(peer.ip()),
            https,
            trace: TraceContext::of(headers),
            session_parts: CookieParts::of(headers, https),
            language: Language::of(headers),
            deadline: config.page_deadline,
            settled: config.settled,
        }
    }

    /// The texts in the browser's language.
    pub(crate) fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// Does the work within what is left of this request's one deadline.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        let deadline = self.at + self.deadline;
        tokio::time::timeout_at(deadline, work).await.map_err(|_| Elapsed)
    }

    /// Waits for the next beat since the request came. An answer that tells nothing about an account must
    /// not tell it by its time either: what takes a little longer comes with the same beat.
    pub(crate) async fn settle(&self) {
        let beat = self.settled.as_millis().max(1);
        let beats = self.at.elapsed().as_millis() / beat + 1;
        let wait = u64::try_from(beats * beat).unwrap_or_default();
        tokio::time::sleep_until(self.at + Duration::from_millis(wait)).await;
    }
}

impl FromRequestParts<App> for Arrival {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Arrival, Infallible> {
        let known = parts.extensions.get::<Arrival>().copied();
        Ok(known.unwrap_or_else(|| Arrival::of(&parts.headers, &parts.extensions, &app.config)))
    }
}

/// Each trusted proxy appended one element; what stands further left was written by who knows whom. With
/// fewer elements than hops all of them are trusted, and the first is the furthest.
fn nth_from_the_right<'a>(headers: &'a HeaderMap, name: &str, hops: usize) -> Option<&'a str> {
    let lines = headers.get_all(name).iter();
    let elements: Vec<_> = lines
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .collect();
    match hops {
        0 => None,
        _ => elements.get(elements.len().saturating_sub(hops)).copied(),
    }
}

const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_appended_counts() {
        let table = [
            (&["6.6.6.6, 10.0.0.1"][..], 0, None),
            (&["6.6.6.6, 10.0.0.1"][..], 1, Some("10.0.0.1")),
            (&["6.6.6.6", "10.0.0.1"][..], 1, Some("10.0.0.1")),
            (&["6.6.6.6, 10.0.0.1,10.0.0.2"][..], 2, Some("10.0.0.1")),
            (&["10.0.0.2"][..], 2, Some("10.0.0.2")),
            (&[][..], 1, None),
        ];
        for (lines, hops, expected) in table {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            assert_eq!(
                nth_from_the_right(&headers, "x-forwarded-for", hops),
                expected,
                "{lines:?}"
            );
        }
    }
}
