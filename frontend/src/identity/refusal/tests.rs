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

/// Every code that Identity Platform's documentation and its clients know, by what a user is told.
#[test]
fn every_code_has_its_meaning() {
    use Refusal::*;
    let table: &[(Refusal, &[&str])] = &[
        (
            WrongCredentials,
            &["INVALID_LOGIN_CREDENTIALS", "EMAIL_NOT_FOUND", "INVALID_PASSWORD"],
        ),
        (Disabled, &["USER_DISABLED"]),
        (
            TooManyAttempts,
            &[
                "TOO_MANY_ATTEMPTS_TRY_LATER",
                "RESET_PASSWORD_EXCEED_LIMIT",
                "QUOTA_EXCEEDED",
            ],
        ),
        (EmailExists, &["EMAIL_EXISTS"]),
        (PasswordTooWeak(vec![Rule::Shortest(6)]), &["WEAK_PASSWORD"]),
        (
            PasswordTooWeak(Vec::new()),
            &["PASSWORD_DOES_NOT_MEET_REQUIREMENTS"],
        ),
        (MissingPassword, &["MISSING_PASSWORD"]),
        (
            InvalidEmail,
            &[
                "MISSING_EMAIL",
                "INVALID_EMAIL",
                "INVALID_IDENTIFIER",
                "MISSING_NEW_EMAIL",
                "INVALID_NEW_EMAIL",
            ],
        ),
        (
            LinkOver,
            &["INVALID_OOB_CODE", "EXPIRED_OOB_CODE", "MISSING_OOB_CODE"],
        ),
        (
            SessionOver,
            &[
                "INVALID_ID_TOKEN",
                "MISSING_ID_TOKEN",
                "TOKEN_EXPIRED",
                "USER_NOT_FOUND",
                "INVALID_REFRESH_TOKEN",
                "MISSING_REFRESH_TOKEN",
                "INVALID_GRANT_TYPE",
                "MISSING_GRANT_TYPE",
            ],
        ),
        (SignInTooOld, &["CREDENTIAL_TOO_OLD_LOGIN_AGAIN"]),
        (
            UnverifiedEmail,
            &["EMAIL_CHANGE_NEEDS_VERIFICATION", "UNVERIFIED_EMAIL"],
        ),
        (AlreadyLinked, &["FEDERATED_USER_ID_ALREADY_LINKED"]),
        (
            ProviderFailed,
            &[
                "INVALID_IDP_RESPONSE",
                "INVALID_CREDENTIAL_OR_PROVIDER_ID",
                "INVALID_PENDING_TOKEN",
                "MISSING_OR_INVALID_NONCE",
                "MISSING_REQUEST_URI",
                "USER_CANCELLED",
                "REJECTED_CREDENTIAL",
            ],
        ),
        (WrongCode, &["INVALID_CODE", "MISSING_CODE"]),
        (
            StepTooOld,
            &[
                "INVALID_MFA_PENDING_CREDENTIAL",
                "MISSING_MFA_PENDING_CREDENTIAL",
                "MISSING_CREDENTIAL",
                "MFA_ENROLLMENT_NOT_FOUND",
                "MISSING_MFA_ENROLLMENT_ID",
                "SESSION_EXPIRED",
                "INVALID_SESSION_INFO",
                "MISSING_SESSION_INFO",
                "TOTP_CHALLENGE_TIMEOUT",
            ],
        ),
        (
            FactorExists,
            &["SECOND_FACTOR_EXISTS", "SECOND_FACTOR_LIMIT_EXCEEDED"],
        ),
        (
            OtherTenant,
            &["TENANT_ID_MISMATCH", "INVALID_TENANT_ID", "TENANT_NOT_FOUND"],
        ),
        (Blocked(None), &["BLOCKING_FUNCTION_ERROR_RESPONSE"]),
    ];
    for (expected, codes) in table {
        for code in *codes {
            for message in [(*code).to_owned(), format!("{code} : eyJhbGciOi")] {
                let refusal = Refusal::of(StatusCode::BAD_REQUEST, &envelope(&message));
                assert_eq!(refusal, *expected, "{message}");
            }
        }
    }
}

