//! Key sets: fetched at the start and on reload, refreshed every 20 minutes, kept when a refresh fails.
//!
//! Nobody waits for them but a request with a token: without its keys a token is refused (`Jwt
//! verification fails`, as istiod's substitute key has it), everyone else passes. Beside istiod's
//! rhythm, and as an intended difference, an unknown `kid` asks for the set anew, once a minute at most
//! and in single flight, so that a rotation need not take 20 minutes. Where the CPU is throttled between
//! requests the timer sleeps, so every use looks at the clock, too.

mod fetch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use arc_swap::ArcSwapOption;

use crate::authenticate::{self, Refusal, TokenCache};
use crate::head::Head;
use crate::plan::authentication::{JwtRule, KeySource};
use crate::tls::identity::sha256;
pub(crate) use fetch::Fetcher;

/// How often a set is fetched anew.
const REFRESH: Duration = Duration::from_secs(20 * 60);
/// After a failure: this long, doubling up to a second (at a start the key server may be a moment late) ...
const QUICK: Duration = Duration::from_millis(100);
/// ... this often in a row ...
const QUICK_RETRIES: u32 = 10;
/// ... said aloud from this one on, when a second and a half have passed ...
const ALOUD: u32 = 5;
/// ... and then after this, doubling ...
const SLOW: Duration = Duration::from_secs(60);
/// ... up to this.
const SLOWEST: Duration = Duration::from_secs(60 * 60);
/// How long a request with a token waits for the very first set.
const FIRST: Duration = Duration::from_millis(1500);
/// How often an unknown kid may ask for a set.
const ON_DEMAND: Duration = Duration::from_secs(60);

/// One set of keys, and when to fetch it again.
pub(crate) struct KeySet {
    source: KeySource,
    current: ArcSwapOption<jwt::Jwks>,
    schedule: Mutex<Schedule>,
    /// Held by whoever fetches.
    flight: tokio::sync::Mutex<()>,
    caches: Mutex<Vec<Weak<TokenCache>>>,
    fetcher: Fetcher,
    started: AtomicBool,
}

struct Schedule {
    next: Instant,
    failures: u32,
    on_demand: Option<Instant>,
    fetched: Option<Instant>,
    /// Of the text that the keys were read from.
    digest: String,
    problem: String,
}

impl KeySet {
    /// A set by its source; an inline one is there at once.
    pub(crate) fn new(source: &KeySource, fetcher: &Fetcher) -> anyhow::Result<Arc<KeySet>> {
        let inline = match source {
            KeySource::Inline(text) => Some(Arc::new(jwt::Jwks::parse(text)?)),
            KeySource::Remote { .. } | KeySource::Discovery { .. } => None,
        };
        Ok(Arc::new(KeySet {
            source: source.clone(),
            current: ArcSwapOption::new(inline),
            schedule: Mutex::new(Schedule {
                next: Instant::now(),
                failures: 0,
                on_demand: None,
                fetched: None,
                digest: String::new(),
                problem: String::new(),
            }),
            flight: tokio::sync::Mutex::default(),
            caches: Mutex::default(),
            fetcher: fetcher.clone(),
            started: AtomicBool::new(false),
        }))
    }

    /// Where it comes from.
    pub(crate) fn source(&self) -> &KeySource {
        &self.source
    }

