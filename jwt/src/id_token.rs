//! What an OpenID Connect client checks of an ID token besides its signature (OpenID Connect Core 1.0 section
//! 3.1.3.7), for whoever got it from a token endpoint.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{self, SHA256, SHA384, SHA512};

use crate::{Algorithm, Token};

/// What the token has to say.
pub struct Expected<'a> {
    /// `iss`, byte for byte.
    pub issuer: &'a str,
    /// `aud`, and `azp` where it is there.
    pub client: &'a str,
    /// The nonce of the attempt; a refreshed token has none.
    pub nonce: Option<&'a str>,
    /// The access token that came with it, for `at_hash`.
    pub access_token: Option<&'a str>,
    /// The algorithms that were agreed upon.
    pub algorithms: &'a [Algorithm],
    /// Seconds since 1970.
    pub now: u64,
    /// Seconds by which two clocks may differ.
    pub leeway: u64,
}

impl Expected<'_> {
    /// Checks everything but the signature.
    ///
    /// # Errors
    /// The rule that is broken. It quotes no part of the token.
    pub fn check(&self, token: &Token<'_>) -> Result<(), &'static str> {
        let text = |name| token.claims().get(name).and_then(serde_json::Value::as_str);
        let number = |name| token.claims().get(name).and_then(serde_json::Value::as_u64);
        let algorithm = token.algorithm();
        if !self.algorithms.contains(&algorithm) {
            return Err("its alg is not among those agreed upon");
        }
        if token.critical().is_some() {
            return Err("its header has crit, and no extension is known here (RFC 7515 section 4.1.11)");
        }
        if token.issuer() != Some(self.issuer) {
            return Err("its iss is not the provider's");
        }
        if token.audiences().next().is_none() || token.audiences().any(|other| other != self.client) {
            return Err("its aud is not this client and nobody else");
        }
        if token.claims().get("azp").is_some() && text("azp") != Some(self.client) {
            return Err("its azp is another client");
        }
        if number("exp").is_none_or(|exp| exp <= self.now) {
            return Err("its exp is not in the future");
        }
        if number("iat").is_none_or(|iat| iat > self.now + self.leeway) {
            return Err("its iat is missing or in the future");
        }
        if token
            .validity()
            .not_before
            .is_some_and(|nbf| nbf > self.now + self.leeway)
        {
            return Err("its nbf is in the future");
        }
        if token
            .subject()
            .is_none_or(|sub| sub.is_empty() || sub.len() > 255)
        {
            return Err("its sub is missing, empty or longer than 255 bytes");
        }
        if self.nonce.is_some_and(|nonce| text("nonce") != Some(nonce)) {
            return Err("its nonce is not that of this attempt");
        }
        match (self.access_token, token.claims().get("at_hash")) {
            (Some(access), Some(hash)) if hash.as_str() != half_hash(algorithm, access).as_deref() => {
                Err("its at_hash is not that of the access token")
            }
            _ => Ok(()),
        }
    }
}

/// The left half of a hash whose size is the algorithm's (section 3.1.3.6).
fn half_hash(algorithm: Algorithm, text: &str) -> Option<String> {
    let with = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 | Algorithm::HS256 => &SHA256,
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 | Algorithm::HS384 => &SHA384,
        _ => &SHA512,
    };
    let hash = digest::digest(with, text.as_bytes());
    Some(URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2]))
}

#[cfg(test)]
mod tests;
