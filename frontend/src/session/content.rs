//! What a session is: the content of the cookie, how it begins, goes on and ends by itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::identity::Tokens;
use crate::oidc::Grant;
use crate::verify::User;

/// What the cookie holds.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The same through all renewals.
    #[serde(default)]
    pub(super) id: String,
    /// The provider that signed the user in; none for Identity Platform.
    #[serde(default)]
    pub(crate) provider: Option<String>,
    pub(crate) id_token: String,
    pub(super) refresh_token: String,
    pub(crate) email: String,
    pub(super) subject: String,
    /// The end of the ID token, in seconds since 1970.
    pub(super) exp: u64,
    /// The sign-in, in seconds since 1970.
    pub(super) created: u64,
    /// The last time its tokens were renewed, which use of it does every hour.
    #[serde(default)]
    pub(super) renewed: u64,
}

impl Session {
    /// The session that a sign-in begins.
    pub(crate) fn begin(tokens: Tokens, user: User, typed: &str, now: u64) -> Session {
        Session {
            id: id(),
            provider: None,
            id_token: tokens.id,
            refresh_token: tokens.refresh,
            email: user.email.unwrap_or_else(|| typed.to_owned()),
            subject: user.subject,
            exp: user.exp,
            created: now,
            renewed: now,
        }
    }

    /// Whose it is, as Identity Platform knows the user.
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    /// Neither too old nor left alone for too long.
    pub(super) fn is_within(&self, now: u64) -> bool {
        now < self.created + LONGEST && now < self.renewed.max(self.created) + IDLE
    }

    /// The session that a sign-in with a provider begins.
    pub(crate) fn begin_with(provider: &str, grant: Grant, user: User, now: u64) -> Session {
        let tokens = Tokens {
            id: grant.id_token,
            refresh: grant.refresh_token,
        };
        let nameless = user.subject.clone();
        Session {
            provider: Some(provider.to_owned()),
            ..Session::begin(tokens, user, &nameless, now)
        }
    }

    /// When to ask for new tokens. Without a refresh token there is nothing to ask with before the end.
    pub(super) fn renew_at(&self) -> u64 {
        match self.refresh_token.is_empty() {
            true => self.exp,
            false => self.exp.saturating_sub(EARLY),
        }
    }

    /// Whether the sign-in is so fresh that what could take the account over is allowed.
    pub(crate) fn is_recent(&self, now: u64) -> bool {
        now < self.created + RECENT
    }

    /// The same session with new tokens.
    pub(crate) fn continued(&self, tokens: Tokens, user: User, now: u64) -> Session {
        Session {
            id: self.id.clone(),
            provider: self.provider.clone(),
            id_token: tokens.id,
            refresh_token: tokens.refresh,
            email: user.email.unwrap_or_else(|| self.email.clone()),
            subject: user.subject,
            exp: user.exp,
            created: self.created,
            renewed: now,
        }
    }
}

/// Without randomness there is no seal either, so nobody ever sees an empty id.
fn id() -> String {
    let mut bytes = [0; 12];
    let _ = SystemRandom::new().fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds before its end from which an ID token is replaced.
const EARLY: u64 = 300;
/// Seconds after a sign-in in which nobody is asked for the password again.
const RECENT: u64 = 300;
/// Seconds from a sign-in to the next one that is asked for, however often the tokens were renewed.
const LONGEST: u64 = 14 * 24 * 3600;
/// Seconds without any use after which a session is over.
const IDLE: u64 = 3 * 24 * 3600;
