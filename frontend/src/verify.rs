//! Whether an ID token is really one of Identity Platform's, for this project, now.
//!
//! Checked at sign-in and at every refresh, although both come from Identity Platform itself: who answers
//! at that address is one question, who signed is another, and the second is what the gateway will ask.

use jwt::{Algorithm, Token};
use reqwest::Client;
use serde_json::Value;

use crate::config::Config;

mod keys;

pub(crate) use keys::Keys;

/// Checks ID tokens of one project, and in it of one tenant or of none.
pub(crate) struct Verifier {
    issuer: String,
    project: String,
    tenant: Option<String>,
    keys: Keys,
    clock: fn() -> std::time::SystemTime,
}

/// Who a verified token speaks of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) subject: String,
    pub(crate) email: Option<String>,
    pub(crate) exp: u64,
}

/// Why a token is not accepted. The texts carry no part of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The keys could not be fetched: nobody's token can be judged now.
    NoKeys(String),
    /// The token breaks a rule.
    Refused(String),
}

impl Verifier {
    pub(crate) fn new(config: &Config, http: Client) -> Verifier {
        let base = match &config.emulator {
            Some(host) => format!("http://{host}"),
            None => "https://www.googleapis.com".to_owned(),
        };
        Verifier {
            issuer: format!("https://securetoken.google.com/{}", config.project),
            project: config.project.clone(),
            tenant: config.tenant.clone(),
            keys: Keys::new(http, format!("{base}{KEYS_PATH}")),
            clock: config.clock,
        }
    }

    /// The issuer and a subject, as the access records name a user.
    pub(crate) fn principal(&self, subject: &str) -> String {
        format!("{}/{subject}", self.issuer)
    }

    /// Whether a token that was verified once is still one for us: the tenant may have been another then.
    pub(crate) fn is_of_our_tenant(&self, text: &str) -> bool {
        Token::parse(text).is_ok_and(|token| self.has_our_tenant(&token))
    }

    /// Issuer and audience are the project's for every tenant and for none: nothing else tells them apart.
    fn has_our_tenant(&self, token: &Token<'_>) -> bool {
        let firebase = token.claims().get("firebase");
        let tenant = firebase.and_then(|firebase| firebase.get("tenant"));
        match &self.tenant {
            Some(ours) => tenant.and_then(Value::as_str) == Some(ours),
            None => tenant.is_none(),
        }
    }

    /// Checks everything; the signature last, because it may have to wait for keys.
    pub(crate) async fn verify(&self, text: &str) -> Result<User, Doubt> {
        let refused = |error: jwt::Error| Doubt::Refused(error.to_string());
        let token = Token::parse(text).map_err(refused)?;
        let now = crate::seconds((self.clock)());
        let user = self
            .judge(&token, now)
            .map_err(|rule| Doubt::Refused(rule.to_owned()))?;
        let kid = token.key_id().unwrap_or_default();
        let keys = self.keys.with(kid).await.map_err(Doubt::NoKeys)?;
        if !keys.key_ids().any(|known| known == kid) {
            return Err(Doubt::Refused(
                "its kid is not among the issuer's keys".to_owned(),
            ));
        }
        keys.verify(&token).map_err(refused)?;
        Ok(user)
    }

    /// The rules about header and claims, in the order of Identity Platform's documentation.
    fn judge(&self, token: &Token<'_>, now: u64) -> Result<User, &'static str> {
        let number = |name| token.claims().get(name).and_then(Value::as_u64);
        let past = |time: Option<u64>| time.is_some_and(|time| time <= now + SKEW);
        if token.algorithm() != Algorithm::RS256 {
            return Err("its alg is not RS256");
        }
        if token.key_id().is_none() {
            return Err("it has no kid");
        }
        if token.critical().is_some() {
            return Err("its header has crit, and no extension is known here (RFC 7515 section 4.1.11)");
        }
        if token.issuer() != Some(&self.issuer) {
            return Err("its iss is not this project's");
        }
        if token.claims().get("aud").and_then(|aud| aud.as_str()) != Some(&self.project) {
            return Err("its aud is not this project");
        }
        if !self.has_our_tenant(token) {
            return Err("its firebase.tenant is not the one of AUTH_TENANT_ID");
        }
        let exp = number("exp")
            .filter(|exp| *exp > now)
            .ok_or("its exp is not in the future")?;
        if !past(token.issued_at()) {
            return Err("its iat is missing or in the future");
        }
        if !past(number("auth_time")) {
            return Err("its auth_time is missing or in the future");
        }
        if token.validity().not_before.is_some_and(|nbf| nbf > now + SKEW) {
            return Err("its nbf is in the future");
        }
        let subject = token.subject().filter(|sub| !sub.is_empty() && sub.len() <= 128);
        let subject = subject.ok_or("its sub is missing, empty or longer than 128 bytes")?;
        let email = token.claims().get("email").and_then(|email| email.as_str());
        Ok(User {
            subject: subject.to_owned(),
            email: email.map(str::to_owned),
            exp,
        })
    }
}

/// Seconds by which our clock and the issuer's may differ.
const SKEW: u64 = 60;

const KEYS_PATH: &str = "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";

#[cfg(test)]
mod tests;
