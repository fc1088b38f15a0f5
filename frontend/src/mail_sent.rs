//! "Check your mail": the same words for everybody who asked.

use axum::response::Response;

use crate::App;
use crate::arrival::Arrival;
use crate::templates::{self, MailSentPage};

/// Why a mail may be on its way.
#[derive(Clone, Copy)]
pub(crate) enum Why {
    SignUp,
    Reset,
    Verify,
    SignIn,
}

/// The page. With a stand-in it says where its mails are.
pub(crate) fn page(app: &App, arrival: &Arrival, why: Why, email: &str) -> Response {
    let t = arrival.words();
    let (what, then) = match why {
        Why::SignUp => t.mail_sign_up,
        Why::Reset => t.mail_reset,
        Why::Verify => t.mail_verify,
        Why::SignIn => t.mail_sign_in,
    };
    templates::html(&MailSentPage {
        t,
        email,
        what,
        then,
        outbox: app.config.emulator.as_deref(),
    })
}
