//! RSA keys: made once, kept in a file, signing RS256 as Google's do. Ring signs but makes no RSA keys,
//! so the `rsa` crate makes them and does nothing else.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Map, Value, json};

use crate::files;

/// Bits of a new key, as Google's are.
const BITS: usize = 2048;

/// A private key with its key id. No `Debug`: it would print a key.
pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    /// PKCS #8, for the certificate.
    der: Vec<u8>,
    kid: String,
    /// What everybody else verifies with, too.
    verifier: jwt::Jwks,
}

impl SigningKey {
    /// Reads the key of a file, or makes one and keeps it there: tokens outlive a restart.
    pub(crate) fn load_or_make(path: &Path) -> Result<SigningKey> {
        match std::fs::read(path) {
            Ok(der) => SigningKey::from_pkcs8(der)
                .with_context(|| format!("{} is not a key; delete it to start afresh", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = SigningKey::make()?;
                key.keep(path)?;
                Ok(key)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Makes a key that nobody has seen.
    pub(crate) fn make() -> Result<SigningKey> {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, BITS)?;
        SigningKey::from_pkcs8(key.to_pkcs8_der()?.as_bytes().to_vec())
    }

    /// Keeps it in a file.
    pub(crate) fn keep(&self, path: &Path) -> Result<()> {
        files::write(path, &self.der, files::PRIVATE)
    }

    fn from_pkcs8(der: Vec<u8>) -> Result<SigningKey> {
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|error| anyhow!("{error}"))?;
        let public = PublicKeyComponents::from(pair.public());
        let kid = thumbprint(&public);
        let verifier = jwt::Jwks::parse(&json!({ "keys": [jwk(&kid, &public)] }).to_string())?;
        Ok(SigningKey {
            pair,
            der,
            kid,
            verifier,
        })
    }

    /// A JSON Web Token over these claims.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String> {
        let header = json!({ "alg": "RS256", "kid": self.kid, "typ": "JWT" });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| anyhow!("the signing key does not sign"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Its id: what a token names it by.
    pub(crate) fn id(&self) -> &str {
        &self.kid
    }

    /// What verifies its signatures, as a JSON Web Key.
    pub(crate) fn jwk(&self) -> Value {
        jwk(&self.kid, &PublicKeyComponents::from(self.pair.public()))
    }

    /// The same as a certificate (PEM), the older format that Google also publishes.
    pub(crate) fn certificate(&self, common_name: &str) -> Result<String> {
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(
            &self.der.as_slice().into(),
            &rcgen::PKCS_RSA_SHA256,
        )?;
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, common_name);
        Ok(parameters.self_signed(&key)?.pem())
    }

    /// The claims of a token that this key signed, or nothing. Says nothing about its time.
    pub(crate) fn claims(&self, token: &str) -> Option<Map<String, Value>> {
        let token = jwt::Token::parse(token).ok()?;
        self.verifier.verify(&token).ok()?;
        Some(token.into_claims())
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn jwk(kid: &str, key: &PublicKeyComponents<Vec<u8>>) -> Value {
    json!({
        "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
        "n": URL_SAFE_NO_PAD.encode(&key.n), "e": URL_SAFE_NO_PAD.encode(&key.e),
    })
}

/// RFC 7638: SHA-256 over the key's members in alphabetical order.
fn thumbprint(key: &PublicKeyComponents<Vec<u8>>) -> String {
    let (n, e) = (URL_SAFE_NO_PAD.encode(&key.n), URL_SAFE_NO_PAD.encode(&key.e));
    let members = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, members.as_bytes()))
}
