//! What the browser carries to the provider and back. Identity Platform makes the `state`, so it is read from
//! the address that it names; the session id, which only the encrypted cookie and Identity Platform have, is what
//! makes another browser's answer useless here.

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::config::{Config, is_safe};
use crate::identity::Refusal;

#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) session: String,
    /// Our callback, as it was sent.
    pub(super) redirect: String,
    pub(super) next: String,
    /// The user who adds the provider; none for a sign-in.
    pub(super) adds_to: Option<String>,
}

/// The address to which the browser goes, and the state in it.
pub(super) fn way(config: &Config, auth_uri: &str) -> Result<(Url, String), Refusal> {
    let unusable = |why: &str| Refusal::Unavailable(format!("its authUri {why}"));
    // a stand-in's own page may be on plain http anywhere
    let safe = |url: &Url| is_safe(url) || (config.emulator.is_some() && url.scheme() == "http");
    let url = Url::parse(auth_uri).ok().filter(safe);
    let url = url.ok_or_else(|| unusable("is not an https URL"))?;
    let state = url.query_pairs().find(|(name, _)| name == "state");
    let state = state.map(|(_, state)| state.into_owned()).unwrap_or_default();
    match state.is_empty() {
        true => Err(unusable("has no state")),
        false => Ok((url, state)),
    }
}
