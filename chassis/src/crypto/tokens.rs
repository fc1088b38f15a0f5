//! ring as the crypto provider of `jsonwebtoken`, which brings only larger ones of its own.
//!
//! Whoever issues tokens (the stand-ins, the tests) uses `jsonwebtoken::encode` and `decode`; the
//! services' own checks are in the `jwt` crate and do not come through here.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, Result};
use jsonwebtoken::jwk::{EllipticCurve, ThumbprintHash};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair as RsaKeyPair, PublicKeyComponents};
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaParameters, UnparsedPublicKey};
use ring::{digest, hmac};

/// What [`super::install`] installs. Key pairs are DER: PKCS#8, for RSA also PKCS#1.
pub(super) static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(RingSigner::new(*algorithm, key)?)),
    verifier_factory: |algorithm, key| Ok(Box::new(RingVerifier::new(*algorithm, key)?)),
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: rsa_components,
        rsa_pub_components_from_public_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ec_pub_components_from_private_key: ec_components,
        ed_pub_components_from_private_key: ed_component,
        compute_digest: |data, hash| compute_digest(data, &hash),
    },
};

struct RingSigner {
    algorithm: Algorithm,
    key: SigningKey,
}

enum SigningKey {
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(hmac::Key),
}

impl RingSigner {
    fn new(algorithm: Algorithm, key: &EncodingKey) -> Result<Self> {
        same_family(algorithm, key.family())?;
        let der = key.as_bytes();
        let rsa = |encoding| rsa_key_pair(der).map(|pair| SigningKey::Rsa(Box::new(pair), encoding));
        let mac = |hash| Ok(SigningKey::Hmac(hmac::Key::new(hash, der)));
        let key = match algorithm {
            Algorithm::RS256 => rsa(&ring::signature::RSA_PKCS1_SHA256),
            Algorithm::RS384 => rsa(&ring::signature::RSA_PKCS1_SHA384),
            Algorithm::RS512 => rsa(&ring::signature::RSA_PKCS1_SHA512),
            Algorithm::PS256 => rsa(&ring::signature::RSA_PSS_SHA256),
            Algorithm::PS384 => rsa(&ring::signature::RSA_PSS_SHA384),
            Algorithm::PS512 => rsa(&ring::signature::RSA_PSS_SHA512),
            Algorithm::ES256 | Algorithm::ES384 => Ok(SigningKey::Ecdsa(ec_key_pair(der, algorithm)?)),
            Algorithm::EdDSA => Ok(SigningKey::Ed25519(ed_key_pair(der)?)),
            Algorithm::HS256 => mac(hmac::HMAC_SHA256),
            Algorithm::HS384 => mac(hmac::HMAC_SHA384),
            Algorithm::HS512 => mac(hmac::HMAC_SHA512),
            _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
        }?;
        Ok(Self { algorithm, key })
    }
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        let random = SystemRandom::new();
        Ok(match &self.key {
            SigningKey::Rsa(pair, encoding) => {
                let mut bytes = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, &random, message, &mut bytes)
                    .map_err(|_| signature::Error::new())?;
                bytes
            }
            SigningKey::Ecdsa(pair) => pair
                .sign(&random, message)
                .map_err(|_| signature::Error::new())?
                .as_ref()
                .to_vec(),
            SigningKey::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            SigningKey::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
        })
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl RingVerifier {
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Self> {
        same_family(algorithm, key.family())?;
        Ok(Self {
            algorithm,
            key: key.clone(),
        })
    }

    fn verifies(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> std::result::Result<(), ring::error::Unspecified> {
        let rsa = |parameters| verify_rsa(self.key.kind(), parameters, message, signature);
        let key = self.key.try_get_as_bytes().unwrap_or_default(); // only RSA's is not bytes
        let mac = |hash| hmac::verify(&hmac::Key::new(hash, key), message, signature);
        match self.algorithm {
            Algorithm::RS256 => rsa(&ring::signature::RSA_PKCS1_2048_8192_SHA256),
            Algorithm::RS384 => rsa(&ring::signature::RSA_PKCS1_2048_8192_SHA384),
            Algorithm::RS512 => rsa(&ring::signature::RSA_PKCS1_2048_8192_SHA512),
            Algorithm::PS256 => rsa(&ring::signature::RSA_PSS_2048_8192_SHA256),
            Algorithm::PS384 => rsa(&ring::signature::RSA_PSS_2048_8192_SHA384),
            Algorithm::PS512 => rsa(&ring::signature::RSA_PSS_2048_8192_SHA512),
            Algorithm::ES256 => UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, key)
                .verify(message, signature),
            Algorithm::ES384 => UnparsedPublicKey::new(&ring::signature::ECDSA_P384_SHA384_FIXED, key)
                .verify(message, signature),
            Algorithm::EdDSA => {
                UnparsedPublicKey::new(&ring::signature::ED25519, key).verify(message, signature)
            }
            Algorithm::HS256 => mac(hmac::HMAC_SHA256),
            Algorithm::HS384 => mac(hmac::HMAC_SHA384),
            Algorithm::HS512 => mac(hmac::HMAC_SHA512),
            _ => Err(ring::error::Unspecified), // jsonwebtoken may name more one day
        }
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], bytes: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        self.verifies(message, bytes).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn verify_rsa(
    key: &DecodingKeyKind,
    parameters: &'static RsaParameters,
    message: &[u8],
    signature: &[u8],
) -> std::result::Result<(), ring::error::Unspecified> {
    match key {
        DecodingKeyKind::SecretOrDer(der) => {
            UnparsedPublicKey::new(parameters, der).verify(message, signature)
        }
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            PublicKeyComponents { n, e }.verify(parameters, message, signature)
        }
    }
}

