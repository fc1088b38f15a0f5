//! Why Identity Platform did not give tokens: its error codes as one table. What a user is told about it
//! stands in `problem.rs`.
//!
//! The error envelope is `{"error": {"code": 400, "message": "CODE : detail"}}`. The detail may hold URLs and
//! whole tokens and is never logged; two kinds of it are read, in `refusal/code.rs`.

use axum::http::StatusCode;

use super::policy::Rule;
use crate::arrival::Elapsed;
use crate::words::Language;

mod code;

/// Every way in which a call can end without what was asked for.
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
    /// Our own limit; so many seconds are left of the pause.
    Paused(u64),
    /// An administrator turned the account off.
    Disabled,
    /// The password is right and a second factor is wanted.
    SecondFactor,
    /// The password breaks rules of the project; which, if it was told.
    PasswordTooWeak(Vec<Rule>),
    /// The address has an account. Never shown: it would tell who has one.
    EmailExists,
    /// The code in a mail's link was used, replaced or has ended.
    LinkOver,
    /// The sign-in is too long ago for what was asked.
    SignInTooOld,
    /// The address has to be verified first.
    UnverifiedEmail,
    /// The code of the second step is not right.
    WrongCode,
    /// The first step is too long ago for the second.
    StepTooOld,
    /// The account has this second step already, or as many as it may have.
    FactorExists,
    /// The other provider did not vouch for the user.
    ProviderFailed,
    /// The other provider's account belongs to another user here.
    AlreadyLinked,
    /// The other provider gave no e-mail address.
    NoAddress,
    /// Without it there would be no way in any more.
    LastWayIn,
    /// The account is one of another organisation.
    OtherTenant,
    /// The project's own rules (a blocking function) said no, perhaps with a text for the user.
    Blocked(Option<String>),
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

impl From<Elapsed> for Refusal {
    fn from(_: Elapsed) -> Refusal {
        Refusal::Unavailable("no answer before the page's deadline".to_owned())
    }
}

