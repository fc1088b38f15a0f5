//! A set of keys (RFC 7517 section 5), and which of them has to verify a token.

use serde_json::{Map, Value};

use crate::key::{Key, Unusable};
use crate::{Error, Token, json};

/// Keys, decoded once, so that a verification is arithmetic only.
pub struct Jwks {
    entries: Vec<Entry>,
    skipped: Vec<String>,
    private_material: bool,
}

/// Why a text is no set of keys. Nothing of the keys themselves is in the words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Not JSON, or an object in it has a member twice.
    #[error("Jwks is an invalid JSON: {0}")]
    Json(String),
    /// No list `keys`: often an HTML page, a discovery document or a map of PEM certificates.
    #[error("Jwks does not have [keys] field, or it is not a list: expected {{\"keys\":[…]}}")]
    NoKeys,
    /// `keys` is an empty list: Istio's validation takes it, Envoy then refuses the listener.
    #[error("Jwks doesn't have any valid public key: [keys] is empty")]
    Empty,
    /// Keys there are, but none that can verify a signature.
    #[error("Jwks doesn't have any valid public key: {}", .0.join("; "))]
    NoValidKey(Vec<String>),
}

impl Jwks {
    /// Reads `{"keys":[…]}`. Keys that cannot be used are left out, as long as one can.
    pub fn parse(text: &str) -> Result<Self, JwksError> {
        let set = json::value(text.as_bytes()).map_err(|e| JwksError::Json(e.to_string()))?;
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(JwksError::NoKeys)?;
        if keys.is_empty() {
            return Err(JwksError::Empty);
        }

        let mut jwks = Self {
            entries: Vec::new(),
            skipped: Vec::new(),
            private_material: false,
        };
        for (place, key) in keys.iter().enumerate() {
            jwks.add(place, key);
        }
        if jwks.entries.is_empty() {
            Err(JwksError::NoValidKey(jwks.skipped))
        } else {
            Ok(jwks)
        }
    }

    /// Verifies the token's signature with the keys that fit.
    ///
    /// A `kid` decides only where both sides have one, and a key without `alg` serves every algorithm
    /// of its type; so several keys may have to be tried.
    pub fn verify(&self, token: &Token<'_>) -> Result<(), Error> {
        let mut outcome = Err(Error::NoMatchingKey);
        for entry in self.entries.iter().filter(|entry| entry.matches(token)) {
            match entry.key.verify(token) {
                Err(Error::VerificationFails) => outcome = Err(Error::VerificationFails),
                decided => return decided,
            }
        }
        outcome
    }

    /// Does the set hold private or symmetric keys? Who reads it could then sign tokens: warn.
    pub fn has_private_material(&self) -> bool {
        self.private_material
    }

    /// The keys that were left out, each with the reason, for a warning.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The `kid`s of the set, in its order.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| entry.id.as_deref())
    }

    fn add(&mut self, place: usize, key: &Value) {
        let Some(key) = key.as_object() else {
            self.skipped.push(format!("keys[{place}]: not an object"));
            return;
        };
        self.private_material |= key.contains_key("d") || text(key, "kty") == Some("oct");
        match Entry::of(key) {
            Ok(entry) => self.entries.push(entry),
            Err(reason) => self.skipped.push(match text(key, "kid") {
                Some(kid) => format!("keys[{place}] (kid {kid:?}): {reason}"),
                None => format!("keys[{place}]: {reason}"),
            }),
        }
    }
}

struct Entry {
    id: Option<String>,
    algorithm: Option<String>,
    key: Key,
}

impl Entry {
    /// A `kid` or `alg` that is empty or no string counts as absent, as it does to Envoy.
    fn of(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        let present = |name| {
            text(jwk, name)
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
        };
        Ok(Self {
            id: present("kid"),
            algorithm: present("alg"),
            key: Key::of(jwk)?,
        })
    }

    fn matches(&self, token: &Token<'_>) -> bool {
        let same_id = match (&self.id, token.key_id()) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        let same_algorithm = match &self.algorithm {
            Some(name) => name == token.algorithm().name(),
            None => true,
        };
        same_id && same_algorithm
    }
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    members.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