    /// Seconds since it was fetched; none for an inline set and for one that never was.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.lock().fetched.map(|fetched| fetched.elapsed())
    }

    /// Begins to fetch in the background, for as long as somebody holds the set. Inside a runtime.
    pub(crate) fn start(self: &Arc<KeySet>) {
        if self.is_inline() || self.started.swap(true, Ordering::Relaxed) {
            return; // a set that a reload keeps goes on as it was
        }
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(keys) = weak.upgrade() {
                keys.refresh_if_due().await;
                let pause = keys.lock().next.saturating_duration_since(Instant::now());
                drop(keys);
                tokio::time::sleep(pause.max(Duration::from_millis(100))).await;
            }
        });
    }

    fn is_inline(&self) -> bool {
        matches!(self.source, KeySource::Inline(_))
    }

    /// The keys as they are; a set that is due is fetched beside.
    fn keys(self: &Arc<KeySet>) -> Option<Arc<jwt::Jwks>> {
        if !self.is_inline() && self.lock().next <= Instant::now() {
            let keys = self.clone();
            tokio::spawn(async move { keys.refresh_if_due().await });
        }
        self.current.load_full()
    }

    /// Waits for the first set while a start is fresh, for [`FIRST`] at most; tells whether there are
    /// keys now.
    async fn first(&self) -> bool {
        let fetches = async {
            while self.current.load().is_none() && self.lock().failures < ALOUD {
                let due = self.lock().next;
                tokio::time::sleep_until(due.into()).await;
                self.refresh_if_due().await;
            }
        };
        let _ = tokio::time::timeout(FIRST, fetches).await;
        self.current.load().is_some()
    }

    /// A token names a key that we do not have: tells whether the set has changed since.
    async fn wanted(&self) -> bool {
        if self.is_inline() {
            return false;
        }
        let before = self.current.load_full();
        {
            let mut schedule = self.lock();
            let recently = |asked: Instant| asked.elapsed() < ON_DEMAND;
            if !schedule.on_demand.is_some_and(recently) {
                schedule.on_demand = Some(Instant::now());
                schedule.next = Instant::now();
            }
        }
        self.refresh_if_due().await;
        let after = self.current.load_full();
        !same(before.as_ref(), after.as_ref())
    }

    /// Fetches the set if it is due; whoever comes while another fetches waits for that one.
    async fn refresh_if_due(&self) {
        let _flight = self.flight.lock().await;
        if self.lock().next > Instant::now() {
            return;
        }
        let fetched = self.fetcher.key_set(&self.source).await;
        if let Err(error) = fetched.and_then(|text| self.fetched(&text)) {
            self.failed(&format!("{error:#}"));
        }
    }

    /// The same set again changes nothing: tokens that it verified stay verified.
    fn fetched(&self, text: &str) -> anyhow::Result<()> {
        let digest = sha256(text.as_bytes());
        if self.lock().digest != digest {
            let keys = jwt::Jwks::parse(text).context("the answer is not a key set")?;
            let ids: Vec<&str> = keys.key_ids().collect();
            tracing::debug!("keys of {}: {}", self.name(), ids.join(", "));
            self.current.store(Some(Arc::new(keys)));
            let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
            caches.retain(|cache| cache.upgrade().inspect(|cache| cache.clear()).is_some());
        }
        let mut schedule = self.lock();
        schedule.digest = digest;
        if !schedule.problem.is_empty() {
            tracing::info!("keys of {}: fetched", self.name());
            schedule.problem.clear();
        }
        schedule.failures = 0;
        schedule.fetched = Some(Instant::now());
        schedule.next = Instant::now() + REFRESH;
        Ok(())
    }

    /// A cache of tokens that were verified with these keys: emptied when they change.
    pub(crate) fn empties(&self, cache: &Arc<TokenCache>) {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.retain(|cache| cache.strong_count() > 0);
        caches.push(Arc::downgrade(cache));
    }

    fn failed(&self, problem: &str) {
        let mut schedule = self.lock();
        schedule.failures += 1;
        let doubled = schedule.failures.saturating_sub(QUICK_RETRIES + 1).min(16);
        let pause = match schedule.failures <= QUICK_RETRIES {
            true => QUICK
                .saturating_mul(1 << (schedule.failures - 1).min(16))
                .min(Duration::from_secs(1)),
            false => SLOW.saturating_mul(1 << doubled).min(SLOWEST),
        };
        schedule.next = Instant::now() + pause;
        if schedule.failures >= ALOUD && schedule.problem != problem {
            let kept = match self.current.load().is_some() {
                true => "the last good set stays in use",
                false => "tokens are refused until it is there",
            };
            tracing::warn!("keys of {}: {problem}; {kept}", self.name());
            problem.clone_into(&mut schedule.problem);
        }
    }

    /// Where it comes from, as text.
    pub(crate) fn name(&self) -> &str {
        match &self.source {
            KeySource::Inline(_) => "the document",
            KeySource::Remote { uri, .. } => uri,
            KeySource::Discovery { issuer, .. } => issuer,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key sets of a plan's rules, by their places, and the tokens that were verified with them.
pub(crate) struct KeySets {
    pub(crate) sets: Vec<Arc<KeySet>>,
    pub(crate) tokens: Arc<TokenCache>,
}

impl KeySets {
    /// Verifies a request's tokens; asks for keys where that may change the answer.
    pub(crate) async fn authenticate(
        &self,
        rules: &[Arc<JwtRule>],
        head: &mut Head,
    ) -> Result<(), Box<Refusal>> {
        if rules.is_empty() {
            return Ok(());
        }
        let keys = |rule: usize| self.sets.get(rule).and_then(KeySet::keys);
        let verify = |head: &mut Head| authenticate::authenticate(rules, &keys, &self.tokens, now(), head);
        let refusal = match verify(head) {
            Ok(()) => return Ok(()),
            Err(refusal) => refusal,
        };
        let Some(set) = self.sets.get(refusal.rule) else {
            return Err(refusal);
        };
        let missing = refusal.error == jwt::Error::VerificationFails && set.current.load().is_none();
        let again = match (missing, refusal.unknown_kid) {
            // on the heap: hardly any request waits for keys
            (true, _) => Box::pin(set.first()).await,
            (false, true) => Box::pin(set.wanted()).await,
            (false, false) => false,
        };
        if again { verify(head) } else { Err(refusal) }
    }
}

fn same(one: Option<&Arc<jwt::Jwks>>, other: Option<&Arc<jwt::Jwks>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// Seconds since the epoch.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tls::material::Secrets;
    use crate::upstream::dns::Names;

    /// Two sets that differ in the name of their one key.
    fn set(kid: &str) -> String {
        let key = r#"{"kty":"EC","crv":"P-256","kid":"KID","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;
        format!("{{\"keys\":[{}]}}", key.replace("KID", kid))
    }

    #[tokio::test]
    async fn a_refresh_forgets_verified_tokens_only_when_the_keys_have_changed() {
        chassis::crypto::install();
        let fetcher = Fetcher::new(&Names::default(), &Secrets::default());
        let source = KeySource::Remote {
            uri: "http://127.0.0.1:1/".into(),
            timeout: Duration::from_secs(1),
        };
        let keys = KeySet::new(&source, &fetcher).unwrap();
        let cache = Arc::new(TokenCache::new());
        keys.empties(&cache);
        let mut before = None;
        for (text, kept) in [
            (set("a"), 0),
            (set("a"), 1),
            (set("b"), 0),
            ("<html>".to_owned(), 1),
        ] {
            cache.remember_for_tests();
            let _ = keys.fetched(&text);
            assert_eq!(cache.len(), kept, "{text}");
            let now = keys.current.load_full();
            assert_eq!(same(before.as_ref(), now.as_ref()), kept == 1, "{text}");
            before = now;
        }
    }
}
