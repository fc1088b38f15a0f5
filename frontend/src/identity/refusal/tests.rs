//! Each code and its meaning.

use super::*;

fn envelope(message: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({"error": {"code": 400, "message": message}})).unwrap()
}

#[test]
fn every_code_has_its_meaning() {
    let table = [
        (400, "INVALID_LOGIN_CREDENTIALS", Refusal::WrongCredentials),
        (400, "EMAIL_NOT_FOUND", Refusal::WrongCredentials),
        (400, "INVALID_PASSWORD", Refusal::WrongCredentials),
        (
            400,
            "TOO_MANY_ATTEMPTS_TRY_LATER : Access was disabled",
            Refusal::TooManyAttempts,
        ),
        (400, "USER_DISABLED", Refusal::Disabled),
        (400, "TOKEN_EXPIRED", Refusal::SessionOver),
        (400, "INVALID_REFRESH_TOKEN", Refusal::SessionOver),
        (
            400,
            "OPERATION_NOT_ALLOWED",
            Refusal::Misconfigured("OPERATION_NOT_ALLOWED".into()),
        ),
        (
            400,
            "API key not valid. Please pass one.",
            Refusal::Misconfigured("API_KEY_INVALID".into()),
        ),
        (
            403,
            "The request is missing a valid API key.",
            Refusal::Misconfigured("it answers 403 Forbidden".into()),
        ),
        (
            500,
            "INTERNAL",
            Refusal::Unavailable("it answers 500 Internal Server Error".into()),
        ),
        (429, "RESOURCE_EXHAUSTED", Refusal::TooManyAttempts),
        (
            400,
            "BRAND_NEW : eyJhbGciOi",
            Refusal::Unknown("BRAND_NEW".into()),
        ),
        (
            400,
            "some <b>text</b>",
            Refusal::Unknown("it answers 400 Bad Request".into()),
        ),
    ];
    for (status, message, expected) in table {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(Refusal::of(status, &envelope(message)), expected, "{message}");
    }
}

#[test]
fn what_is_no_envelope_is_judged_by_its_status() {
    let down = Refusal::of(StatusCode::BAD_GATEWAY, b"<html>");
    assert!(matches!(down, Refusal::Unavailable(_)));
    let odd = Refusal::of(StatusCode::BAD_REQUEST, b"<html>");
    assert!(matches!(odd, Refusal::Unknown(_)));
}

#[test]
fn broken_rules_and_a_blocking_functions_text_are_read() {
    let rules = "PASSWORD_DOES_NOT_MEET_REQUIREMENTS : Missing password requirements: [Password must contain at \
                 least 8 characters, Password must contain a numeric character]";
    let refusal = Refusal::of(StatusCode::BAD_REQUEST, &envelope(rules));
    assert_eq!(
        refusal,
        Refusal::PasswordTooWeak(vec![Rule::Shortest(8), Rule::Digit])
    );
    for spelling in [
        r#"BLOCKING_FUNCTION_ERROR_RESPONSE : HTTP Cloud Function returned an error: {"error":{"message":"Not <you>.","status":"PERMISSION_DENIED"}}"#,
        r#"BLOCKING_FUNCTION_ERROR_RESPONSE : HTTP Cloud Function returned an error. Code: 403, Status: "PERMISSION_DENIED", Message: "Not <you>.""#,
    ] {
        let refusal = Refusal::of(StatusCode::BAD_REQUEST, &envelope(spelling));
        assert_eq!(refusal, Refusal::Blocked(Some("Not <you>.".into())), "{spelling}");
    }
    let silent = Refusal::of(
        StatusCode::BAD_REQUEST,
        &envelope("BLOCKING_FUNCTION_ERROR_RESPONSE"),
    );
    assert_eq!(silent, Refusal::Blocked(None));
    let endless = format!(
        "BLOCKING_FUNCTION_ERROR_RESPONSE : {{\"error\":{{\"message\":\"{}\"}}}}",
        "x".repeat(5000)
    );
    let Refusal::Blocked(Some(text)) = Refusal::of(StatusCode::BAD_REQUEST, &envelope(&endless)) else {
        panic!("no text");
    };
    assert_eq!(text.len(), 300);
}
