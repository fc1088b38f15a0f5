//! What a provider says about itself (OpenID Connect Discovery 1.0): fetched at the first sign-in, then once
//! an hour; the last good answer is kept when it is silent.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::is_safe;
use crate::outbound;
use crate::verify::Keys;

/// The answer that was last good. The lock is held while one request asks for all.
#[derive(Default)]
pub(super) struct Discovery(Mutex<Option<(Instant, Arc<Found>)>>);

/// A provider's own description, and its keys.
pub(super) struct Found {
    pub(super) about: Metadata,
    pub(super) keys: Arc<Keys>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: Endpoint,
    pub(super) token_endpoint: Endpoint,
    jwks_uri: Endpoint,
    pub(super) end_session_endpoint: Option<Endpoint>,
    /// RFC 9207: it names itself in every answer, so an answer without its name is another's.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// An address that a secret may be sent to.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Endpoint(pub(super) Url);

impl TryFrom<String> for Endpoint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Endpoint, &'static str> {
        let url = Url::parse(&text).ok().filter(is_safe);
        url.map(Endpoint).ok_or("an endpoint is not an https URL")
    }
}

impl Metadata {
    /// Whether the secret goes into the form; the header is the default and what everybody should know.
    pub(super) fn secret_in_form(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        let has = |name: &str| methods.iter().any(|method| method == name);
        !methods.is_empty() && !has("client_secret_basic") && has("client_secret_post")
    }
}

impl Discovery {
    pub(super) async fn get(&self, http: &Client, issuer: &str) -> Result<Arc<Found>, String> {
        let mut held = self.0.lock().await;
        if let Some((at, found)) = &*held
            && at.elapsed() < FRESH
        {
            return Ok(found.clone());
        }
        let fetched = tokio::time::timeout(PATIENCE, fetch(http, issuer)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")));
        let found = match (fetched, held.as_ref()) {
            (Ok(about), old) => {
                // the keys are kept, and with them how often they may be asked for
                let old = old.filter(|(_, old)| old.about.jwks_uri == about.jwks_uri);
                let keys = old.map(|(_, old)| old.keys.clone());
                let new = || Arc::new(Keys::new(http.clone(), about.jwks_uri.0.to_string()));
                let keys = keys.unwrap_or_else(new);
                Arc::new(Found { about, keys })
            }
            (Err(why), Some((_, old))) => {
                tracing::warn!("the discovery document of {issuer} is an old one: {why}");
                old.clone()
            }
            (Err(why), None) => return Err(format!("no discovery document: {why}")),
        };
        *held = Some((Instant::now(), found.clone()));
        Ok(found)
    }
}

async fn fetch(http: &Client, issuer: &str) -> Result<Metadata, String> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let response = http.get(url).send().await.map_err(outbound::reason)?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answers {}", response.status()));
    }
    let body = outbound::text(response).await?;
    let about: Metadata =
        serde_json::from_slice(&body).map_err(|error| format!("it cannot be read: {error}"))?;
    if about.issuer != issuer {
        return Err(format!("its issuer is {:?} and not {issuer:?}", about.issuer));
    }
    Ok(about)
}

/// How long an answer is used.
const FRESH: Duration = Duration::from_secs(3600);
/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
