//! What Envoy 1.38 said to these tokens, set up by Istio 1.30 with one rule: this issuer, this key set.
//!
//! `data/tokens.json` holds the tokens by name, `data/shop.json` the key set: two RSA keys and one of
//! P-256, each with `kid` and `alg`.

#![allow(clippy::unwrap_used)] // clippy knows tests only by their attribute, not their helpers

use std::collections::BTreeMap;

use jwt::{Error, Jwks, Token};

#[test]
#[rustfmt::skip] // one token a line
fn a_badly_formed_token_gets_envoys_words() {
    check(&[
        ("good", "accepted"),
        ("two-parts", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
        ("four-parts", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
        ("empty-parts", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
        ("no-signature", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
        ("signature-not-base64", "Jwt signature is an invalid Base64url encoded"),
        ("signature-padded", "accepted"),
        ("header-not-base64", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
        ("header-padded", "Jwt header is an invalid Base64url encoded"),
        ("header-not-json", "Jwt header is an invalid JSON"),
        ("header-array", "Jwt header is an invalid JSON"),
        ("alg-missing", "Jwt header [alg] field is required and must be a string"),
        ("alg-number", "Jwt header [alg] field is required and must be a string"),
        ("alg-unknown", "Jwt header [alg] is not supported"),
        ("alg-lower", "Jwt header [alg] is not supported"),
        ("alg-none", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
        ("alg-none-signed", "Jwt header [alg] is not supported"),
        ("kid-number", "Jwt header [kid] field is not a string"),
        ("typ-number", "accepted"),
        ("payload-not-base64", "Jwt payload is an invalid Base64url encoded"),
        ("payload-not-json", "Jwt payload is an invalid JSON"),
        ("payload-array", "Jwt payload is an invalid JSON"),
        ("empty-payload", "Jwt issuer is not configured"),
        ("iss-number", "Jwt payload [iss] field is not a string"),
        ("sub-number", "Jwt payload [sub] field is not a string"),
        ("jti-number", "Jwt payload [jti] field is not a string"),
        ("aud-number", "Jwt payload [aud] field is not a string or string list"),
        ("aud-object", "Jwt payload [aud] field is not a string or string list"),
        ("aud-mixed-list", "Jwt payload [aud] field is not a string or string list"),
        ("exp-string", "Jwt payload [exp] field is not an integer"),
        ("exp-negative", "Jwt payload [exp] field is not a positive 64 bit integer"),
        ("exp-float", "accepted"),
        ("exp-big", "Jwt payload [exp] field is not a positive 64 bit integer"),
        ("exp-null", "Jwt payload [exp] field is not an integer"),
        ("nbf-string", "Jwt payload [nbf] field is not an integer"),
        ("iat-string", "Jwt payload [iat] field is not an integer"),
        ("iat-negative", "Jwt payload [iat] field is not a positive 64 bit integer"),
        ("crit", "accepted"),
        ("crit-unknown", "accepted"),
        ("duplicate-claims", "Jwt payload is an invalid JSON"),
        ("long", "accepted"),
        ("garbage", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
    ]);
}

#[test]
#[rustfmt::skip] // one token a line
fn kid_and_alg_choose_the_keys_that_may_verify() {
    check(&[
        ("good", "accepted"),
        ("good-key2", "accepted"),
        ("good-ec", "accepted"),
        ("good-nokid", "accepted"),
        ("nokid-key2", "accepted"),
        ("nokid-ec", "accepted"),
        ("nokid-rs384", "Jwks doesn't have key to match kid or alg from Jwt"),
        ("nokid-rogue", "Jwt verification fails"),
        ("empty-kid", "accepted"),
        ("unknown-kid", "Jwks doesn't have key to match kid or alg from Jwt"),
        ("wrong-kid", "Jwt verification fails"),
        ("ec-with-rsa-kid", "Jwks doesn't have key to match kid or alg from Jwt"),
        ("signed-by-rogue", "Jwt verification fails"),
        ("tampered", "Jwt verification fails"),
        ("rs384", "Jwks doesn't have key to match kid or alg from Jwt"),
        ("rs512", "Jwks doesn't have key to match kid or alg from Jwt"),
        ("ps256", "Jwks doesn't have key to match kid or alg from Jwt"),
        ("hs256-public-key", "Jwks doesn't have key to match kid or alg from Jwt"),
        ("alg-none", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
        ("shop-signed-by-other", "Jwks doesn't have key to match kid or alg from Jwt"),
    ]);
}

#[test]
#[rustfmt::skip] // one token a line
fn issuer_and_times_are_looked_at_before_the_signature() {
    check(&[
        ("good", "accepted"),
        ("no-exp", "accepted"),
        ("exp-zero", "accepted"),
        ("expired", "Jwt is expired"),
        ("not-yet", "Jwt not yet valid"),
        ("nbf-past", "accepted"),
        ("nbf-far-and-expired", "Jwt not yet valid"),
        ("iat-future", "accepted"),
        ("no-issuer", "Jwt issuer is not configured"),
        ("empty-issuer", "Jwt issuer is not configured"),
        ("unknown-issuer", "Jwt issuer is not configured"),
        ("other-project", "Jwt issuer is not configured"),
        ("issuer-slash", "Jwt issuer is not configured"),
        ("issuer-upper", "Jwt issuer is not configured"),
        ("other-issuer", "Jwt issuer is not configured"),
        ("no-subject", "accepted"),
        ("empty-subject", "accepted"),
        ("no-audience", "accepted"),
        ("wrong-audience", "accepted"),
        ("two-audiences", "accepted"),
        ("aud-empty", "accepted"),
        ("aud-empty-list", "accepted"),
        ("expired-rogue", "Jwt is expired"),
        ("expired-wrong-audience", "Jwt is expired"),
        ("wrong-audience-rogue", "Jwt verification fails"),
        ("shop-signed-by-other", "Jwks doesn't have key to match kid or alg from Jwt"),
        ("other-signed-by-shop", "Jwt issuer is not configured"),
        ("typ-access-token", "accepted"),
        ("good-no-typ", "accepted"),
        ("claims-unicode", "accepted"),
    ]);
}

/// The audience's rule is the caller's; here is what it gets to see.
#[test]
fn audiences_are_a_string_or_a_list() {
    let table: [(&str, &[&str]); 8] = [
        ("good", &["demo-acme"]),
        ("wrong-audience", &["other-project"]),
        ("no-audience", &[]),
        ("two-audiences", &["x", "demo-acme"]),
        ("aud-https-slash", &["https://shop.example/"]),
        ("aud-bare-two-slashes", &["shop.example//"]),
        ("aud-empty", &[""]),
        ("aud-empty-list", &[]),
    ];
    let tokens = tokens();
    for (name, expected) in table {
        let token = Token::parse(&tokens[name]).unwrap();
        assert_eq!(token.audiences().collect::<Vec<_>>(), expected, "{name}");
    }
}

fn check(table: &[(&str, &str)]) {
    let jwks = Jwks::parse(include_str!("data/shop.json")).unwrap();
    let tokens = tokens();
    for (name, expected) in table {
        let answer = match verify(&tokens[*name], &jwks) {
            Ok(()) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(answer, *expected, "{name}");
    }
}

/// The caller's part, for a rule without audiences. Envoy finds the start of a token behind `Bearer `
/// by skipping what no token holds.
fn verify(sent: &str, jwks: &Jwks) -> Result<(), Error> {
    let text = sent.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
    let token = Token::parse(text)?;
    if token.issuer() != Some("https://securetoken.google.com/demo-acme") {
        return Err(Error::IssuerNotConfigured);
    }
    token.check_time(NOW, 60)?;
    jwks.verify(&token)
}

fn tokens() -> BTreeMap<String, String> {
    serde_json::from_str(include_str!("data/tokens.json")).unwrap()
}

/// 2026-08-01, a day in the life of the good tokens.
const NOW: u64 = 1_785_542_400;
