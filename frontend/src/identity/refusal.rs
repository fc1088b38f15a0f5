//! Why Identity Platform did not give tokens: its error codes as one table. What a user is told about it
//! stands in `problem.rs`.
//!
//! The error envelope is `{"error": {"code": 400, "message": "CODE : detail"}}`. Only the code is read; the
//! detail may hold URLs and whole tokens and is never shown or logged.

use axum::http::StatusCode;
use serde::Deserialize;

/// Every way in which a sign-in or a refresh can end without tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// E-mail or password is wrong; which of them is nobody's business.
    WrongCredentials,
    /// The e-mail address cannot be one.
    InvalidEmail,
    /// No password was given.
    MissingPassword,
    /// Too many attempts on this account, or from this address.
    TooManyAttempts,
    /// An administrator turned the account off.
    Disabled,
    /// The password is right and a second factor is wanted.
    SecondFactor,
    /// The password no longer fulfils the project's rules.
    PasswordTooWeak,
    /// The project's own rules (a blocking function) said no.
    Blocked,
    /// The refresh token is over: the user must sign in again.
    SessionOver,
    /// No answer, or one that says "later". The reason is for the log.
    Unavailable(String),
    /// It gave an ID token that breaks a rule. Which one is for the log.
    Untrusted(String),
    /// Our key or project is wrong: an operator's fault. The code is for the log.
    Misconfigured(String),
    /// A code that is not in the table.
    Unknown(String),
}

impl Refusal {
    /// Reads the envelope of an answer that is not 200.
    pub(super) fn of(status: StatusCode, body: &[u8]) -> Refusal {
        let message =
            serde_json::from_slice::<Envelope>(body).map_or_else(|_| String::new(), |e| e.error.message);
        let code = code(&message);
        match code {
            "INVALID_LOGIN_CREDENTIALS" | "EMAIL_NOT_FOUND" | "INVALID_PASSWORD" => Refusal::WrongCredentials,
            "INVALID_EMAIL" | "MISSING_EMAIL" | "INVALID_IDENTIFIER" => Refusal::InvalidEmail,
            "MISSING_PASSWORD" => Refusal::MissingPassword,
            "TOO_MANY_ATTEMPTS_TRY_LATER" | "QUOTA_EXCEEDED" => Refusal::TooManyAttempts,
            "USER_DISABLED" => Refusal::Disabled,
            "PASSWORD_DOES_NOT_MEET_REQUIREMENTS" => Refusal::PasswordTooWeak,
            "BLOCKING_FUNCTION_ERROR_RESPONSE" => Refusal::Blocked,
            "TOKEN_EXPIRED"
            | "USER_NOT_FOUND"
            | "INVALID_REFRESH_TOKEN"
            | "MISSING_REFRESH_TOKEN"
            | "INVALID_GRANT_TYPE"
            | "MISSING_GRANT_TYPE" => Refusal::SessionOver,
            "OPERATION_NOT_ALLOWED"
            | "PASSWORD_LOGIN_DISABLED"
            | "ADMIN_ONLY_OPERATION"
            | "CONFIGURATION_NOT_FOUND"
            | "PROJECT_NOT_FOUND"
            | "PROJECT_DISABLED"
            | "MISSING_RECAPTCHA_TOKEN"
            | "INVALID_RECAPTCHA_TOKEN"
            | "CAPTCHA_CHECK_FAILED" => Refusal::Misconfigured(code.to_owned()),
            _ if status == StatusCode::TOO_MANY_REQUESTS => Refusal::TooManyAttempts,
            _ if status.is_server_error() => Refusal::Unavailable(format!("it answers {status}")),
            _ if message.starts_with("API key not valid") => {
                Refusal::Misconfigured("API_KEY_INVALID".to_owned())
            }
            _ if matches!(status.as_u16(), 401 | 403 | 404) || status.is_redirection() => {
                Refusal::Misconfigured(format!("it answers {status}"))
            }
            "" => Refusal::Unknown(format!("it answers {status}")),
            code => Refusal::Unknown(code.to_owned()),
        }
    }

    /// The status of the form that explains it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Refusal::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Unavailable(_) | Refusal::Misconfigured(_) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Untrusted(_) => StatusCode::BAD_GATEWAY,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// What the log says, for the refusals that an operator should see.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Refusal::Unavailable(reason) => Some(format!("Identity Platform is not available: {reason}")),
            Refusal::Misconfigured(code) => Some(format!(
                "Identity Platform refuses this site's settings ({code}): check AUTH_APIKEY, its restrictions, \
                 and that password sign-in is on in project GOOGLE_CLOUD_PROJECT"
            )),
            Refusal::Untrusted(rule) => Some(format!(
                "Identity Platform's ID token is not accepted: {rule} (is GOOGLE_CLOUD_PROJECT its project?)"
            )),
            Refusal::Unknown(code) => Some(format!("Identity Platform refused with an unknown code: {code}")),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: Inner,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    message: String,
}

/// What stands before the first colon, if it looks like a code.
fn code(message: &str) -> &str {
    let code = message.split(':').next().unwrap_or_default().trim();
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    match code.len() <= 64 && code.bytes().all(fits) {
        true => code,
        false => "",
    }
}

#[cfg(test)]
mod tests {
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
}
