//! Codes that travel by mail ("out of band"): made, looked at, used once, over after a while. Kept in
//! memory: a restart forgets the mails, and one asks for another.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::accounts::random_text;
use super::error::Error;
use super::second::Factor;

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ResetPassword,
    VerifyEmail,
    SignIn,
    ChangeEmail,
    RecoverEmail,
    RevertSecondStep,
}

impl Kind {
    const ALL: [Kind; 6] = [
        Kind::ResetPassword,
        Kind::VerifyEmail,
        Kind::SignIn,
        Kind::ChangeEmail,
        Kind::RecoverEmail,
        Kind::RevertSecondStep,
    ];

    /// By its name in requests and answers.
    pub(super) fn of(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::ResetPassword => "PASSWORD_RESET",
            Kind::VerifyEmail => "VERIFY_EMAIL",
            Kind::SignIn => "EMAIL_SIGNIN",
            Kind::ChangeEmail => "VERIFY_AND_CHANGE_EMAIL",
            Kind::RecoverEmail => "RECOVER_EMAIL",
            Kind::RevertSecondStep => "REVERT_SECOND_FACTOR_ADDITION",
        }
    }

    /// Its name in a link.
    pub(super) fn mode(self) -> &'static str {
        match self {
            Kind::ResetPassword => "resetPassword",
            Kind::VerifyEmail => "verifyEmail",
            Kind::SignIn => "signIn",
            Kind::ChangeEmail => "verifyAndChangeEmail",
            Kind::RecoverEmail => "recoverEmail",
            Kind::RevertSecondStep => "revertSecondFactorAddition",
        }
    }

    /// The subject of its mail.
    pub(super) fn subject(self) -> &'static str {
        match self {
            Kind::ResetPassword => "Reset your password",
            Kind::VerifyEmail => "Verify your e-mail address",
            Kind::SignIn => "Sign in",
            Kind::ChangeEmail => "Verify your new e-mail address",
            Kind::RecoverEmail => "Your e-mail address was changed",
            Kind::RevertSecondStep => "A second step was added to your account",
        }
    }

    /// Seconds for which a code is good.
    fn life(self) -> u64 {
        match self {
            Kind::ResetPassword => 3600,
            Kind::SignIn => 6 * 3600,
            Kind::VerifyEmail | Kind::ChangeEmail | Kind::RecoverEmail | Kind::RevertSecondStep => {
                3 * 24 * 3600
            }
        }
    }
}

/// A mail and the code in its link.
#[derive(Clone)]
pub(super) struct Mail {
    pub(super) kind: Kind,
    pub(super) code: String,
    /// The tenant whose account it is about, if it is one's.
    pub(super) tenant: Option<String>,
    /// Whose account it is about.
    pub(super) local_id: Option<String>,
    /// The account's address when the mail was sent.
    pub(super) email: String,
    /// The address it is going to have, or had.
    pub(super) new_email: Option<String>,
    /// The second step that was added.
    pub(super) factor: Option<Factor>,
    pub(super) link: String,
    pub(super) sent: u64,
    pub(super) used: bool,
    /// Whether the link was given to whoever asked, and no mail was sent.
    pub(super) silent: bool,
}

impl Mail {
    /// Who reads it.
    pub(super) fn to(&self) -> &str {
        match (self.kind, &self.new_email) {
            (Kind::ChangeEmail, Some(new)) => new,
            _ => &self.email,
        }
    }

    pub(super) fn is_over(&self, now: u64) -> bool {
        now >= self.sent + self.kind.life()
    }
}

/// All mails, the oldest first.
#[derive(Default)]
pub(super) struct Mails(Mutex<VecDeque<Mail>>);

impl Mails {
    /// Keeps a mail; the oldest goes when there are too many.
    pub(super) fn send(&self, mail: Mail) {
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if mails.len() >= MOST {
            mails.pop_front();
        }
        mails.push_back(mail);
    }

    /// Everything that was sent.
    pub(super) fn all(&self) -> Vec<Mail> {
        let mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().cloned().collect()
    }

    /// The mail of a code that is good; looking does not use it.
    pub(super) fn look(&self, code: &str, now: u64) -> Result<Mail, Error> {
        let mail = self
            .all()
            .into_iter()
            .find(|mail| mail.code == code && !mail.used);
        let mail = mail.ok_or(Error::Code("INVALID_OOB_CODE"))?;
        match mail.is_over(now) {
            true => Err(Error::Code("EXPIRED_OOB_CODE")),
            false => Ok(mail),
        }
    }

    /// The same, once.
    pub(super) fn take(&self, code: &str, now: u64) -> Result<Mail, Error> {
        let mail = self.look(code, now)?;
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = mails.iter_mut().find(|kept| kept.code == code && !kept.used);
        kept.ok_or(Error::Code("INVALID_OOB_CODE"))?.used = true;
        Ok(mail)
    }

    /// Nobody's mails any more, of the project's own or of a tenant.
    pub(super) fn clear(&self, tenant: Option<&str>) {
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.retain(|mail| mail.tenant.as_deref() != tenant);
    }
}

/// A code nobody can guess.
pub(super) fn code() -> Result<String, Error> {
    random_text(54, super::accounts::URL_SAFE)
}

/// Mails that are kept.
const MOST: usize = 1000;
