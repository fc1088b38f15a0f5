//! The pages as types: a template that asks for what its struct does not have fails to compile. Every
//! value is escaped by askama.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::account::providers::Way;
use crate::account::second_step::Picture;
use crate::identity::{Factor, Problem, Rule};
use crate::words::Words;

/// The form, perhaps with what was wrong.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage<'a> {
    pub(crate) t: &'static Words,
    /// Typed before, so that nobody types it twice.
    pub(crate) email: &'a str,
    pub(crate) problem: Option<Problem>,
    pub(crate) notice: Option<&'static str>,
    /// Where signing in leads.
    pub(crate) next: &'a str,
    /// Whether to show the login of the stand-in's test user.
    pub(crate) demo: bool,
    /// Id and name of the providers inside Identity Platform.
    pub(crate) federated: Vec<(&'a str, &'a str)>,
    /// Id and name of the other providers.
    pub(crate) providers: Vec<(&'a str, &'a str)>,
}

/// Whose is the account that has the address already?
#[derive(Template)]
#[template(path = "connect.html")]
pub(crate) struct ConnectPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    /// The provider that waits.
    pub(crate) name: &'a str,
    /// The owner is signed in: a click is enough.
    pub(crate) proved: bool,
    pub(crate) with_password: bool,
    /// Id and name of the providers that the account has.
    pub(crate) others: Vec<(&'a str, &'a str)>,
    pub(crate) path: &'a str,
    pub(crate) problem: Option<Problem>,
}

/// The way out at another provider, too.
#[derive(Template)]
#[template(path = "logout.html")]
pub(crate) struct LogoutPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) what: &'a str,
    pub(crate) button: &'a str,
    /// The provider's address, and what goes there.
    pub(crate) end: &'a str,
    pub(crate) id_token: &'a str,
    pub(crate) client: &'a str,
    pub(crate) back: &'a str,
}

/// The second step.
#[derive(Template)]
#[template(path = "code.html")]
pub(crate) struct CodePage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    pub(crate) problem: Option<Problem>,
    /// The first step is too old: no code helps.
    pub(crate) over: bool,
}

/// Adding a second step.
#[derive(Template)]
#[template(path = "enrol.html")]
pub(crate) struct EnrolPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    pub(crate) picture: Option<Picture>,
    /// What the picture says, for an app on the same device.
    pub(crate) uri: &'a str,
    /// The secret in groups of four.
    pub(crate) secret: String,
    pub(crate) problem: Option<Problem>,
}

/// The form of somebody new.
#[derive(Template)]
#[template(path = "sign_up.html")]
pub(crate) struct SignUpPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    pub(crate) rules: Vec<Rule>,
    pub(crate) shortest: usize,
    pub(crate) problem: Option<Problem>,
}

/// Where one asks for a mail: for a new password, or to sign in.
#[derive(Template)]
#[template(path = "reset.html")]
pub(crate) struct ResetPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) title: &'a str,
    pub(crate) lead: &'a str,
    pub(crate) action: &'a str,
    pub(crate) email: &'a str,
    pub(crate) problem: Option<Problem>,
}

/// Behind the link of a sign-in by mail.
#[derive(Template)]
#[template(path = "link.html")]
pub(crate) struct LinkPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    pub(crate) code: &'a str,
    /// The link is used or too old: no address helps.
    pub(crate) over: bool,
    pub(crate) problem: Option<Problem>,
}

/// What to do now that a mail is on its way, perhaps.
#[derive(Template)]
#[template(path = "mail_sent.html")]
pub(crate) struct MailSentPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    pub(crate) what: &'a str,
    pub(crate) then: &'a str,
    /// The stand-in that keeps the mails.
    pub(crate) outbox: Option<&'a str>,
}

/// What a link in a mail would do, and the button that does it.
#[derive(Template)]
#[template(path = "action.html")]
pub(crate) struct ActionPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) title: &'a str,
    pub(crate) what: &'a str,
    pub(crate) button: &'a str,
    pub(crate) email: &'a str,
    pub(crate) new_email: &'a str,
    pub(crate) code: &'a str,
    pub(crate) shortest: usize,
    /// With a field for a new password.
    pub(crate) rules: Option<Vec<Rule>>,
    pub(crate) problem: Option<Problem>,
}

/// What is known about the user, and the ways to change it.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    pub(crate) verified: bool,
    pub(crate) factors: &'a [Factor],
    pub(crate) ways: Vec<Way<'a>>,
    pub(crate) has_password: bool,
    /// Whether all sessions can be ended at once.
    pub(crate) everywhere: bool,
    pub(crate) problem: Option<Problem>,
}

/// A new password for somebody who is signed in.
#[derive(Template)]
#[template(path = "password.html")]
pub(crate) struct PasswordPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    /// The account has none yet.
    pub(crate) adds: bool,
    pub(crate) rules: Vec<Rule>,
    pub(crate) shortest: usize,
    pub(crate) problem: Option<Problem>,
}

impl PasswordPage<'_> {
    fn title(&self) -> &'static str {
        match self.adds {
            true => self.t.add_password,
            false => self.t.change_password,
        }
    }
}

/// The last page of an account.
#[derive(Template)]
#[template(path = "delete.html")]
pub(crate) struct DeletePage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
}

/// What was done, or why not, and where to go on.
#[derive(Template)]
#[template(path = "done.html")]
pub(crate) struct DonePage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) title: &'a str,
    pub(crate) what: &'a str,
    pub(crate) link: (&'a str, &'a str),
    pub(crate) alarm: bool,
}

/// The signed-in page.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) email: &'a str,
    pub(crate) message: &'a str,
    pub(crate) hops: &'a [(&'static str, &'static str)],
    /// Whether stand-ins are at work.
    pub(crate) demo: bool,
    pub(crate) trace: &'a str,
}

/// What failed and what to do.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) t: &'static Words,
    pub(crate) status: u16,
    pub(crate) title: &'a str,
    pub(crate) what: &'a str,
    pub(crate) todo: &'a str,
    /// Whether signing in again may help.
    pub(crate) again: bool,
    /// Whether asking again may help.
    pub(crate) retry: bool,
    pub(crate) code: &'a str,
    pub(crate) trace: &'a str,
    pub(crate) email: Option<&'a str>,
}

/// Which field a page's problem is about.
macro_rules! about_fields {
    ($($page:ident),+) => {$(
        #[allow(dead_code, reason = "not every form has both fields")]
        impl $page<'_> {
            fn on_email(&self) -> bool {
                self.problem.as_ref().is_some_and(|problem| problem.on_email)
            }

            fn on_password(&self) -> bool {
                self.problem.as_ref().is_some_and(|problem| problem.on_password)
            }
        }
    )+};
}

about_fields!(SignInPage, ConnectPage, SignUpPage, ResetPage, LinkPage);

/// The page as an answer.
pub(crate) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!("a page cannot be rendered: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