/// They are nobody's fault who signs in: a user is told that the site is not set up, its operators are told why.
#[test]
fn what_an_operator_has_to_set_right_is_told_by_its_code() {
    for code in [
        "OPERATION_NOT_ALLOWED",
        "PASSWORD_LOGIN_DISABLED",
        "ADMIN_ONLY_OPERATION",
        "INVALID_RECIPIENT_EMAIL",
        "INVALID_SENDER",
        "INVALID_MESSAGE_PAYLOAD",
        "INVALID_CONTINUE_URI",
        "MISSING_CONTINUE_URI",
        "UNAUTHORIZED_DOMAIN",
        "INVALID_HOSTING_LINK_DOMAIN",
        "INVALID_DYNAMIC_LINK_DOMAIN",
        "INVALID_PROVIDER_ID",
        "INVALID_OAUTH_CLIENT_ID",
        "CONFIGURATION_NOT_FOUND",
        "PROJECT_NOT_FOUND",
        "PROJECT_DISABLED",
        "UNSUPPORTED_FIRST_FACTOR",
        "UNSUPPORTED_TENANT_OPERATION",
        "CAPTCHA_CHECK_FAILED",
        "MISSING_RECAPTCHA_TOKEN",
        "INVALID_RECAPTCHA_TOKEN",
        "INVALID_RECAPTCHA_ACTION",
        "INVALID_RECAPTCHA_VERSION",
        "MISSING_RECAPTCHA_VERSION",
        "MISSING_CLIENT_TYPE",
        "RECAPTCHA_NOT_ENABLED",
        "INVALID_APP_CREDENTIAL",
        "INSUFFICIENT_PERMISSION",
    ] {
        let refusal = Refusal::of(StatusCode::BAD_REQUEST, &envelope(code));
        assert_eq!(refusal, Refusal::Misconfigured(code.to_owned()));
        assert!(refusal.detail().unwrap().contains(code));
    }
}

/// Of a mistake of ours the log gets the code, and never the detail, which may hold a token.
#[test]
fn a_mistake_of_ours_and_what_nobody_knows_have_the_general_text() {
    for code in [
        "UNEXPECTED_PARAMETER",
        "INVALID_REQ_TYPE",
        "MISSING_REQ_TYPE",
        "MISSING_LOCAL_ID",
        "DUPLICATE_LOCAL_ID",
        "INVALID_DURATION",
        "LOCAL_ID_LIST_EXCEEDS_LIMIT",
        "BRAND_NEW",
    ] {
        let refusal = Refusal::of(
            StatusCode::BAD_REQUEST,
            &envelope(&format!("{code} : eyJhbGciOi")),
        );
        assert_eq!(refusal, Refusal::Unknown(code.to_owned()));
        assert!(!refusal.detail().unwrap().contains("eyJ"));
    }
}

#[test]
fn without_a_code_the_status_and_googles_own_words_count() {
    let of = |status: u16, message| Refusal::of(StatusCode::from_u16(status).unwrap(), &envelope(message));
    let misconfigured = |what: &str| Refusal::Misconfigured(what.to_owned());
    let table = [
        (
            400,
            "API key not valid. Please pass one.",
            misconfigured("API_KEY_INVALID"),
        ),
        (
            403,
            "The request is missing a valid API key.",
            misconfigured("it answers 403 Forbidden"),
        ),
        (
            403,
            "Requests from referer <empty> are blocked.",
            misconfigured("it answers 403 Forbidden"),
        ),
        (
            500,
            "INTERNAL",
            Refusal::Unavailable("it answers 500 Internal Server Error".into()),
        ),
        (429, "RESOURCE_EXHAUSTED", Refusal::TooManyAttempts),
        (
            400,
            "some <b>text</b>",
            Refusal::Unknown("it answers 400 Bad Request".into()),
        ),
    ];
    for (status, message, expected) in table {
        assert_eq!(of(status, message), expected, "{message}");
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
