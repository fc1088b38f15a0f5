//! One key: from a JWK's members to what ring verifies with (RFC 7518 section 6, RFC 8037 section 2).

use std::fmt;

use ring::hmac;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Map, Value};

use crate::{Algorithm, Error, Token, base64url};

/// Key material, decoded and checked for size. No `Debug`: one kind of it is a secret.
pub(crate) enum Key {
    /// Modulus and exponent, big endian without leading zeros, as ring wants them.
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// An uncompressed point of P-256.
    P256(Vec<u8>),
    /// An uncompressed point of P-384.
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    Hmac(Vec<u8>),
}

/// What is wrong with a key that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unusable(&'static str);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Key {
    pub(crate) fn of(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        match jwk.get("kty").and_then(Value::as_str) {
            Some("RSA") => rsa(jwk),
            Some("EC") => elliptic(jwk),
            Some("OKP") => edwards(jwk),
            Some("oct") => symmetric(jwk),
            Some(_) => Err(Unusable("[kty] is not one of RSA, EC, OKP, oct")),
            None => Err(Unusable("[kty] is missing")),
        }
    }

    /// A key of another type than the algorithm asks for verifies nothing: an RSA key is never taken
    /// for an HMAC secret (RFC 8725 section 2.1).
    pub(crate) fn verify(&self, token: &Token<'_>) -> Result<(), Error> {
        let (message, signature) = (token.signing_input().as_bytes(), token.signature());
        let verified = match (self, token.algorithm()) {
            (Key::Rsa(key), algorithm) => rsa_parameters(algorithm)
                .is_some_and(|parameters| key.verify(parameters, message, signature).is_ok()),
            (Key::P256(point), Algorithm::ES256) => {
                verifies(&signature::ECDSA_P256_SHA256_FIXED, point, message, signature)
            }
            (Key::P384(point), Algorithm::ES384) => {
                verifies(&signature::ECDSA_P384_SHA384_FIXED, point, message, signature)
            }
            (Key::Ed25519(_), Algorithm::EdDSA) if signature.len() != ED25519_SIGNATURE => {
                return Err(Error::Ed25519Length);
            }
            (Key::Ed25519(point), Algorithm::EdDSA) => {
                verifies(&signature::ED25519, point, message, signature)
            }
            (Key::Hmac(secret), algorithm) => hmac_algorithm(algorithm)
                .is_some_and(|hash| hmac::verify(&hmac::Key::new(hash, secret), message, signature).is_ok()),
            _ => false,
        };
        if verified {
            Ok(())
        } else {
            Err(Error::VerificationFails)
        }
    }
}

fn verifies(
    algorithm: &'static dyn VerificationAlgorithm,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, point)
        .verify(message, signature)
        .is_ok()
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static signature::RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn hmac_algorithm(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Some(hmac::HMAC_SHA256),
        Algorithm::HS384 => Some(hmac::HMAC_SHA384),
        Algorithm::HS512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn rsa(jwk: &Map<String, Value>) -> Result<Key, Unusable> {
    algorithm_starts_with(
        jwk,
        &["RS", "PS"],
        "[alg] does not start with RS or PS for an RSA key",
    )?;
    let n = integer(jwk, "n").ok_or(Unusable("[n] is missing or not Base64url for an RSA key"))?;
    let e = integer(jwk, "e").ok_or(Unusable("[e] is missing or not Base64url for an RSA key"))?;
    if !RSA_MODULUS.contains(&n.len()) || n.last().is_some_and(|low| low % 2 == 0) {
        return Err(Unusable("[n] is not an odd number of 2048 to 8192 bits"));
    }
    if e != [3] && e != [1, 0, 1] {
        return Err(Unusable("[e] is neither 3 nor 65537"));
    }
    Ok(Key::Rsa(RsaPublicKeyComponents { n, e }))
}

/// `crv` and `alg` stand in for each other when one is missing; with neither it is P-256, as for Envoy.
fn elliptic(jwk: &Map<String, Value>) -> Result<Key, Unusable> {
    let algorithm = text(jwk, "alg");
    let curve = match (text(jwk, "crv"), algorithm) {
        (Some(curve), _) => curve,
        (None, Some("ES256") | None) => "P-256",
        (None, Some("ES384")) => "P-384",
        (None, Some(_)) => return Err(Unusable("[alg] is neither ES256 nor ES384 for an EC key")),
    };
    match (curve, algorithm) {
        ("P-256", Some("ES256") | None) => Ok(Key::P256(point(jwk, 32)?)),
        ("P-384", Some("ES384") | None) => Ok(Key::P384(point(jwk, 48)?)),
        ("P-256" | "P-384", _) => Err(Unusable("[crv] does not go with [alg] for an EC key")),
        _ => Err(Unusable("[crv] is neither P-256 nor P-384 for an EC key")),
    }
}

/// 0x04, then both coordinates at full width (SEC 1 section 2.3.3). Whether the point lies on the
/// curve is checked at each verification.
fn point(jwk: &Map<String, Value>, width: usize) -> Result<Vec<u8>, Unusable> {
    let mut point = vec![0x04];
    for name in ["x", "y"] {
        let coordinate =
            integer(jwk, name).ok_or(Unusable("[x] or [y] is missing or not Base64url for an EC key"))?;
        let zeros = width
            .checked_sub(coordinate.len())
            .ok_or(Unusable("[x] or [y] is too long for [crv]"))?;
        point.extend(std::iter::repeat_n(0, zeros));
        point.extend_from_slice(&coordinate);
    }
    Ok(point)
}

fn edwards(jwk: &Map<String, Value>) -> Result<Key, Unusable> {
    if text(jwk, "alg").is_some_and(|alg| alg != "EdDSA") {
        return Err(Unusable("[alg] is not EdDSA for an OKP key"));
    }
    if text(jwk, "crv") != Some("Ed25519") {
        return Err(Unusable("[crv] is not Ed25519 for an OKP key"));
    }
    match bytes(jwk, "x") {
        Some(x) if x.len() == ED25519_KEY => Ok(Key::Ed25519(x)),
        Some(_) => Err(Unusable("[x] has not 32 bytes for an OKP key")),
        None => Err(Unusable("[x] is missing or not Base64url for an OKP key")),
    }
}

fn symmetric(jwk: &Map<String, Value>) -> Result<Key, Unusable> {
    algorithm_starts_with(jwk, &["HS"], "[alg] does not start with HS for an oct key")?;
    match bytes(jwk, "k") {
        Some(secret) if !secret.is_empty() => Ok(Key::Hmac(secret)),
        _ => Err(Unusable("[k] is missing, empty or not Base64url for an oct key")),
    }
}

fn algorithm_starts_with(
    jwk: &Map<String, Value>,
    prefixes: &[&str],
    complaint: &'static str,
) -> Result<(), Unusable> {
    match text(jwk, "alg") {
        Some(alg) if !prefixes.iter().any(|prefix| alg.starts_with(prefix)) => Err(Unusable(complaint)),
        _ => Ok(()),
    }
}

/// Base64urlUInt (RFC 7518 section 2) without leading zeros, which some publishers prepend.
fn integer(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    let mut bytes = bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Some(bytes)
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    base64url::decode(text(jwk, name)?)
}

/// A member that is there, is a string and is not empty.
fn text<'m>(jwk: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    jwk.get(name)
        .and_then(Value::as_str)
        .filter(|value| !value.is_empty())
}

/// In bytes: what ring accepts.
const RSA_MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;
const ED25519_KEY: usize = 32;
const ED25519_SIGNATURE: usize = 64;