/// An HMAC key must never be what an RSA public key's bytes are taken for, nor the reverse.
fn same_family(algorithm: Algorithm, key: AlgorithmFamily) -> Result<()> {
    if algorithm.family() == key {
        Ok(())
    } else {
        Err(ErrorKind::InvalidKeyFormat.into())
    }
}

fn rsa_key_pair(der: &[u8]) -> Result<RsaKeyPair> {
    RsaKeyPair::from_pkcs8(der)
        .or_else(|_| RsaKeyPair::from_der(der))
        .map_err(|e| ErrorKind::InvalidRsaKey(e.to_string()).into())
}

fn ec_key_pair(der: &[u8], algorithm: Algorithm) -> Result<EcdsaKeyPair> {
    let curve = match algorithm {
        Algorithm::ES256 => &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        Algorithm::ES384 => &ring::signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    EcdsaKeyPair::from_pkcs8(curve, der, &SystemRandom::new()).map_err(|_| ErrorKind::InvalidEcdsaKey.into())
}

fn ed_key_pair(der: &[u8]) -> Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| ErrorKind::InvalidEddsaKey.into())
}

/// The modulus and the exponent, for `Jwk::from_encoding_key`.
fn rsa_components(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let components: PublicKeyComponents<Vec<u8>> = rsa_key_pair(der)?.public().into();
    Ok((components.n, components.e))
}

/// The curve and both coordinates, from the uncompressed point ring gives.
fn ec_components(der: &[u8], algorithm: Algorithm) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>)> {
    let pair = ec_key_pair(der, algorithm)?;
    let curve = if algorithm == Algorithm::ES256 {
        EllipticCurve::P256
    } else {
        EllipticCurve::P384
    };
    let (_form, coordinates) = pair
        .public_key()
        .as_ref()
        .split_first()
        .ok_or_else(|| Error::from(ErrorKind::InvalidEcdsaKey))?;
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    Ok((curve, x.to_vec(), y.to_vec()))
}

fn ed_component(der: &[u8], curve: &EllipticCurve) -> Result<Vec<u8>> {
    match curve {
        EllipticCurve::Ed25519 => Ok(ed_key_pair(der)?.public_key().as_ref().to_vec()),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

fn compute_digest(data: &[u8], hash: &ThumbprintHash) -> Result<Vec<u8>> {
    let algorithm = match hash {
        ThumbprintHash::SHA256 => &digest::SHA256,
        ThumbprintHash::SHA384 => &digest::SHA384,
        ThumbprintHash::SHA512 => &digest::SHA512,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(digest::digest(algorithm, data).as_ref().to_vec())
}

#[cfg(test)]
mod tests;
