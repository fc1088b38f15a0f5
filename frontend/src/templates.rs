//! The pages as types: a template that asks for what its struct does not have fails to compile. Every
//! value is escaped by askama.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::identity::Problem;

/// The form, perhaps with what was wrong.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage<'a> {
    /// Typed before, so that nobody types it twice.
    pub(crate) email: &'a str,
    pub(crate) problem: Option<Problem>,
    pub(crate) notice: Option<&'static str>,
    /// Whether to show the login of the stand-in's test user.
    pub(crate) demo: bool,
}

/// The signed-in page.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage<'a> {
    pub(crate) email: &'a str,
    pub(crate) message: &'a str,
    pub(crate) hops: &'a [Hop],
    /// Whether stand-ins are at work.
    pub(crate) demo: bool,
    pub(crate) trace: &'a str,
}

/// One line of "How did this get here?".
pub(crate) struct Hop {
    pub(crate) name: &'static str,
    pub(crate) checked: &'static str,
}

/// What failed and what to do.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
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

impl SignInPage<'_> {
    fn on_email(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.on_email)
    }

    fn on_password(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.on_password)
    }
}

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
