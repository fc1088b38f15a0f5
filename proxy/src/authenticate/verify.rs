//! One token against one rule, in Envoy's order: form, issuer, time, audience, signature.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use jwt::{Error, Jwks, Token, Validity};

use super::{Keys, TokenCache, outputs};
use crate::head::User;
use crate::plan::authentication::JwtRule;

/// What a token was found to say, under one rule and one set of keys. All that is needed per request is
/// made once, when the token is first seen.
pub(super) struct Accepted {
    pub(super) user: Arc<User>,
    /// Headers for the upstream.
    pub(super) outputs: Vec<(HeaderName, HeaderValue)>,
    pub(super) validity: Validity,
    rule: Arc<JwtRule>,
    keys: Arc<Jwks>,
}

/// Everything that the verification of a token needs beside the token.
pub(super) struct Verifier<'a> {
    pub(super) keys: Keys<'a>,
    pub(super) cache: &'a TokenCache,
    pub(super) now: u64,
}

impl Verifier<'_> {
    /// Verifies, or remembers. A remembered token counts only under the very rule and keys that accepted it,
    /// and only while its time lasts.
    pub(super) fn verify(
        &self,
        place: usize,
        rule: &Arc<JwtRule>,
        text: &str,
    ) -> Result<Arc<Accepted>, Error> {
        let keys = (self.keys)(place);
        let key = self.cache.key(place, text);
        if let (Some(key), Some(keys)) = (&key, &keys)
            && let Some(known) = self.cache.get(key)
            && Arc::ptr_eq(&known.rule, rule)
            && Arc::ptr_eq(&known.keys, keys)
        {
            known.validity.check(self.now, LEEWAY)?;
            return Ok(known);
        }
        let accepted = Arc::new(verify(rule, keys, self.now, text)?);
        if let Some(key) = key {
            self.cache.insert(key, accepted.clone());
        }
        Ok(accepted)
    }
}

fn verify(rule: &Arc<JwtRule>, keys: Option<Arc<Jwks>>, now: u64, text: &str) -> Result<Accepted, Error> {
    let token = Token::parse(text)?;
    if rule
        .issuer
        .as_deref()
        .is_some_and(|issuer| token.issuer() != Some(issuer))
    {
        return Err(Error::IssuerNotConfigured);
    }
    token.check_time(now, LEEWAY)?;
    let ours = |audience: &str| rule.audiences.iter().any(|ours| **ours == *bare(audience));
    if !rule.audiences.is_empty() && !token.audiences().any(ours) {
        return Err(Error::AudienceNotAllowed);
    }
    // until keys have been fetched nobody's signature is good
    let keys = keys.ok_or(Error::VerificationFails)?;
    keys.verify(&token)?;

    let outputs = outputs::of(rule, &token);
    let validity = token.validity();
    Ok(Accepted {
        user: Arc::new(user(rule, token)),
        outputs,
        validity,
        rule: rule.clone(),
        keys,
    })
}

fn user(rule: &JwtRule, token: Token<'_>) -> User {
    let principal = match (token.issuer(), token.subject()) {
        (Some(issuer), Some(subject)) if !issuer.is_empty() && !subject.is_empty() => {
            Some(format!("{issuer}/{subject}").into())
        }
        _ => None,
    };
    let mut claims = token.into_claims();
    for name in &rule.space_delimited {
        if let Some(serde_json::Value::String(text)) = claims.get(&**name) {
            let pieces = text.split(' ').filter(|piece| !piece.is_empty());
            let list = pieces.map(serde_json::Value::from).collect();
            claims.insert(name.to_string(), serde_json::Value::Array(list));
        }
    }
    User { claims, principal }
}

/// An audience without scheme and trailing slash, as the rule's are.
fn bare(audience: &str) -> &str {
    let scheme = ["http://", "https://"];
    let rest = scheme.iter().find_map(|scheme| audience.strip_prefix(scheme));
    let rest = rest.unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}

/// How far clocks may be apart, seconds. Istio leaves no choice.
const LEEWAY: u64 = 60;

#[cfg(test)]
pub(super) fn accepted_for_tests() -> Arc<Accepted> {
    use super::tests::{jwks, rule};
    thread_local!(static KEYS: Arc<Jwks> = jwks());
    Arc::new(Accepted {
        user: Arc::new(User {
            claims: serde_json::Map::new(),
            principal: None,
        }),
        outputs: Vec::new(),
        validity: Validity::default(),
        rule: Arc::new(rule("https://a.example")),
        keys: KEYS.with(Clone::clone),
    })
}
