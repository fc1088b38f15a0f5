//! What the recorded tokens do not show: the order of the checks, odd numbers, the clock's edges.

use super::{Token, Validity};
use crate::{Algorithm, Error};

#[test]
fn the_first_mistake_in_reading_order_is_the_one_named() {
    let table = [
        ("", Error::Form),
        ("..", Error::Form),
        ("a.b", Error::Form),
        (".b.c", Error::Form),
        ("a..c", Error::Form),
        ("a.b.", Error::Form),
        ("a.b.c.", Error::Form),
        ("a.b.c.d", Error::Form),
        ("+.+.+", Error::HeaderBase64),
        ("e30==.+.+", Error::HeaderBase64),
        ("{}.+.+", Error::HeaderBase64),
        ("W10.+.+", Error::HeaderJson),
        (" .+.+", Error::HeaderJson),
        ("e30.+.+", Error::AlgorithmMissing),
        ("e30=.+.+", Error::AlgorithmMissing),
    ];
    for (text, error) in table {
        assert_eq!(Token::parse(text).unwrap_err(), error, "{text:?}");
    }
    for (header, error) in [
        (r#"{"alg":null,"kid":1}"#, Error::AlgorithmMissing),
        (r#"{"alg":"none","kid":1}"#, Error::AlgorithmNotSupported),
        (r#"{"alg":"RS256","kid":1}"#, Error::KeyIdNotAString),
        (r#"{"alg":"RS256","alg":"RS256"}"#, Error::HeaderJson),
        (r#"{"alg":"RS256"}"#, Error::PayloadBase64),
        (r#"{"alg":"ES512"}"#, Error::PayloadBase64),
    ] {
        let text = format!("{}.+.+", encode(header));
        assert_eq!(Token::parse(&text).unwrap_err(), error, "{header}");
    }
    for (claims, error) in [
        ("[]", Error::PayloadJson),
        (r#"{"a":{"b":1,"b":1}}"#, Error::PayloadJson),
        (r#"{"iss":1,"sub":1}"#, Error::NotAString("iss")),
        (r#"{"sub":null,"iat":"1"}"#, Error::NotAString("sub")),
        (r#"{"iat":"1","nbf":"1"}"#, Error::NotAnInteger("iat")),
        (r#"{"nbf":-1,"exp":"1"}"#, Error::NotPositive("nbf")),
        (r#"{"exp":true,"jti":1}"#, Error::NotAnInteger("exp")),
        (r#"{"jti":1,"aud":1}"#, Error::NotAString("jti")),
        (r#"{"aud":["a",1]}"#, Error::AudienceNotAString),
        (r#"{"aud":null}"#, Error::AudienceNotAString),
        ("{}", Error::SignatureBase64),
    ] {
        let text = format!("{}.{}.+", encode(r#"{"alg":"RS256"}"#), encode(claims));
        assert_eq!(Token::parse(&text).unwrap_err(), error, "{claims}");
    }
}

#[test]
fn a_date_is_any_number_from_zero_to_below_two_to_the_64() {
    let table = [
        ("0", Ok(0)),
        ("-0.0", Ok(0)),
        ("1.9", Ok(1)),
        ("1e3", Ok(1000)),
        ("4102444800", Ok(4_102_444_800)),
        ("9007199254740993", Ok(9_007_199_254_740_993)),
        ("18446744073709549568", Ok(18_446_744_073_709_549_568)),
        ("18446744073709551615", Err(Error::NotPositive("exp"))), // 2^64 as a double
        ("-0.5", Err(Error::NotPositive("exp"))),
        ("-1", Err(Error::NotPositive("exp"))),
        ("1e20", Err(Error::NotPositive("exp"))),
        ("1e400", Err(Error::PayloadJson)),
        ("\"1\"", Err(Error::NotAnInteger("exp"))),
    ];
    for (number, expected) in table {
        let text = compact(r#"{"alg":"RS256"}"#, &format!(r#"{{"exp":{number}}}"#));
        let exp = Token::parse(&text).map(|token| token.validity().expires_at.unwrap());
        assert_eq!(exp, expected, "{number}");
    }
}

#[test]
fn the_leeway_counts_on_both_sides_and_never_overflows() {
    let (early, late) = (Err(Error::NotYetValid), Err(Error::Expired));
    let table = [
        (None, None, 0, Ok(())),
        (None, Some(0), u64::MAX, Ok(())), // an exp of 0 is none
        (None, Some(1000), 1060, Ok(())),
        (None, Some(1000), 1061, late),
        (Some(1000), None, 940, Ok(())),
        (Some(1000), None, 939, early),
        (Some(2000), Some(1000), 1500, early), // nbf first
        (None, Some(u64::MAX), u64::MAX, Ok(())),
        (Some(u64::MAX), None, u64::MAX, Ok(())),
    ];
    for (not_before, expires_at, now, expected) in table {
        let validity = Validity {
            not_before,
            expires_at,
        };
        assert_eq!(validity.check(now, 60), expected, "{validity:?} at {now}");
    }
}

#[test]
fn what_the_callers_rules_need_can_be_read() {
    let header = r#"{"alg":"ES256","kid":"k","crit":["b64"]}"#;
    let claims = r#"{"iss":"i","sub":"s","aud":["a","b"],"iat":1,"nbf":2,"exp":3,"x":{"y":1}}"#;
    let text = compact(header, claims);
    let token = Token::parse(&text).unwrap();
    assert_eq!((token.algorithm(), token.key_id()), (Algorithm::ES256, Some("k")));
    assert_eq!((token.issuer(), token.subject()), (Some("i"), Some("s")));
    assert_eq!(token.audiences().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(
        (token.issued_at(), token.validity().not_before),
        (Some(1), Some(2))
    );
    assert_eq!(token.critical().unwrap()[0], "b64");
    assert_eq!(token.payload(), encode(claims));
    assert_eq!(
        token.signing_input(),
        format!("{}.{}", encode(header), encode(claims))
    );
    assert_eq!(token.signature(), b"abc");
    assert_eq!(token.claims()["x"]["y"], 1);
    assert_eq!(format!("{token:?}"), "Token { algorithm: ES256, .. }");
}

#[test]
fn an_empty_kid_is_none() {
    let text = compact(r#"{"alg":"RS256","kid":""}"#, "{}");
    assert_eq!(Token::parse(&text).unwrap().key_id(), None);
}

fn compact(header: &str, claims: &str) -> String {
    format!("{}.{}.YWJj", encode(header), encode(claims))
}

fn encode(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
