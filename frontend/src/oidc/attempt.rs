//! One attempt to sign in: what the browser carries to the provider and back, encrypted, under a name of its
//! own, so that several tabs can be at it; ten minutes, used once, and not too many.

use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::arrival::Arrival;
use crate::session::pocket;

#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) nonce: String,
    /// Of PKCE (RFC 7636): only its hash travels with the browser in clear.
    pub(super) verifier: String,
    /// As it was sent, for it must be sent again with the code.
    pub(super) redirect: String,
    pub(super) next: String,
}

impl Attempt {
    /// None when the system has no randomness.
    pub(super) fn new(provider: &str, redirect: String, next: &str) -> Option<Attempt> {
        Some(Attempt {
            provider: provider.to_owned(),
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            redirect,
            next: next.to_owned(),
        })
    }

    /// S256, the only method (RFC 7636 section 4.2).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()))
    }

    pub(super) fn begin(&self, app: &App, arrival: &Arrival, headers: &HeaderMap, response: &mut Response) {
        keep(app, arrival, headers, response, &self.state, self);
    }

    /// Takes it back, whole: the state of the answer finds it, and it is over whatever comes of it.
    pub(super) fn end(
        app: &App,
        arrival: &Arrival,
        headers: &HeaderMap,
        state: &str,
        provider: &str,
    ) -> Option<Attempt> {
        let attempt: Attempt = take(app, arrival, headers, state)?;
        (attempt.state == state && attempt.provider == provider).then_some(attempt)
    }
}

/// Gives an attempt to the browser. Of too many the others go: they belong to tabs that nobody came back
/// from.
pub(crate) fn keep(
    app: &App,
    arrival: &Arrival,
    headers: &HeaderMap,
    response: &mut Response,
    state: &str,
    attempt: impl Serialize,
) {
    let others = pocket::labels(arrival, headers, LABEL);
    if others.len() >= MOST {
        for label in others {
            pocket::empty(arrival, response, &label);
        }
    }
    pocket::put(app, arrival, response, &label(state), attempt);
}

/// What the browser has under a state.
pub(crate) fn take<T: DeserializeOwned>(
    app: &App,
    arrival: &Arrival,
    headers: &HeaderMap,
    state: &str,
) -> Option<T> {
    pocket::get(app, arrival, headers, &label(state))
}

pub(crate) fn forget(arrival: &Arrival, response: &mut Response, state: &str) {
    pocket::empty(arrival, response, &label(state));
}

/// From a state, ours or not, by its digest: others' states may begin alike.
fn label(state: &str) -> String {
    let hash = digest(&SHA256, state.as_bytes());
    let short = &hash.as_ref()[..9]; // SHA-256 has 32 bytes
    format!("{LABEL}{}", URL_SAFE_NO_PAD.encode(short))
}

/// 256 bits.
pub(crate) fn random() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

const LABEL: &str = "attempt-";
/// Attempts of one browser at a time.
const MOST: usize = 5;
