//! Tokens signed here and now, and what is made of them.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::plan::authentication::{KeySource, TokenPlace};

mod cache;
mod claims;
mod outputs;
mod passes;
mod places;

const NOW: u64 = 1_800_000_000;
const A: &str = "https://a.example";
const B: &str = "https://b.example";

static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap()
});

pub(super) fn jwks() -> Arc<jwt::Jwks> {
    let point = KEY.public_key().as_ref();
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let key = json!({
        "kty": "EC", "crv": "P-256", "kid": "one", "x": encode(&point[1..33]), "y": encode(&point[33..]),
    });
    Arc::new(jwt::Jwks::parse(&json!({ "keys": [key] }).to_string()).unwrap())
}

fn signed(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = KEY.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn token(issuer: &str, subject: &str) -> String {
    with(issuer, subject, &json!({}))
}

fn with(issuer: &str, subject: &str, more: &Value) -> String {
    let mut claims = json!({ "iss": issuer, "sub": subject, "aud": "shop", "exp": NOW + 600 });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signed(&json!({ "alg": "ES256", "kid": "one" }), &claims)
}

/// A good token but for its last character.
fn tampered(issuer: &str) -> String {
    let token = token(issuer, "x");
    let (input, signature) = token.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    format!("{input}.{turned}")
}

pub(super) fn rule(issuer: &str) -> JwtRule {
    JwtRule {
        document: DocumentId {
            kind: "RequestAuthentication",
            namespace: "istio-ingress".into(),
            name: issuer.into(),
            file: "users.yaml".into(),
        },
        issuer: Some(issuer.into()),
        audiences: vec!["shop".into()],
        keys: KeySource::Inline("".into()),
        places: vec![
            TokenPlace::Header(http::header::AUTHORIZATION, "Bearer ".into()),
            TokenPlace::Header("x-token".parse().unwrap(), "".into()),
            TokenPlace::Parameter("token".into()),
            TokenPlace::Cookie("id_token".into()),
        ],
        forward: true,
        payload_header: None,
        claim_headers: vec![("x-sub".parse().unwrap(), vec!["sub".into()])],
        space_delimited: vec!["scope".into()],
    }
}

fn head(target: &str, headers: &[(&str, &str)]) -> Head {
    Head::example("web.test:80", target, headers)
}

fn run(rules: Vec<JwtRule>, head: &mut Head) -> Result<(), Box<Refusal>> {
    let rules: Vec<_> = rules.into_iter().map(Arc::new).collect();
    let keys = jwks();
    authenticate(&rules, &|_| Some(keys.clone()), &TokenCache::new(), NOW, head)
}

fn error(rules: Vec<JwtRule>, head: &mut Head) -> Option<String> {
    run(rules, head).err().map(|refusal| refusal.error.to_string())
}

fn lines(head: &Head, name: &str) -> Vec<String> {
    let lines = head.headers.get_all(name).iter();
    lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect()
}
