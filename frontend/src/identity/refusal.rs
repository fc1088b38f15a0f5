//! Why Identity Platform did not give tokens, and what a user is told about it: one table.
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

/// What the form says.
pub(crate) struct Problem {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) on_email: bool,
    pub(crate) on_password: bool,
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

    /// What the user reads above the form.
    pub(crate) fn problem(&self) -> Problem {
        let (title, text, on_email, on_password) = match self {
            Refusal::WrongCredentials => (
                "That did not work",
                "E-mail or password is not right. Check both and try again.",
                true,
                true,
            ),
            Refusal::InvalidEmail => (
                "Check the e-mail address",
                "Enter an address like name@example.com.",
                true,
                false,
            ),
            Refusal::MissingPassword => ("Enter your password", "The password is missing.", false, true),
            Refusal::TooManyAttempts => (
                "Too many tries",
                "Sign-in is paused for this account. Wait a few minutes, then try again.",
                false,
                false,
            ),
            Refusal::Disabled => (
                "This account is turned off",
                "Ask whoever manages your account to turn it on again.",
                false,
                false,
            ),
            Refusal::SecondFactor => (
                "This account needs a second step",
                "Your password is right, but the account asks for a second factor, which this page does not \
                 support yet. Use an account without one, or ask an administrator.",
                false,
                false,
            ),
            Refusal::PasswordTooWeak => (
                "This password must be changed",
                "It no longer fulfils the rules for passwords. Ask an administrator to reset it.",
                false,
                true,
            ),
            Refusal::Blocked => (
                "Sign-in was refused",
                "Your organisation’s rules do not allow this sign-in. Ask an administrator.",
                false,
                false,
            ),
            Refusal::SessionOver => ("Your session is over", "Sign in again to go on.", false, false),
            Refusal::Unavailable(_) => (
                "Sign-in is not available right now",
                "The sign-in service, Identity Platform, cannot be reached. Nothing is wrong with your account \
                 or your password. Try again in a minute.",
                false,
                false,
            ),
            Refusal::Untrusted(_) => (
                "Sign-in could not be confirmed",
                "Identity Platform’s answer did not pass this site’s own checks, so nobody was signed in. Try \
                 again; if it stays, the people who run this site have to look into it, and the log names the \
                 check.",
                false,
                false,
            ),
            Refusal::Misconfigured(_) => (
                "Sign-in is not set up correctly",
                "Identity Platform does not accept this site’s settings. Nothing is wrong with your account; \
                 the people who run this site have to look into it, and the log names the cause.",
                false,
                false,
            ),
            Refusal::Unknown(_) => (
                "Sign-in was refused",
                "Identity Platform refused for a reason this page does not know; the log names it. Try again, \
                 or ask the people who run this site.",
                false,
                false,
            ),
        };
        Problem {
            title,
            text: text.to_owned(),
            on_email,
            on_password,
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