impl Refusal {
    /// Reads the envelope of an answer that is not 200.
    pub(super) fn of(status: StatusCode, body: &[u8]) -> Refusal {
        let message = code::message(body);
        let code = code::code(&message);
        match code {
            "INVALID_LOGIN_CREDENTIALS" | "EMAIL_NOT_FOUND" | "INVALID_PASSWORD" => Refusal::WrongCredentials,
            "INVALID_EMAIL" | "MISSING_EMAIL" | "INVALID_IDENTIFIER" | "INVALID_NEW_EMAIL"
            | "MISSING_NEW_EMAIL" => Refusal::InvalidEmail,
            "MISSING_PASSWORD" => Refusal::MissingPassword,
            "TOO_MANY_ATTEMPTS_TRY_LATER" | "QUOTA_EXCEEDED" | "RESET_PASSWORD_EXCEED_LIMIT" => {
                Refusal::TooManyAttempts
            }
            "USER_DISABLED" => Refusal::Disabled,
            "WEAK_PASSWORD" => Refusal::PasswordTooWeak(vec![Rule::Shortest(6)]),
            "PASSWORD_DOES_NOT_MEET_REQUIREMENTS" => Refusal::PasswordTooWeak(code::rules(&message)),
            "EMAIL_EXISTS" => Refusal::EmailExists,
            "INVALID_OOB_CODE" | "EXPIRED_OOB_CODE" | "MISSING_OOB_CODE" => Refusal::LinkOver,
            "CREDENTIAL_TOO_OLD_LOGIN_AGAIN" => Refusal::SignInTooOld,
            "UNVERIFIED_EMAIL" | "EMAIL_CHANGE_NEEDS_VERIFICATION" => Refusal::UnverifiedEmail,
            "INVALID_CODE" | "MISSING_CODE" => Refusal::WrongCode,
            "INVALID_MFA_PENDING_CREDENTIAL"
            | "MISSING_MFA_PENDING_CREDENTIAL"
            | "MISSING_CREDENTIAL"
            | "MFA_ENROLLMENT_NOT_FOUND"
            | "MISSING_MFA_ENROLLMENT_ID"
            | "SESSION_EXPIRED"
            | "INVALID_SESSION_INFO"
            | "MISSING_SESSION_INFO"
            | "TOTP_CHALLENGE_TIMEOUT" => Refusal::StepTooOld,
            "SECOND_FACTOR_EXISTS" | "SECOND_FACTOR_LIMIT_EXCEEDED" => Refusal::FactorExists,
            "BLOCKING_FUNCTION_ERROR_RESPONSE" => Refusal::Blocked(code::blocking_message(&message)),
            "FEDERATED_USER_ID_ALREADY_LINKED" => Refusal::AlreadyLinked,
            "INVALID_IDP_RESPONSE"
            | "INVALID_CREDENTIAL_OR_PROVIDER_ID"
            | "INVALID_PENDING_TOKEN"
            | "MISSING_OR_INVALID_NONCE"
            | "MISSING_REQUEST_URI"
            | "USER_CANCELLED"
            | "REJECTED_CREDENTIAL" => Refusal::ProviderFailed,
            "TENANT_ID_MISMATCH" | "INVALID_TENANT_ID" | "TENANT_NOT_FOUND" => Refusal::OtherTenant,
            "TOKEN_EXPIRED"
            | "INVALID_ID_TOKEN"
            | "MISSING_ID_TOKEN"
            | "USER_NOT_FOUND"
            | "INVALID_REFRESH_TOKEN"
            | "MISSING_REFRESH_TOKEN"
            | "INVALID_GRANT_TYPE"
            | "MISSING_GRANT_TYPE" => Refusal::SessionOver,
            // what an operator has to set right: methods that are off, domains, mail, reCAPTCHA, project, key
            "OPERATION_NOT_ALLOWED"
            | "PASSWORD_LOGIN_DISABLED"
            | "ADMIN_ONLY_OPERATION"
            | "UNSUPPORTED_TENANT_OPERATION"
            | "UNSUPPORTED_FIRST_FACTOR"
            | "CONFIGURATION_NOT_FOUND"
            | "PROJECT_NOT_FOUND"
            | "PROJECT_DISABLED"
            | "INVALID_PROVIDER_ID"
            | "INVALID_OAUTH_CLIENT_ID"
            | "INVALID_RECIPIENT_EMAIL"
            | "INVALID_SENDER"
            | "INVALID_MESSAGE_PAYLOAD"
            | "INVALID_CONTINUE_URI"
            | "MISSING_CONTINUE_URI"
            | "UNAUTHORIZED_DOMAIN"
            | "INVALID_HOSTING_LINK_DOMAIN"
            | "INVALID_DYNAMIC_LINK_DOMAIN"
            | "MISSING_RECAPTCHA_TOKEN"
            | "INVALID_RECAPTCHA_TOKEN"
            | "INVALID_RECAPTCHA_ACTION"
            | "INVALID_RECAPTCHA_VERSION"
            | "MISSING_RECAPTCHA_VERSION"
            | "MISSING_CLIENT_TYPE"
            | "RECAPTCHA_NOT_ENABLED"
            | "INVALID_APP_CREDENTIAL"
            | "CAPTCHA_CHECK_FAILED"
            | "INSUFFICIENT_PERMISSION" => Refusal::Misconfigured(code.to_owned()),
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
            Refusal::TooManyAttempts | Refusal::Paused(_) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Unavailable(_) | Refusal::Misconfigured(_) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Untrusted(_) => StatusCode::BAD_GATEWAY,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// Whether it would befall everybody, so that showing it tells nothing about an account.
    pub(crate) fn is_about_everybody(&self) -> bool {
        use Refusal::{InvalidEmail, Misconfigured, Unavailable};
        matches!(self, InvalidEmail | Misconfigured(_) | Unavailable(_))
    }

    /// Whether another password helps.
    pub(crate) fn is_about_the_password(&self) -> bool {
        matches!(self, Refusal::PasswordTooWeak(_) | Refusal::MissingPassword)
    }

    /// A word for the log where there is no detail.
    pub(crate) fn name(&self) -> String {
        self.detail()
            .unwrap_or_else(|| self.problem(Language::English.words()).title.to_owned())
    }

    /// What the log says, for the refusals that an operator should see.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Refusal::Unavailable(reason) => Some(format!("the sign-in service is not available: {reason}")),
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

#[cfg(test)]
mod tests;
