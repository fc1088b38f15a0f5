//! New tokens for old: one call per refresh token at a time, however many of a browser's requests find
//! theirs about to end; the others wait for its outcome and share it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use tokio::time::Instant;

use super::{Session, SignedIn};
use crate::App;
use crate::arrival::Arrival;
use crate::identity::{Refusal, Tokens};
use crate::oidc::Trouble;
use crate::verify::{Doubt, User};

/// Recent refreshes, by the digest of the token they replaced.
#[derive(Default)]
pub(super) struct Refreshes(Mutex<HashMap<[u8; 32], Entry>>);

struct Entry {
    since: Instant,
    outcome: Outcome,
}

type Outcome = Arc<tokio::sync::Mutex<Option<(Instant, Result<Session, Refusal>)>>>;

/// The session with new tokens. `usable` says that the old ID token still is, so nobody has to wait long.
pub(super) async fn refresh(app: &App, old: &Session, usable: bool) -> Result<Session, Refusal> {
    let outcome = app.sessions.refreshes.outcome(&old.refresh_token);
    let mut outcome = outcome.lock().await;
    if let Some((at, known)) = &*outcome
        && at.elapsed() < memory(known, usable)
    {
        return known.clone();
    }
    let asked = match usable {
        true => tokio::time::timeout(PATIENCE, ask(app, old)).await,
        false => Ok(ask(app, old).await),
    };
    let result =
        asked.unwrap_or_else(|_| Err(Refusal::Unavailable(format!("no answer within {PATIENCE:?}"))));
    *outcome = Some((Instant::now(), result.clone()));
    result
}

impl SignedIn {
    /// The same user with a token that says what has just changed; the old one if that fails, since it is
    /// still good.
    pub(crate) async fn refreshed(self, app: &App, arrival: &Arrival) -> SignedIn {
        match arrival.within(ask(app, &self.session)).await {
            Ok(Ok(session)) => SignedIn {
                session,
                renewed: true,
            },
            _ => self,
        }
    }
}

async fn ask(app: &App, old: &Session) -> Result<Session, Refusal> {
    let (tokens, user) = match &old.provider {
        Some(provider) => ask_provider(app, provider, &old.refresh_token).await?,
        None => {
            let tokens = app.identity.refresh(&old.refresh_token).await?;
            let user = app.verifier.verify(&tokens.id).await.map_err(Refusal::from)?;
            (tokens, user)
        }
    };
    if user.subject != old.subject {
        return Err(Refusal::Unknown(
            "the new ID token speaks of another user".to_owned(),
        ));
    }
    Ok(old.continued(tokens, user, app.now()))
}

/// The same at another provider; one that is no longer configured has nobody to ask.
async fn ask_provider(app: &App, id: &str, refresh_token: &str) -> Result<(Tokens, User), Refusal> {
    let provider = app.providers.get(id).filter(|_| !refresh_token.is_empty());
    match provider.ok_or(Refusal::SessionOver)?.refresh(refresh_token).await {
        Ok((grant, user)) => {
            let tokens = Tokens {
                id: grant.id_token,
                refresh: grant.refresh_token,
            };
            Ok((tokens, user))
        }
        Err(Trouble::Silent(why)) => Err(Refusal::Unavailable(why)),
        Err(Trouble::Refused(why)) => {
            tracing::info!("a session ends: {why}");
            Err(Refusal::SessionOver)
        }
    }
}

impl From<Doubt> for Refusal {
    fn from(doubt: Doubt) -> Refusal {
        match doubt {
            Doubt::NoKeys(reason) => Refusal::Unavailable(format!("its keys cannot be fetched: {reason}")),
            Doubt::Refused(rule) => Refusal::Untrusted(rule),
        }
    }
}

/// How long an outcome answers for others. A "no" from Identity Platform is final, its silence is not: it
/// only spares a session that can go on from waiting again at once.
fn memory(outcome: &Result<Session, Refusal>, usable: bool) -> Duration {
    match outcome {
        Ok(_) | Err(Refusal::SessionOver | Refusal::Disabled) => REMEMBERED,
        Err(_) if usable => BACK_OFF,
        Err(_) => Duration::ZERO,
    }
}

impl Refreshes {
    fn outcome(&self, refresh_token: &str) -> Outcome {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, refresh_token.as_bytes()).as_ref());
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if entries.len() >= MOST && !entries.contains_key(&key) {
            entries.retain(|_, entry| now.duration_since(entry.since) < REMEMBERED);
            if entries.len() >= MOST {
                entries.clear(); // a call more per session, and no memory more
            }
        }
        let entry = entries.entry(key).or_insert_with(|| Entry {
            since: now,
            outcome: Outcome::default(),
        });
        entry.since = now;
        entry.outcome.clone()
    }
}

/// How long a refresh answers for requests that still come with the old cookie.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Between two attempts while the old ID token is still good.
const BACK_OFF: Duration = Duration::from_secs(5);
/// How long a page whose ID token is still good waits for a new one: the rest of its time is for its call.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Refreshes that are remembered.
const MOST: usize = 4096;
