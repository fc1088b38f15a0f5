//! What the form says about each refusal. One text for a wrong address and a wrong password: which of the
//! two it was would tell a stranger who has an account.

use super::Refusal;
use super::policy::Rule;

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
            Refusal::Paused(_) => (
                "Too many tries",
                "There were too many tries. Wait a few minutes, then try again.",
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
            Refusal::PasswordTooWeak(_) => (
                "This password does not fulfil the rules",
                "Choose another one. If you cannot sign in with your password any more, reset it.",
                false,
                true,
            ),
            // whoever asks is told the same as anybody: the pages answer before this is shown
            Refusal::EmailExists => (
                "Check your mail",
                "If this address can be used, a mail is on its way to it.",
                false,
                false,
            ),
            Refusal::LinkOver => (
                "This link is used or too old",
                "Each link works once and for a limited time. Ask for a new mail.",
                false,
                false,
            ),
            Refusal::SignInTooOld => (
                "Sign in once more",
                "This needs a sign-in from the last few minutes, to make sure that it is you.",
                false,
                false,
            ),
            Refusal::UnverifiedEmail => (
                "Verify your e-mail address first",
                "This is for verified addresses only. Ask for the mail on your account’s page and follow its link.",
                false,
                false,
            ),
            Refusal::WrongCode => (
                "That code is not right",
                "Enter the code that your app shows now. Each code works once; if it keeps failing, check that \
                 your phone’s clock is right.",
                false,
                false,
            ),
            Refusal::StepTooOld => (
                "That took too long",
                "The first step is too long ago. Start again.",
                false,
                false,
            ),
            Refusal::FactorExists => (
                "There is such a second step already",
                "Remove the one that your account has, then add another.",
                false,
                false,
            ),
            Refusal::ProviderFailed => (
                "That sign-in did not finish",
                "The other provider did not confirm who you are. Try again.",
                false,
                false,
            ),
            Refusal::AlreadyLinked => (
                "That account belongs to somebody else here",
                "It is connected with another user of this site. Sign in as that user, or use another account.",
                false,
                false,
            ),
            Refusal::OtherTenant => (
                "This is not your organisation’s page",
                "Your account belongs to another organisation. Use the address that it gave you.",
                false,
                false,
            ),
            Refusal::Blocked(_) => (
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
            text: self.own_words().unwrap_or_else(|| text.to_owned()),
            on_email,
            on_password,
        }
    }

    /// A text that depends on what was refused.
    fn own_words(&self) -> Option<String> {
        match self {
            Refusal::Blocked(text) => text.clone(),
            Refusal::PasswordTooWeak(rules) if !rules.is_empty() => {
                let rules: Vec<_> = rules.iter().map(Rule::text).collect();
                Some(format!(
                    "It lacks: {}. If you cannot sign in with your password any more, reset it.",
                    rules.join(", ")
                ))
            }
            _ => None,
        }
    }
}
