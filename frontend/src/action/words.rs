//! What the page behind a link says before and after.

use crate::identity::Mode;
use crate::words;

pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) button: &'static str,
    /// The title when it is done.
    pub(super) done: &'static str,
    pub(super) then: &'static str,
}

pub(super) fn of(mode: Mode, t: &words::Words) -> Words {
    let (title, what, button, done, then) = match mode {
        Mode::ResetPassword => t.link_reset,
        Mode::VerifyEmail => t.link_verify,
        Mode::VerifyAndChangeEmail => t.link_change,
        Mode::RecoverEmail => t.link_recover,
        Mode::RevertSecondFactorAddition => t.link_revert,
        // has a page of its own; here are the words if it ever came without
        Mode::SignIn => (
            t.by_mail.0,
            t.by_mail_finish,
            t.sign_in,
            t.by_mail.0,
            t.by_mail_finish,
        ),
    };
    Words {
        title,
        what,
        button,
        done,
        then,
    }
}
