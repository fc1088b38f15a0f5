//! This service's own identity: a token that the metadata server signs for one audience. Cached until five
//! minutes before its end and fetched by one request at a time, however many wait.

use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use reqwest::{Client, Url};
use serde::Deserialize;

use crate::config::{Config, Secret};
use crate::outbound;

/// The service's tokens for one audience: the proxy.
pub(crate) struct ServiceToken {
    http: Client,
    url: String,
    clock: fn() -> std::time::SystemTime,
    cached: Mutex<Option<Token>>,
    flight: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Token {
    text: Secret,
    exp: u64,
}

impl ServiceToken {
    pub(crate) fn new(config: &Config, audience: &str, http: Client) -> ServiceToken {
        let base = format!(
            "http://{}/computeMetadata/v1/instance/service-accounts/default/identity",
            config.metadata_host
        );
        // `full`, because the check at Cloud Run's door needs the e-mail
        let query = [("audience", audience), ("format", "full")];
        let url = Url::parse_with_params(&base, query).map_or(base, String::from);
        ServiceToken {
            http,
            url,
            clock: config.clock,
            cached: Mutex::new(None),
            flight: tokio::sync::Mutex::new(()),
        }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    /// Why the metadata server gave none, when there is no cached one that is still valid.
    pub(crate) async fn get(&self) -> Result<Secret, String> {
        if let Some(token) = self.lasting(EARLY) {
            return Ok(token);
        }
        // while one request fetches, the others go on with a token that is old but not over
        let flight = self.flight.try_lock();
        if flight.is_err()
            && let Some(token) = self.lasting(0)
        {
            return Ok(token);
        }
        let _flight = match flight {
            Ok(flight) => flight,
            Err(_) => self.flight.lock().await,
        };
        if let Some(token) = self.lasting(EARLY) {
            return Ok(token);
        }
        match self.fetch().await {
            Ok(token) => {
                let text = token.text.clone();
                *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
                Ok(text)
            }
            Err(problem) => match self.lasting(0) {
                Some(token) => {
                    tracing::warn!(
                        "the service token could not be renewed and is used to its end: {problem}"
                    );
                    Ok(token)
                }
                None => Err(problem),
            },
        }
    }

    /// The cached token, if it has more than `margin` seconds left.
    fn lasting(&self, margin: u64) -> Option<Secret> {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let now = crate::seconds((self.clock)());
        cached
            .as_ref()
            .filter(|token| token.exp > now + margin)
            .map(|token| token.text.clone())
    }

    async fn fetch(&self) -> Result<Token, String> {
        let request = self.http.get(&self.url).header("metadata-flavor", "Google");
        let answer = tokio::time::timeout(DEADLINE, async {
            let response = request.send().await.map_err(outbound::reason)?;
            Ok::<_, String>((response.status(), outbound::text(response).await?))
        });
        let (status, body) = answer
            .await
            .map_err(|_| format!("no answer within {DEADLINE:?}"))??;
        if !status.is_success() {
            return Err(format!("it answers {status}"));
        }
        token(&body).ok_or_else(|| "its answer is not a token".to_owned())
    }
}

/// Only `exp` is read; whoever receives the token verifies it.
fn token(body: &Bytes) -> Option<Token> {
    use base64::Engine;
    #[derive(Deserialize)]
    struct Claims {
        exp: u64,
    }
    let text = std::str::from_utf8(body).ok()?.trim();
    let payload = text.split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    Some(Token {
        text: Secret::new(text),
        exp: claims.exp,
    })
}

/// Seconds before its end from which a token is replaced.
const EARLY: u64 = 300;
/// The metadata server is on the same machine; more patience would eat the page's.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(2);
