//! What the page behind a link says before and after.

use crate::identity::Mode;

pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) button: &'static str,
    /// The title when it is done.
    pub(super) done: &'static str,
    pub(super) then: &'static str,
}

pub(super) fn of(mode: Mode) -> Words {
    let (title, what, button, done, then) = match mode {
        Mode::ResetPassword => (
            "Choose a new password",
            "It replaces the old one and ends every other session of this account.",
            "Save the new password",
            "Your password is changed",
            "Sign in with the new one. Other devices have to sign in again.",
        ),
        Mode::VerifyEmail => (
            "Verify your address",
            "This shows that the address of your account is yours.",
            "Verify this address",
            "Your address is verified",
            "You can sign in, or go on where you were.",
        ),
        Mode::VerifyAndChangeEmail => (
            "Change your address",
            "From then on you sign in with the new address.",
            "Use the new address",
            "Your address is changed",
            "Sign in with the new address. The old one got a mail with which this can be undone.",
        ),
        Mode::RecoverEmail => (
            "Take your old address back",
            "The address of your account was changed. If that was not you, undo it here.",
            "Take the old address back",
            "Your old address is back",
            "Somebody may know your password: reset it now.",
        ),
        Mode::RevertSecondFactorAddition => (
            "Remove a second step",
            "A second step was added to your account. If that was not you, remove it here.",
            "Remove the second step",
            "The second step is removed",
            "Somebody may know your password: reset it now.",
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
