//! Who calls, and may they? Cloud Run's IAM check of one request.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::stand_in::key::now;

const SERVERLESS: HeaderName = HeaderName::from_static("x-serverless-authorization");
/// What Cloud Run puts in the signature's place.
const REMOVED: &str = "SIGNATURE_REMOVED_BY_GOOGLE";
/// How long fetching the keys may take.
const FETCH: Duration = Duration::from_secs(2);
/// An unknown key id has the keys fetched again, but no oftener than this.
const FETCH_PAUSE: Duration = Duration::from_secs(1);
/// Keys are fetched again after this time in any case.
const MAX_AGE: Duration = Duration::from_secs(3600);
/// A key set is smaller than this.
const KEYS_BYTES: usize = 64 * 1024;

/// Why a request does not pass. The text is for the operator; no token is in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No token at all: 403.
    Anonymous,
    /// A token that cannot be believed: 401.
    Unverified(String),
    /// Somebody, but not the invoker: 403.
    Forbidden(String),
    /// The keys cannot be had: 503.
    NoKeys(String),
}

/// Checks requests against one audience and one invoker.
pub(super) struct Gatekeeper {
    certs: String,
    audience: String,
    invoker: String,
    client: Client<HttpConnector, Body>,
    /// The lock is held while keys are fetched: one fetch at a time.
    keys: Mutex<Option<Keys>>,
}

struct Keys {
    set: jwt::Jwks,
    fetched: Instant,
}

impl Gatekeeper {
    /// `metadata` is an origin.
    pub(super) fn new(metadata: String, audience: String, invoker: String) -> Gatekeeper {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(FETCH));
        Gatekeeper {
            certs: metadata + "/oauth2/v3/certs",
            audience,
            invoker,
            client: Client::builder(TokioExecutor::new()).build(connector),
            keys: Mutex::new(None),
        }
    }

    /// Lets the invoker's request pass, its token without the signature.
    pub(super) async fn admit(&self, headers: &mut HeaderMap) -> Result<(), Refusal> {
        let (name, token) = service_token(headers)?;
        let value = self.verify(&token).await?;
        headers.insert(name, value);
        Ok(())
    }

    async fn verify(&self, text: &str) -> Result<HeaderValue, Refusal> {
        let unverified = |why: String| Refusal::Unverified(why);
        let token = jwt::Token::parse(text).map_err(|error| unverified(error.to_string()))?;
        self.signature(&token).await?;
        let claims = Value::Object(token.claims().clone());
        let issuer = claims["iss"].as_str().unwrap_or_default();
        if !matches!(issuer, "https://accounts.google.com" | "accounts.google.com") {
            return Err(unverified(format!("issuer {issuer:?} is not Google's")));
        }
        if claims["exp"].as_u64().is_none_or(|exp| exp <= now()) {
            return Err(unverified("the token has expired".to_owned()));
        }
        if claims["aud"] != self.audience.as_str() {
            return Err(unverified(format!(
                "the token is for {}, this service is {:?}",
                claims["aud"], self.audience
            )));
        }
        if claims["email"] != self.invoker.as_str() || claims["email_verified"] != true {
            return Err(Refusal::Forbidden(format!(
                "{} may not invoke, {} may",
                claims["email"], self.invoker
            )));
        }
        let signed = text.rsplit_once('.').map_or("", |(signed, _)| signed);
        HeaderValue::from_str(&format!("Bearer {signed}.{REMOVED}"))
            .map_err(|error| unverified(error.to_string()))
    }

    /// Tries the keys that are there; when they are old or lack the token's, fetches them anew.
    async fn signature(&self, token: &jwt::Token<'_>) -> Result<(), Refusal> {
        let mut keys = self.keys.lock().await;
        let known = |keys: &Keys| {
            let kid = token.key_id();
            kid.is_some_and(|kid| keys.set.key_ids().any(|known| known == kid))
        };
        let fetch = match &*keys {
            None => true,
            Some(keys) if known(keys) => keys.fetched.elapsed() > MAX_AGE,
            Some(keys) => keys.fetched.elapsed() > FETCH_PAUSE,
        };
        if fetch {
            match (self.fetch().await, &*keys) {
                (Ok(set), _) => {
                    let fetched = Instant::now();
                    *keys = Some(Keys { set, fetched });
                }
                (Err(error), None) => return Err(Refusal::NoKeys(format!("{}: {error}", self.certs))),
                (Err(error), Some(_)) => tracing::warn!("{}: {error}; the old keys stay", self.certs),
            }
        }
        let Some(keys) = &*keys else {
            return Err(Refusal::NoKeys(format!("{}: no keys", self.certs)));
        };
        keys.set
            .verify(token)
            .map_err(|error| Refusal::Unverified(error.to_string()))
    }

    async fn fetch(&self) -> Result<jwt::Jwks, String> {
        let request = Request::get(&self.certs)
            .body(Body::empty())
            .map_err(|error| error.to_string())?;
        let fetch = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| crate::chain(&error))?;
            if !response.status().is_success() {
                return Err(format!("answers {}", response.status()));
            }
            let body = Limited::new(response.into_body(), KEYS_BYTES).collect().await;
            let bytes = body.map_err(|error| error.to_string())?.to_bytes();
            let text = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
            jwt::Jwks::parse(text).map_err(|error| error.to_string())
        };
        let in_time = tokio::time::timeout(FETCH, fetch).await;
        in_time.unwrap_or_else(|_| Err(format!("no answer within {FETCH:?}")))
    }
}

/// The header that decides, and the bearer token in it.
fn service_token(headers: &HeaderMap) -> Result<(HeaderName, String), Refusal> {
    let name = match headers.contains_key(SERVERLESS) {
        true => SERVERLESS,
        false => header::AUTHORIZATION,
    };
    let mut values = headers.get_all(&name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(match headers.contains_key(&name) {
            true => Refusal::Unverified(format!("{name} is there more than once")),
            false => Refusal::Anonymous,
        });
    };
    let bearer = |text: &str| {
        let (scheme, token) = text.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim().to_owned())
    };
    match value.to_str().ok().and_then(bearer) {
        Some(token) if !token.is_empty() => Ok((name, token)),
        _ => Err(Refusal::Anonymous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serverless_header_alone_decides_when_it_is_there() {
        let decide = |headers: &[(&'static str, &'static str)]| {
            let map = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            service_token(&map).map(|(_, token)| token)
        };
        let (serverless, user) = ("x-serverless-authorization", "authorization");
        assert_eq!(
            decide(&[(user, "Bearer u"), (serverless, "bearer s")]),
            Ok("s".into())
        );
        assert_eq!(decide(&[(user, "Bearer u")]), Ok("u".into()));
        assert_eq!(
            decide(&[(user, "Bearer u"), (serverless, "Basic s")]),
            Err(Refusal::Anonymous)
        );
        assert_eq!(decide(&[]), Err(Refusal::Anonymous));
    }
}
