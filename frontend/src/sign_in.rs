//! Signing in and out, in the order a person meets it: the form, the post, the way out.

use std::future::Future;

use axum::Form;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::App;
use crate::access::Note;
use crate::arrival::Arrival;
use crate::error::Failure;
use crate::identity::Refusal;
use crate::session::{self, Session, SignedOut};
use crate::templates::{self, SignInPage};

/// The form, for whoever opens the start page signed out.
pub(crate) fn form(app: &App, arrival: &Arrival, visitor: &SignedOut) -> Response {
    let page = templates::html(&SignInPage {
        email: "",
        problem: None,
        notice: visitor.notice,
        demo: app.config.emulator.is_some(),
    });
    visitor.attach(app, arrival, page)
}

/// `GET /sign-in`: the form is on the start page. People come here by reloading after a refusal.
pub(crate) async fn elsewhere() -> Redirect {
    Redirect::to("/")
}

/// `POST /sign-in`.
pub(crate) async fn sign_in(State(app): State<App>, arrival: Arrival, request: Request) -> Response {
    let fields = match arrival.within(Fields::of(request)).await {
        Ok(Ok(fields)) => fields,
        Ok(Err(failure)) => return failure.page(&app, &arrival, None),
        Err(_) => return Failure::BadForm.page(&app, &arrival, None),
    };
    let attempt = arrival.within(attempt(&app, &fields)).await;
    let too_slow = |_| {
        Err(Refusal::Unavailable(
            "no answer before the page's deadline".to_owned(),
        ))
    };
    match attempt.unwrap_or_else(too_slow) {
        // 303: a reload of the page that follows does not post the password again
        Ok(session) => session::begun(&app, &arrival, session, Redirect::to("/"))
            .unwrap_or_else(|failure| failure.page(&app, &arrival, None)),
        Err(refusal) => refused(&app, &refusal, &fields.email),
    }
}

/// `POST /sign-out`. Identity Platform has no call for users to revoke a refresh token; the cookie was its
/// only copy outside.
pub(crate) async fn sign_out(State(app): State<App>, arrival: Arrival) -> Response {
    session::ended(&app, &arrival, Redirect::to("/"))
}

/// E-mail and password become a session: asked, answered, and the answer verified.
async fn attempt(app: &App, fields: &Fields) -> Result<Session, Refusal> {
    fields.check()?;
    let tokens = app.identity.sign_in(&fields.email, &fields.password).await?;
    let user = app.verifier.verify(&tokens.id).await?;
    Ok(Session::begin(tokens, user, &fields.email, app.now()))
}

/// The form again, with the reason and what was typed, but never the password.
fn refused(app: &App, refusal: &Refusal, email: &str) -> Response {
    let page = SignInPage {
        email,
        problem: Some(refusal.problem()),
        notice: None,
        demo: app.config.emulator.is_some(),
    };
    let mut response = (refusal.status(), templates::html(&page)).into_response();
    if refusal.status() == StatusCode::TOO_MANY_REQUESTS {
        let after = axum::http::HeaderValue::from_static("300");
        response
            .headers_mut()
            .insert(axum::http::header::RETRY_AFTER, after);
    }
    response.extensions_mut().insert(Note {
        detail: refusal.detail(),
        user: None,
    });
    response
}

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

impl Fields {
    fn of(mut request: Request) -> impl Future<Output = Result<Fields, Failure>> {
        DefaultBodyLimit::max(LONGEST_FORM).apply(&mut request);
        async {
            match Form::<Fields>::from_request(request, &()).await {
                Ok(Form(mut fields)) => {
                    fields.email = fields.email.trim().to_owned();
                    Ok(fields)
                }
                Err(_) => Err(Failure::BadForm),
            }
        }
    }

    /// What can be seen without asking; the rest is Identity Platform's to judge.
    fn check(&self) -> Result<(), Refusal> {
        let parts = self.email.split_once('@');
        let plausible = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        if !plausible || self.email.len() > 254 || self.email.contains(char::is_whitespace) {
            return Err(Refusal::InvalidEmail);
        }
        match self.password.is_empty() {
            true => Err(Refusal::MissingPassword),
            false => Ok(()),
        }
    }
}

/// Bytes of a form: an address, a long passphrase, and each of its bytes percent-encoded.
const LONGEST_FORM: usize = 16 * 1024;
