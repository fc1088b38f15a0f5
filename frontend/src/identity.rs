//! Identity Platform as a small client: sign in and refresh here, the calls about accounts beside it. The
//! real one or a stand-in, only the address differs.
//!
//! An answer of 200 is not a success yet: it may ask for a second factor and carry no token. Success means
//! that both tokens are there; whether the ID token is genuine is `verify`'s question.

use axum::body::Bytes;
use axum::http::StatusCode;
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{Config, Secret};
use crate::outbound;

mod accounts;
mod admin;
mod federated;
mod policy;
mod problem;
mod profile;
mod refusal;
mod second_step;

pub(crate) use accounts::{Code, Mail, Mode};
pub(crate) use admin::Admin;
pub(crate) use federated::{Confirmation, Return, Returned};
pub(crate) use policy::{PasswordPolicy, Rule};
pub(crate) use problem::Problem;
pub(crate) use profile::{Factor, Profile};
pub(crate) use refusal::Refusal;
pub(crate) use second_step::{Enrolment, Entrance, Pending};

/// Its calls.
pub(crate) struct IdentityPlatform {
    http: Client,
    toolkit: String,
    refresh: String,
    key: Secret,
    tenant: Option<String>,
    policy: policy::Cache,
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
            toolkit: base("identitytoolkit.googleapis.com"),
            refresh: base("securetoken.googleapis.com/v1/token"),
            key: config.api_key.clone(),
            tenant: config.tenant.clone(),
            policy: policy::Cache::default(),
        }
    }

    /// Exchanges e-mail and password for tokens, or for the question of a second step.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<Entrance, Refusal> {
        let asked = json!({"email": email, "password": password, "returnSecureToken": true});
        let answer: second_step::Answer = self.accounts("signInWithPassword", &asked).await?;
        answer.entrance()
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

    fn toolkit(&self, path: &str) -> String {
        format!("{}/{path}", self.toolkit)
    }

    /// A call in a user's name. Where an ID token says whose it is, the tenant follows from it; everywhere else
    /// it has to be said, or the project's own users are meant.
    async fn call<T: for<'a> Deserialize<'a>>(&self, path: &str, asked: &Value) -> Result<T, Refusal> {
        let mut asked = asked.clone();
        if let (Some(tenant), None) = (&self.tenant, asked.get("idToken")) {
            asked["tenantId"] = tenant.as_str().into();
        }
        read(&self.ask(self.http.post(self.toolkit(path)).json(&asked)).await?)
    }

    /// The body of a 200, or what the error envelope means.
    async fn ask(&self, request: RequestBuilder) -> Result<Bytes, Refusal> {
        // the key goes into a header and not into the URL, which ends up in logs
        answer(request.header("x-goog-api-key", self.key.expose())).await
    }
}

async fn answer(request: RequestBuilder) -> Result<Bytes, Refusal> {
    let response = request.send().await;
    let response = response.map_err(|error| Refusal::Unavailable(outbound::reason(error)))?;
    let status = response.status();
    let body = outbound::text(response).await.map_err(Refusal::Unavailable)?;
    match status {
        StatusCode::OK => Ok(body),
        status => Err(Refusal::of(status, &body)),
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
