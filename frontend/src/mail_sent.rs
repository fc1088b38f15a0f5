//! "Check your mail": the same words for everybody who asked.

use axum::response::Response;

use crate::App;
use crate::templates::{self, MailSentPage};

/// Why a mail may be on its way.
#[derive(Clone, Copy)]
pub(crate) enum Why {
    SignUp,
    Reset,
    Verify,
}

/// The page. With a stand-in it says where its mails are.
pub(crate) fn page(app: &App, why: Why, email: &str) -> Response {
    let (what, then) = match why {
        Why::SignUp => (
            "If the address can be used, a mail is on its way to it.",
            "Follow the link in it to finish. If you have an account already, the mail helps you back into it.",
        ),
        Why::Reset => (
            "If there is an account with this address, a mail is on its way to it.",
            "Follow the link in it within an hour to choose a new password.",
        ),
        Why::Verify => (
            "A mail is on its way to your address.",
            "Follow the link in it to show that the address is yours.",
        ),
    };
    templates::html(&MailSentPage {
        email,
        what,
        then,
        outbox: app.config.emulator.as_deref(),
    })
}
