//! What the form says about each refusal. One text for a wrong address and a wrong password: which of the
//! two it was would tell a stranger who has an account.

use super::Refusal;

/// What the form says.
pub(crate) struct Problem {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) on_email: bool,
    pub(crate) on_password: bool,
}

impl Refusal {
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
}
