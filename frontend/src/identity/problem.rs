//! What the form says about each refusal. One text for a wrong address and a wrong password: which of the
//! two it was would tell a stranger who has an account.

use super::Refusal;
use super::policy::Rule;
use crate::words::{Words, fill};

/// What the form says.
pub(crate) struct Problem {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) on_email: bool,
    pub(crate) on_password: bool,
}

impl Refusal {
    /// What the user reads above the form.
    pub(crate) fn problem(&self, t: &'static Words) -> Problem {
        let (title, text) = match self {
            Refusal::WrongCredentials => t.wrong_credentials,
            Refusal::InvalidEmail => t.invalid_email,
            Refusal::MissingPassword => t.missing_password,
            Refusal::TooManyAttempts => t.too_many_attempts,
            Refusal::Paused(_) => t.paused,
            Refusal::Disabled => t.disabled,
            Refusal::SecondFactor => t.second_factor,
            Refusal::PasswordTooWeak(_) => t.too_weak,
            // whoever asks is told the same as anybody: the pages answer before this is shown
            Refusal::EmailExists => t.email_exists,
            Refusal::LinkOver => t.link_over,
            Refusal::SignInTooOld => t.sign_in_too_old,
            Refusal::UnverifiedEmail => t.unverified_email,
            Refusal::WrongCode => t.wrong_code,
            Refusal::StepTooOld => t.step_too_old,
            Refusal::FactorExists => t.factor_exists,
            Refusal::ProviderFailed => t.provider_failed,
            Refusal::AlreadyLinked => t.already_linked,
            Refusal::NoAddress => t.no_address,
            Refusal::LastWayIn => t.last_way_in,
            Refusal::OtherTenant => t.other_tenant,
            Refusal::Blocked(_) => t.blocked,
            Refusal::SessionOver => t.your_session_over,
            Refusal::Unavailable(_) => t.unavailable,
            Refusal::Untrusted(_) => t.untrusted,
            Refusal::Misconfigured(_) => t.misconfigured,
            Refusal::Unknown(_) => t.unknown,
        };
        Problem {
            title,
            text: self.own_words(t).unwrap_or_else(|| text.to_owned()),
            on_email: matches!(self, Refusal::WrongCredentials | Refusal::InvalidEmail),
            on_password: matches!(self, Refusal::WrongCredentials) || self.is_about_the_password(),
        }
    }

    /// A text that depends on what was refused.
    fn own_words(&self, t: &'static Words) -> Option<String> {
        match self {
            Refusal::Blocked(text) => text.clone(),
            Refusal::PasswordTooWeak(rules) if !rules.is_empty() => {
                let rules: Vec<_> = rules.iter().map(|rule| Rule::text(rule, t)).collect();
                Some(fill(t.lacks, rules.join(t.rules.1)))
            }
            _ => None,
        }
    }
}
