//! Each rule about header and claims, broken one at a time. Signatures are tested with real ones in
//! `tests/it`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_800_000_000;

/// The verdict on a good token in which one member of the header or of the claims has another value.
fn verdict(part: &str, name: &str, value: Value) -> Result<User, &'static str> {
    let mut token = json!({
        "header": {"alg": "RS256", "kid": "k1", "typ": "JWT"},
        "claims": {
            "iss": "https://securetoken.google.com/demo-acme", "aud": "demo-acme", "sub": "u1",
            "iat": NOW, "auth_time": NOW, "exp": NOW + 3600, "email": "a@b.example",
        },
    });
    token[part][name] = value;
    let encode = |part: &str| URL_SAFE_NO_PAD.encode(token[part].to_string());
    let text = format!("{}.{}.c2ln", encode("header"), encode("claims"));
    let verifier = Verifier {
        issuer: "https://securetoken.google.com/demo-acme".to_owned(),
        project: "demo-acme".to_owned(),
        tenant: None,
        keys: Keys::new(Client::builder().no_proxy().build().unwrap(), String::new()),
        clock: std::time::SystemTime::now,
    };
    verifier.judge(&Token::parse(&text).unwrap(), NOW)
}

#[test]
fn every_rule_is_kept() {
    chassis::crypto::install();
    assert_eq!(verdict("header", "typ", json!("JWT")).unwrap().subject, "u1");
    assert!(
        verdict("claims", "iat", json!(NOW + 60)).is_ok(),
        "within the skew"
    );
    let table = [
        ("header", "alg", json!("ES256")),
        ("header", "alg", json!("RS512")),
        ("header", "kid", json!("")),
        ("header", "crit", json!(["b64"])),
        (
            "claims",
            "iss",
            json!("https://securetoken.google.com/demo-acme/"),
        ),
        (
            "claims",
            "iss",
            json!("https://session.firebase.google.com/demo-acme"),
        ),
        ("claims", "aud", json!("other")),
        ("claims", "aud", json!(["demo-acme", "other"])),
        ("claims", "exp", json!(NOW)),
        ("claims", "iat", json!(NOW + 61)),
        ("claims", "auth_time", json!(NOW + 61)),
        ("claims", "auth_time", Value::Null),
        ("claims", "nbf", json!(NOW + 61)),
        ("claims", "sub", json!("")),
        ("claims", "sub", json!("x".repeat(129))),
        ("claims", "firebase", json!({"tenant": "staff-x1y2z"})),
        ("claims", "firebase", json!({"tenant": null})),
    ];
    for (part, name, value) in table {
        let problem = verdict(part, name, value.clone()).unwrap_err();
        assert!(problem.contains(name), "{name} = {value}: {problem}");
    }
}
