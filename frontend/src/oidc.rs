//! Sign-in with OpenID Connect providers directly: code flow with PKCE, a state, a nonce and a redirect path
//! per provider. What the front end keeps of it is an ID token, which the gateway checks as it does that of
//! Identity Platform: it needs a jwtRule for each issuer.
//!
//! In the order of a sign-in: `flow` sends the browser there, `attempt` is what it carries, `flow` takes it
//! back, `tokens` exchanges the code, and what comes is checked here.

pub(crate) mod attempt;
mod discovery;
pub(crate) mod flow;
pub(crate) mod logout;
mod tokens;

use std::sync::Arc;

use jwt::id_token::Expected;
use jwt::{Algorithm, Token};
use reqwest::Client;

use crate::config::{self, Config};
use crate::identity::Refusal;
use crate::verify::User;

use discovery::Discovery;
pub(crate) use tokens::Grant;

/// All of them, in the order of the configuration.
pub(crate) struct Providers(Vec<Provider>);

impl Providers {
    pub(crate) fn new(config: &Config, http: &Client) -> Providers {
        let providers = config.providers.iter().map(|provider| Provider {
            config: provider.clone(),
            http: http.clone(),
            discovery: Discovery::default(),
            clock: config.clock,
        });
        Providers(providers.collect())
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.config.id == id)
    }

    /// Id and name of each, for the page.
    pub(crate) fn buttons(&self) -> Vec<(&str, &str)> {
        let all = self.0.iter();
        all.map(|provider| (provider.config.id.as_str(), provider.config.name.as_str()))
            .collect()
    }
}

/// One provider.
pub(crate) struct Provider {
    config: config::Provider,
    http: Client,
    discovery: Discovery,
    clock: fn() -> std::time::SystemTime,
}

/// Why a provider did not sign anybody in.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It gives no answer that can be used; a session is not over for that.
    Silent(String),
    /// It said no, or something that must not be accepted.
    Refused(String),
}

impl Provider {
    /// Issuer and subject.
    pub(crate) fn principal(&self, subject: &str) -> String {
        format!("{}/{subject}", self.config.issuer)
    }

    /// Everything about an ID token, the signature last; and who its user is.
    async fn verify(&self, grant: &Grant, nonce: Option<&str>) -> Result<User, Trouble> {
        let refused = |rule: &str| self.refused(&format!("its ID token is not accepted: {rule}"));
        let token = Token::parse(&grant.id_token).map_err(|error| refused(&error.to_string()))?;
        let expected = Expected {
            issuer: &self.config.issuer,
            client: &self.config.client_id,
            nonce,
            access_token: grant.access_token.as_deref(),
            algorithms: &ALGORITHMS,
            now: crate::seconds((self.clock)()),
            leeway: 60,
        };
        expected.check(&token).map_err(refused)?;
        let found = self.found().await?;
        let kid = token.key_id().unwrap_or_default();
        let keys = found.keys.with(kid).await;
        let keys = keys.map_err(|why| self.silent(&format!("its keys cannot be fetched: {why}")))?;
        keys.verify(&token).map_err(|error| refused(&error.to_string()))?;
        Ok(user(&token))
    }

    /// What it told about itself, asked for again when it is old.
    async fn found(&self) -> Result<Arc<discovery::Found>, Trouble> {
        let found = self.discovery.get(&self.http, &self.config.issuer).await;
        found.map_err(|why| self.silent(&why))
    }

    fn silent(&self, why: &str) -> Trouble {
        Trouble::Silent(format!("provider {}: {why}", self.config.id))
    }

    fn refused(&self, why: &str) -> Trouble {
        Trouble::Refused(format!("provider {}: {why}", self.config.id))
    }
}

/// A user is known by issuer and subject; an address is shown only if the provider has verified it.
fn user(token: &Token<'_>) -> User {
    let text = |name| token.claims().get(name).and_then(serde_json::Value::as_str);
    let verified = token.claims().get("email_verified") == Some(&true.into());
    let shown = text("email").filter(|_| verified);
    let shown = shown
        .or_else(|| text("preferred_username"))
        .or_else(|| text("name"));
    User {
        subject: token.subject().unwrap_or_default().to_owned(),
        email: shown.map(str::to_owned),
        // `check` has seen that it is there
        exp: token
            .claims()
            .get("exp")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or_default(),
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Refusal {
        match trouble {
            Trouble::Silent(why) => Refusal::Unavailable(why),
            Trouble::Refused(why) => {
                tracing::warn!("{why}");
                Refusal::ProviderFailed
            }
        }
    }
}

/// Signatures that anybody can check and only the provider can make.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
