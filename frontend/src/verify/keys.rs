//! The issuer's keys: cached as long as it allows, fetched by one request at a time, and once a minute at
//! most for a `kid` that nobody knows. The last good set is kept when a fetch fails.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jwt::Jwks;
use reqwest::Client;
use reqwest::header::{CACHE_CONTROL, HeaderMap};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::outbound;

pub(crate) struct Keys {
    http: Client,
    url: String,
    held: RwLock<Option<Held>>,
    /// Locked while a fetch goes on.
    flight: Mutex<Attempts>,
}

/// When the issuer was last asked in vain, or for a `kid` that nobody knew.
#[derive(Default)]
struct Attempts {
    failed: Option<Instant>,
    unknown: Option<Instant>,
}

impl Attempts {
    /// Whether to go on with what there is.
    fn too_soon(&self, fresh: bool) -> bool {
        let within = |at: Option<Instant>, pause| at.is_some_and(|at| at.elapsed() < pause);
        within(self.failed, RETRY) || (fresh && within(self.unknown, PAUSE))
    }
}

#[derive(Clone)]
struct Held {
    keys: Arc<Jwks>,
    until: Instant,
}

impl Keys {
    pub(crate) fn new(http: Client, url: String) -> Keys {
        Keys {
            http,
            url,
            held: RwLock::new(None),
            flight: Mutex::default(),
        }
    }

    /// A set that is fresh and knows `kid`, or the best there is.
    ///
    /// # Errors
    /// When there has never been a good set, and why there is none now.
    pub(crate) async fn with(&self, kid: &str) -> Result<Arc<Jwks>, String> {
        if let Some(held) = self.held().filter(|held| fits(held, kid)) {
            return Ok(held.keys);
        }
        let mut attempts = self.flight.lock().await;
        let held = self.held();
        if let Some(held) = &held {
            let fresh = held.until > Instant::now();
            if fits(held, kid) || attempts.too_soon(fresh) {
                return Ok(held.keys.clone());
            }
            if fresh {
                attempts.unknown = Some(Instant::now());
            }
        }
        match (self.fetch().await, held) {
            (Ok(fresh), _) => {
                let keys = fresh.keys.clone();
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
                Ok(keys)
            }
            (Err(problem), Some(held)) => {
                attempts.failed = Some(Instant::now());
                tracing::warn!("the issuer's keys could not be fetched, the last ones stay: {problem}");
                Ok(held.keys)
            }
            (Err(problem), None) => Err(problem),
        }
    }

    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Held, String> {
        let answer = tokio::time::timeout(DEADLINE, async {
            let response = self.http.get(&self.url).send().await.map_err(outbound::reason)?;
            let (status, age) = (response.status(), max_age(response.headers()));
            Ok::<_, String>((status, age, outbound::text(response).await?))
        });
        let (status, age, body) = answer
            .await
            .map_err(|_| format!("no answer within {DEADLINE:?}"))??;
        if !status.is_success() {
            return Err(format!("the key server answers {status}"));
        }
        let text = std::str::from_utf8(&body).map_err(|_| "the key set is not UTF-8".to_owned())?;
        let keys = Jwks::parse(text).map_err(|error| error.to_string())?;
        Ok(Held {
            keys: Arc::new(keys),
            until: Instant::now() + age,
        })
    }
}

fn fits(held: &Held, kid: &str) -> bool {
    held.until > Instant::now() && held.keys.key_ids().any(|known| known == kid)
}

/// `max-age` of `Cache-Control`, within bounds.
fn max_age(headers: &HeaderMap) -> Duration {
    let directives = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let seconds = directives
        .into_iter()
        .flat_map(|text| text.split(','))
        .find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok());
    seconds
        .map_or(SHORTEST, Duration::from_secs)
        .clamp(SHORTEST, LONGEST)
}

/// After a failed fetch, as long as there is a set to go on with.
const RETRY: Duration = Duration::from_secs(5);
/// Between two fetches for a `kid` that a fresh set does not have.
const PAUSE: Duration = Duration::from_secs(60);
/// A fetch; the page that waits has 4 s for everything.
const DEADLINE: Duration = Duration::from_secs(3);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_the_issuers_within_bounds() {
        for (value, expected) in [
            ("public, max-age=19000, must-revalidate, no-transform", 19_000),
            ("max-age=0", 60),
            ("no-store", 60),
            ("max-age=99999999", 86_400),
        ] {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, value.parse().unwrap())]);
            assert_eq!(max_age(&headers).as_secs(), expected, "{value}");
        }
    }
}
