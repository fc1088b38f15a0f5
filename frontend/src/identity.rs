//! Identity Platform as a small client: sign in, refresh. The real one or a stand-in, only the address
//! differs.
//!
//! An answer of 200 is not a success yet: it may ask for a second factor and carry no token. Success means
//! that both tokens are there; whether the ID token is genuine is `verify`'s question.

use axum::body::Bytes;
use axum::http::StatusCode;
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;

use crate::config::{Config, Secret};
use crate::outbound;

mod problem;
mod refusal;

pub(crate) use problem::Problem;
pub(crate) use refusal::Refusal;

/// The two calls that the front end makes.
pub(crate) struct IdentityPlatform {
    http: Client,
    sign_in: String,
    refresh: String,
    key: Secret,
}

/// What a user's sign-in or refresh yields. Neither leaves this process but in the encrypted cookie, and
/// the first in `Authorization`.
pub(crate) struct Tokens {
    pub(crate) id: String,
    pub(crate) refresh: String,
}

impl IdentityPlatform {
    pub(crate) fn new(config: &Config, http: Client) -> IdentityPlatform {
        let base = |service: &str| match &config.emulator {
            Some(host) => format!("http://{host}/{service}"),
            None => format!("https://{service}"),
        };
        IdentityPlatform {
            http,
            sign_in: base("identitytoolkit.googleapis.com/v1/accounts:signInWithPassword"),
            refresh: base("securetoken.googleapis.com/v1/token"),
            key: config.api_key.clone(),
        }
    }

    /// Exchanges e-mail and password for tokens.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<Tokens, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[derive(Default)]
        struct Answer {
            id_token: String,
            refresh_token: String,
            mfa_pending_credential: String,
        }
        let request = self.http.post(&self.sign_in).json(&json!({
            "email": email, "password": password, "returnSecureToken": true,
        }));
        let answer: Answer = read(&self.ask(request).await?)?;
        if !answer.mfa_pending_credential.is_empty() {
            return Err(Refusal::SecondFactor);
        }
        both(answer.id_token, answer.refresh_token)
    }

    /// Exchanges a refresh token for a new ID token.
    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<Tokens, Refusal> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Answer {
            id_token: String,
            refresh_token: String,
        }
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let answer: Answer = read(&self.ask(self.http.post(&self.refresh).form(&form)).await?)?;
        both(answer.id_token, answer.refresh_token)
    }

    /// The body of a 200, or what the error envelope means.
    async fn ask(&self, request: RequestBuilder) -> Result<Bytes, Refusal> {
        // the key goes into a header and not into the URL, which ends up in logs
        let request = request.header("x-goog-api-key", self.key.expose());
        let response = request
            .send()
            .await
            .map_err(|error| Refusal::Unavailable(outbound::reason(error)))?;
        let status = response.status();
        let body = outbound::text(response).await.map_err(Refusal::Unavailable)?;
        match status {
            StatusCode::OK => Ok(body),
            status => Err(Refusal::of(status, &body)),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a Bytes) -> Result<T, Refusal> {
    // serde's message could quote the body, tokens included
    serde_json::from_slice(body).map_err(|_| Refusal::Unavailable("its answer cannot be read".to_owned()))
}

fn both(id: String, refresh: String) -> Result<Tokens, Refusal> {
    if id.is_empty() || refresh.is_empty() {
        return Err(Refusal::Unknown("200 without tokens".to_owned()));
    }
    Ok(Tokens { id, refresh })
}
