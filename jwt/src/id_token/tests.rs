//! Each rule, broken once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_800_000_000;

fn good() -> Value {
    json!({"iss": "https://provider.example", "aud": "shop", "sub": "ada", "exp": NOW + 600, "iat": NOW,
        "nonce": "n", "azp": "shop", "at_hash": URL_SAFE_NO_PAD.encode(&digest::digest(&SHA256, b"access").as_ref()[..16])})
}

fn check(alg: &str, claims: &Value) -> Result<(), &'static str> {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!(
        "{}.{}.c2ln",
        encode(&json!({"alg": alg, "kid": "k"})),
        encode(claims)
    );
    let expected = Expected {
        issuer: "https://provider.example",
        client: "shop",
        nonce: Some("n"),
        access_token: Some("access"),
        algorithms: &[Algorithm::RS256, Algorithm::ES384],
        now: NOW,
        leeway: 60,
    };
    expected.check(&Token::parse(&text).unwrap())
}

#[test]
fn every_rule_is_kept() {
    assert_eq!(check("RS256", &good()), Ok(()));
    let table = [
        ("iss", json!("https://provider.example/"), "iss"),
        ("iss", Value::Null, "iss"),
        ("aud", json!("other"), "aud"),
        ("aud", json!(["shop", "other"]), "aud"),
        ("aud", json!([]), "aud"),
        ("azp", json!("other"), "azp"),
        ("azp", json!(1), "azp"),
        ("exp", json!(NOW), "exp"),
        ("iat", json!(NOW + 61), "iat"),
        ("nbf", json!(NOW + 61), "nbf"),
        ("sub", json!(""), "sub"),
        ("sub", json!("s".repeat(256)), "sub"),
        ("nonce", json!("m"), "nonce"),
        ("nonce", Value::Null, "nonce"),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"),
        ("at_hash", json!(7), "at_hash"),
    ];
    for (name, value, rule) in table {
        let mut claims = good();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        let broken = check("RS256", &claims).unwrap_err();
        assert!(broken.contains(rule), "{name}: {broken}");
    }
}

#[test]
fn what_may_be_missing_may_be_missing() {
    let mut claims = good();
    for name in ["azp", "at_hash"] {
        claims.as_object_mut().unwrap().remove(name);
    }
    claims["aud"] = json!(["shop"]);
    claims["nbf"] = json!(NOW + 60);
    assert_eq!(check("RS256", &claims), Ok(()));
}

#[test]
fn the_hash_has_the_size_of_the_algorithms() {
    let mut claims = good();
    assert!(check("ES384", &claims).unwrap_err().contains("at_hash"));
    claims["at_hash"] = URL_SAFE_NO_PAD
        .encode(&digest::digest(&SHA384, b"access").as_ref()[..24])
        .into();
    assert_eq!(check("ES384", &claims), Ok(()));
    assert!(check("HS256", &claims).unwrap_err().contains("alg"));
    assert!(check("RS512", &claims).unwrap_err().contains("alg"));
}
