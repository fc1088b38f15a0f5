//! Which key sets are read, and which keys are left out of them.

use super::{Jwks, JwksError};

const SHOP: &str = include_str!("../../tests/data/shop.json");

#[test]
fn a_text_that_is_no_key_set_says_what_it_is_not() {
    let table = [
        ("", "Jwks is an invalid JSON"),
        ("<html>", "Jwks is an invalid JSON"),
        (r#"{"keys":[],"keys":[]}"#, "Jwks is an invalid JSON"),
        ("[]", "Jwks does not have [keys] field"),
        (
            r#"{"issuer":"x","jwks_uri":"y"}"#,
            "Jwks does not have [keys] field",
        ),
        (r#"{"keys":{}}"#, "Jwks does not have [keys] field"),
        (
            r#"{"keys":[]}"#,
            "Jwks doesn't have any valid public key: [keys] is empty",
        ),
        (
            r#"{"keys":[7]}"#,
            "Jwks doesn't have any valid public key: keys[0]: not an object",
        ),
    ];
    for (text, expected) in table {
        let error = Jwks::parse(text).err().unwrap().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    assert_eq!(Jwks::parse(r#"{"keys":[]}"#).err(), Some(JwksError::Empty));
}

#[test]
fn a_key_that_cannot_be_used_is_left_out_with_its_reason() {
    #[rustfmt::skip] // one key a line
    let table = [
        (r#"{}"#, "[kty] is missing"),
        (r#"{"kty":"XYZ"}"#, "[kty] is not one of RSA, EC, OKP, oct"),
        (r#"{"kty":"RSA","e":"AQAB"}"#, "[n] is missing"),
        (r#"{"kty":"RSA","n":"+","e":"AQAB"}"#, "[n] is missing or not Base64url"),
        (r#"{"kty":"RSA","n":"wwww","e":"AQAB"}"#, "[n] is not an odd number of 2048 to 8192"),
        (r#"{"kty":"RSA","n":"EVEN","e":"AQAB"}"#, "[n] is not an odd number"),
        (r#"{"kty":"RSA","n":"ODD"}"#, "[e] is missing"),
        (r#"{"kty":"RSA","n":"ODD","e":"Ag"}"#, "[e] is neither 3 nor 65537"),
        (r#"{"kty":"RSA","alg":"ES256","n":"ODD","e":"AQAB"}"#, "[alg] does not start with RS"),
        (r#"{"kty":"EC","crv":"P-521","x":"32B","y":"32B"}"#, "[crv] is neither"),
        (r#"{"kty":"EC","crv":"P-256","alg":"ES384","x":"32B","y":"32B"}"#, "[crv] does not go"),
        (r#"{"kty":"EC","alg":"ES512","x":"32B","y":"32B"}"#, "[alg] is neither"),
        (r#"{"kty":"EC","crv":"P-256","x":"32B"}"#, "[x] or [y] is missing"),
        (r#"{"kty":"EC","crv":"P-256","x":"32B","y":"ODD"}"#, "[x] or [y] is too long"),
        (r#"{"kty":"OKP","crv":"X25519","x":"32B"}"#, "[crv] is not Ed25519"),
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, "[x] has not 32 bytes"),
        (r#"{"kty":"OKP","crv":"Ed25519","alg":"ES256","x":"32B"}"#, "[alg] is not EdDSA"),
        (r#"{"kty":"oct","k":""}"#, "[k] is missing, empty"),
        (r#"{"kty":"oct","alg":"RS256","k":"c2VjcmV0"}"#, "[alg] does not start with HS"),
    ];
    for (key, expected) in table {
        let key = key
            .replace("ODD", &"w".repeat(342))
            .replace("EVEN", &("w".repeat(341) + "A"))
            .replace("32B", &("w".repeat(42) + "A"));
        let error = Jwks::parse(&format!(r#"{{"keys":[{key}]}}"#))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(&format!("keys[0]: {expected}")), "{key}: {error}");

        let beside_good_ones = SHOP.replacen("[{", &format!("[{key},{{"), 1);
        let jwks = Jwks::parse(&beside_good_ones).unwrap();
        assert_eq!(
            jwks.key_ids().collect::<Vec<_>>(),
            ["shop-1", "shop-2", "shop-ec"]
        );
        assert_eq!(jwks.skipped().len(), 1);
    }
}

#[test]
fn private_and_symmetric_keys_are_noticed_even_when_unusable() {
    let secret = r#"{"kty":"oct","k":"c2VjcmV0"}"#;
    let private = r#"{"kty":"RSA","d":"AQ"}"#;
    for (text, expected) in [
        (SHOP.to_owned(), false),
        (SHOP.replacen("[{", &format!("[{secret},{{"), 1), true),
        (SHOP.replacen("[{", &format!("[{private},{{"), 1), true),
    ] {
        assert_eq!(Jwks::parse(&text).unwrap().has_private_material(), expected);
    }
}
