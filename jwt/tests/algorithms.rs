//! Every algorithm, signed by another implementation of the format, and every confusion between them.

#![allow(clippy::unwrap_used)] // clippy knows tests only by their attribute, not their helpers

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use jwt::{Error, Jwks, Token};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING};
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair};
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};

#[test]
fn a_key_verifies_what_was_signed_with_it_and_nothing_else() {
    let signers = signers();
    for (algorithm, key) in &signers {
        let token = sign(*algorithm, None, key);
        let fitting = Jwks::parse(&json!({"keys": [public(*algorithm, key)]}).to_string()).unwrap();
        assert_eq!(verify(&fitting, &token), Ok(()), "{algorithm:?}");
        assert_eq!(
            verify(&fitting, &tampered(&token)),
            Err(Error::VerificationFails),
            "{algorithm:?}"
        );

        // the other algorithm's key, without a name to tell them apart
        for (other, other_key) in signers
            .iter()
            .filter(|(other, _)| other.family() != algorithm.family())
        {
            let wrong = Jwks::parse(&json!({"keys": [public(*other, other_key)]}).to_string()).unwrap();
            assert_eq!(
                verify(&wrong, &token),
                Err(Error::VerificationFails),
                "{algorithm:?} by {other:?}"
            );
        }
    }
}

#[test]
fn a_key_without_alg_serves_every_algorithm_of_its_type_and_all_keys_are_tried() {
    let signers = signers();
    let all: Vec<_> = signers
        .iter()
        .map(|(algorithm, key)| public(*algorithm, key))
        .collect();
    let all = Jwks::parse(&json!({"keys": all}).to_string()).unwrap();
    for (algorithm, key) in &signers {
        assert_eq!(
            verify(&all, &sign(*algorithm, None, key)),
            Ok(()),
            "{algorithm:?}"
        );
        assert_eq!(
            verify(&all, &sign(*algorithm, Some("unnamed"), key)),
            Ok(()),
            "{algorithm:?}"
        );
    }
}

#[test]
fn a_public_key_is_no_secret_to_sign_with() {
    let signers = signers();
    let (algorithm, key) = &signers[0];
    let public = public(*algorithm, key);
    let forged = EncodingKey::from_secret(public["n"].as_str().unwrap().as_bytes());
    let jwks = Jwks::parse(&json!({"keys": [public]}).to_string()).unwrap();
    assert_eq!(
        verify(&jwks, &sign(Algorithm::HS256, None, &forged)),
        Err(Error::VerificationFails)
    );
}

#[test]
fn an_ed25519_signature_of_another_length_has_words_of_its_own() {
    let signers = signers();
    let (algorithm, key) = signers
        .iter()
        .find(|(algorithm, _)| *algorithm == Algorithm::EdDSA)
        .unwrap();
    let jwks = Jwks::parse(&json!({"keys": [public(*algorithm, key)]}).to_string()).unwrap();
    let token = sign(*algorithm, None, key);
    let (head, _) = token.rsplit_once('.').unwrap();
    assert_eq!(verify(&jwks, &format!("{head}.YWJj")), Err(Error::Ed25519Length));
}

/// Cuts, flips and doubles bytes of a good token in every place: an error each time, never a panic.
#[test]
fn no_change_to_a_token_gets_through_or_brings_the_reader_down() {
    let (algorithm, key) = (Algorithm::HS256, EncodingKey::from_secret(b"secret"));
    let jwks = Jwks::parse(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#).unwrap();
    let token = sign(algorithm, Some("k"), &key);
    assert_eq!(verify(&jwks, &token), Ok(()));

    for at in 0..token.len() {
        let (before, after) = (&token[..at], &token[at + 1..]);
        let same = &token[at..=at];
        assert!(verify(&jwks, before).is_err());
        assert!(
            verify(&jwks, &format!("{before}{after}")).is_err(),
            "without byte {at}"
        );
        for insert in ["A", ".", "=", "é", "\0", "{", "-"]
            .into_iter()
            .filter(|text| *text != same)
        {
            let replaced = format!("{before}{insert}{after}");
            assert!(
                verify(&jwks, &replaced).is_err() || at == token.len() - 1,
                "{insert:?} at {at}"
            );
            // padding behind the signature is legal, elsewhere nothing is
            assert!(
                verify(&jwks, &format!("{before}{insert}{same}{after}")).is_err(),
                "{insert:?} before {at}"
            );
        }
        let _ = Jwks::parse(&token[at..]);
    }
}

fn signers() -> Vec<(Algorithm, EncodingKey)> {
    chassis::crypto::install();
    let random = SystemRandom::new();
    let rsa = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048)
        .unwrap()
        .to_pkcs8_der()
        .unwrap();
    let rsa = EncodingKey::from_rsa_der(rsa.as_bytes());
    let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    let ed25519 = ed25519_key(&random);
    let secret = EncodingKey::from_secret(b"secret");
    vec![
        (Algorithm::RS256, rsa.clone()),
        (Algorithm::RS384, rsa.clone()),
        (Algorithm::RS512, rsa.clone()),
        (Algorithm::PS256, rsa.clone()),
        (Algorithm::PS384, rsa.clone()),
        (Algorithm::PS512, rsa),
        (Algorithm::ES256, EncodingKey::from_ec_der(p256.as_ref())),
        (Algorithm::ES384, EncodingKey::from_ec_der(p384.as_ref())),
        (Algorithm::EdDSA, EncodingKey::from_ed_der(&ed25519)),
        (Algorithm::HS256, secret.clone()),
        (Algorithm::HS384, secret.clone()),
        (Algorithm::HS512, secret),
    ]
}

/// The JWK without `alg` and `kid`.
fn public(algorithm: Algorithm, key: &EncodingKey) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk.as_object_mut().unwrap().remove("alg");
    jwk
}

fn sign(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    chassis::crypto::install();
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    encode(&header, &json!({"sub": "shopper", "exp": 4_102_444_800_u64}), key).unwrap()
}

fn tampered(token: &str) -> String {
    let mut sections = token.split('.');
    let (header, _, signature) = (
        sections.next().unwrap(),
        sections.next(),
        sections.next().unwrap(),
    );
    format!("{header}.e30.{signature}")
}

fn verify(jwks: &Jwks, token: &str) -> Result<(), Error> {
    jwks.verify(&Token::parse(token)?)
}

/// PKCS#8 of version 1 (RFC 5208): the only one of which jsonwebtoken makes a JWK, while ring writes
/// version 2. Their fronts have the same length.
fn ed25519_key(random: &SystemRandom) -> Vec<u8> {
    let version_2 = Ed25519KeyPair::generate_pkcs8(random).unwrap();
    let front = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    [front, &version_2.as_ref()[front.len()..front.len() + 32]].concat()
}
