//! Each code and its meaning.

use super::*;

const LANGUAGES: [Language; 4] = [
    Language::English,
    Language::German,
    Language::Spanish,
    Language::Japanese,
];

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

/// All codes that its documentation and its clients know of, each in a person's own language: none of them
/// ends in "an unknown reason".
#[test]
fn every_code_has_a_text_of_its_own_in_every_language() {
    let codes = "INVALID_LOGIN_CREDENTIALS EMAIL_NOT_FOUND INVALID_PASSWORD USER_DISABLED \
        TOO_MANY_ATTEMPTS_TRY_LATER EMAIL_EXISTS OPERATION_NOT_ALLOWED PASSWORD_LOGIN_DISABLED \
        ADMIN_ONLY_OPERATION WEAK_PASSWORD PASSWORD_DOES_NOT_MEET_REQUIREMENTS MISSING_PASSWORD MISSING_EMAIL \
        INVALID_EMAIL INVALID_IDENTIFIER INVALID_OOB_CODE EXPIRED_OOB_CODE MISSING_OOB_CODE \
        RESET_PASSWORD_EXCEED_LIMIT QUOTA_EXCEEDED INVALID_ID_TOKEN TOKEN_EXPIRED USER_NOT_FOUND \
        INVALID_REFRESH_TOKEN MISSING_REFRESH_TOKEN INVALID_GRANT_TYPE MISSING_GRANT_TYPE \
        CREDENTIAL_TOO_OLD_LOGIN_AGAIN EMAIL_CHANGE_NEEDS_VERIFICATION INVALID_RECIPIENT_EMAIL INVALID_SENDER \
        INVALID_MESSAGE_PAYLOAD INVALID_CONTINUE_URI MISSING_CONTINUE_URI UNAUTHORIZED_DOMAIN \
        INVALID_HOSTING_LINK_DOMAIN INVALID_DYNAMIC_LINK_DOMAIN FEDERATED_USER_ID_ALREADY_LINKED \
        INVALID_IDP_RESPONSE INVALID_CREDENTIAL_OR_PROVIDER_ID INVALID_PENDING_TOKEN MISSING_OR_INVALID_NONCE \
        MISSING_REQUEST_URI USER_CANCELLED REJECTED_CREDENTIAL INVALID_PROVIDER_ID INVALID_OAUTH_CLIENT_ID \
        CONFIGURATION_NOT_FOUND PROJECT_NOT_FOUND PROJECT_DISABLED INVALID_MFA_PENDING_CREDENTIAL \
        MISSING_MFA_PENDING_CREDENTIAL MISSING_CREDENTIAL MFA_ENROLLMENT_NOT_FOUND MISSING_MFA_ENROLLMENT_ID \
        INVALID_CODE MISSING_CODE SESSION_EXPIRED INVALID_SESSION_INFO MISSING_SESSION_INFO \
        TOTP_CHALLENGE_TIMEOUT SECOND_FACTOR_EXISTS SECOND_FACTOR_LIMIT_EXCEEDED UNVERIFIED_EMAIL \
        UNSUPPORTED_FIRST_FACTOR CAPTCHA_CHECK_FAILED MISSING_RECAPTCHA_TOKEN INVALID_RECAPTCHA_TOKEN \
        INVALID_RECAPTCHA_ACTION INVALID_RECAPTCHA_VERSION MISSING_RECAPTCHA_VERSION MISSING_CLIENT_TYPE \
        RECAPTCHA_NOT_ENABLED INVALID_APP_CREDENTIAL TENANT_ID_MISMATCH INVALID_TENANT_ID TENANT_NOT_FOUND \
        UNSUPPORTED_TENANT_OPERATION BLOCKING_FUNCTION_ERROR_RESPONSE INSUFFICIENT_PERMISSION";
    // a mistake of ours in a call, which no user can do anything about: the log has the code
    let ours = "UNEXPECTED_PARAMETER INVALID_REQ_TYPE MISSING_REQ_TYPE MISSING_LOCAL_ID DUPLICATE_LOCAL_ID \
        INVALID_DURATION LOCAL_ID_LIST_EXCEEDS_LIMIT";
    let of = |code: &str| Refusal::of(StatusCode::BAD_REQUEST, &envelope(code));
    let english = Language::English.words();
    for code in codes.split_whitespace() {
        let refusal = of(code);
        assert!(!matches!(refusal, Refusal::Unknown(_)), "{code}");
        for language in LANGUAGES {
            let t = language.words();
            let problem = refusal.problem(t);
            let texts = (problem.title, problem.text.as_str());
            assert!(!texts.0.is_empty() && !texts.1.is_empty(), "{}: {code}", t.code);
            assert_ne!(texts, t.unknown, "{}: {code}", t.code);
            let translated = texts.1 != refusal.problem(english).text;
            assert!(t.code == "en" || translated, "{}: {code}: {}", t.code, texts.1);
        }
    }
    for code in ours.split_whitespace() {
        let refusal = of(code);
        assert_eq!(refusal, Refusal::Unknown(code.to_owned()));
        assert!(refusal.detail().unwrap().contains(code), "{code} is in the log");
    }
}
