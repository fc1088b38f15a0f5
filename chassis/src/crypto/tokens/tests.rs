//! Each algorithm signs, publishes its key and verifies; a changed token does not pass.

use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING};
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};

#[test]
fn a_token_of_every_algorithm_verifies_with_the_published_key_only_as_it_was_signed() {
    crate::crypto::install();
    let (pkcs8, pkcs1) = rsa_key();
    let random = SystemRandom::new();
    let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    let ed25519 = ed25519_key(&random);

    for (algorithm, key) in [
        (Algorithm::RS256, EncodingKey::from_rsa_der(&pkcs1)),
        (Algorithm::RS256, EncodingKey::from_rsa_der(&pkcs8)),
        (Algorithm::RS384, EncodingKey::from_rsa_der(&pkcs8)),
        (Algorithm::RS512, EncodingKey::from_rsa_der(&pkcs8)),
        (Algorithm::PS256, EncodingKey::from_rsa_der(&pkcs8)),
        (Algorithm::PS384, EncodingKey::from_rsa_der(&pkcs8)),
        (Algorithm::PS512, EncodingKey::from_rsa_der(&pkcs8)),
        (Algorithm::ES256, EncodingKey::from_ec_der(p256.as_ref())),
        (Algorithm::ES384, EncodingKey::from_ec_der(p384.as_ref())),
        (Algorithm::EdDSA, EncodingKey::from_ed_der(&ed25519)),
        (Algorithm::HS256, EncodingKey::from_secret(b"secret")),
        (Algorithm::HS384, EncodingKey::from_secret(b"secret")),
        (Algorithm::HS512, EncodingKey::from_secret(b"secret")),
    ] {
        let token = encode(
            &Header::new(algorithm),
            &json!({"sub": "a", "exp": u32::MAX}),
            &key,
        )
        .unwrap();
        let published = Jwk::from_encoding_key(&key, algorithm).unwrap();
        published.thumbprint(ThumbprintHash::SHA256).unwrap();
        let public = DecodingKey::from_jwk(&published).unwrap();
        let check = |token: &str| decode::<Value>(token, &public, &Validation::new(algorithm));

        assert_eq!(check(&token).unwrap().claims["sub"], "a", "{algorithm:?}");
        let (head, signature) = token.rsplit_once('.').unwrap();
        let other = encode(
            &Header::new(algorithm),
            &json!({"sub": "b", "exp": u32::MAX}),
            &key,
        )
        .unwrap();
        let (other_head, _) = other.rsplit_once('.').unwrap();
        assert_ne!(head, other_head);
        assert!(
            check(&format!("{other_head}.{signature}")).is_err(),
            "{algorithm:?}"
        );
    }
}

#[test]
fn a_key_that_is_none_or_of_another_kind_is_an_error() {
    crate::crypto::install();
    for (algorithm, key) in [
        (Algorithm::RS256, EncodingKey::from_rsa_der(b"")),
        (Algorithm::ES256, EncodingKey::from_ec_der(b"x")),
        (Algorithm::EdDSA, EncodingKey::from_ed_der(b"x")),
        (Algorithm::RS256, EncodingKey::from_secret(b"secret")),
        (Algorithm::HS256, EncodingKey::from_rsa_der(b"x")),
    ] {
        assert!(
            encode(&Header::new(algorithm), &json!({}), &key).is_err(),
            "{algorithm:?}"
        );
    }
}

fn rsa_key() -> (Vec<u8>, Vec<u8>) {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    (
        key.to_pkcs8_der().unwrap().as_bytes().to_vec(),
        key.to_pkcs1_der().unwrap().as_bytes().to_vec(),
    )
}

/// PKCS#8 of version 1 (RFC 5208): the only one of which jsonwebtoken makes a JWK, while ring writes
/// version 2. Their fronts have the same length.
fn ed25519_key(random: &SystemRandom) -> Vec<u8> {
    let version_2 = Ed25519KeyPair::generate_pkcs8(random).unwrap();
    let front = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    [front, &version_2.as_ref()[front.len()..front.len() + 32]].concat()
}
