//! Signing in and out, in the order a person meets it: the form, the post, the way out.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::App;
use crate::arrival::Arrival;
use crate::federated;
use crate::form;
use crate::identity::{Entrance, Pending, Refusal};
use crate::oidc;
use crate::refused;
use crate::second_step;
use crate::session::{self, Session, SignedOut};
use crate::templates::{self, SignInPage};

/// The form, for whoever opens a page signed out that is for users; signing in leads on to it.
pub(crate) fn form(app: &App, arrival: &Arrival, visitor: &SignedOut, next: &str) -> Response {
    let t = arrival.words();
    let page = templates::html(&SignInPage {
        t,
        email: "",
        problem: None,
        notice: visitor.notice.map(|notice| notice.text(t)),
        next,
        demo: app.config.emulator.is_some(),
        federated: federated::buttons(&app.config),
        providers: app.providers.buttons(),
    });
    visitor.attach(app, arrival, page)
}

/// The form for somebody who is signed in, but not since a moment ago.
pub(crate) fn once_more(app: &App, arrival: &Arrival, email: &str, next: &str) -> Response {
    templates::html(&SignInPage {
        t: arrival.words(),
        email,
        problem: None,
        notice: Some(arrival.words().once_more),
        next,
        demo: app.config.emulator.is_some(),
        federated: federated::buttons(&app.config),
        providers: app.providers.buttons(),
    })
}

/// The form for somebody who turned back at another provider.
pub(crate) fn cancelled(app: &App, arrival: &Arrival, next: &str) -> Response {
    templates::html(&SignInPage {
        t: arrival.words(),
        email: "",
        problem: None,
        notice: Some(arrival.words().turned_back),
        next,
        demo: app.config.emulator.is_some(),
        federated: federated::buttons(&app.config),
        providers: app.providers.buttons(),
    })
}

/// `GET /sign-in`: the form is on the start page. People come here by reloading after a refusal.
pub(crate) async fn elsewhere() -> Redirect {
    Redirect::to("/")
}

/// `POST /sign-in`.
pub(crate) async fn sign_in(State(app): State<App>, arrival: Arrival, request: Request) -> Response {
    let mut fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, None),
    };
    fields.email = fields.email.trim().to_owned();
    let next = form::local_path(&fields.next);
    let attempt = arrival.within(attempt(&app, &arrival, &fields)).await;
    match attempt.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        // 303: a reload of the page that follows does not post the password again
        Ok(Step::Done(session)) => session::begun(&app, &arrival, session, Redirect::to(next))
            .unwrap_or_else(|failure| failure.page(&app, &arrival, None)),
        Ok(Step::Second(pending)) => second_step::begin(&app, &arrival, pending, &fields.email, next),
        Err(refusal) => again(&app, &arrival, &refusal, &fields),
    }
}

/// `POST /sign-out`. Identity Platform has no call for users to revoke a refresh token; the cookie was its
/// only copy outside.
pub(crate) async fn sign_out(
    State(app): State<App>,
    arrival: Arrival,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let offer = oidc::logout::offer(&app, &arrival, &headers, &uri).await;
    let answer = offer.unwrap_or_else(|| Redirect::to("/").into_response());
    session::signed_out(&app, &arrival, &headers, answer)
}

/// What the right password leads to.
enum Step {
    Done(Session),
    Second(Pending),
}

/// E-mail and password become a session: asked, answered, and the answer verified.
async fn attempt(app: &App, arrival: &Arrival, fields: &Fields) -> Result<Step, Refusal> {
    fields.check()?;
    app.limits.attempt(&fields.email, arrival.client)?;
    let tokens = match app.identity.sign_in(&fields.email, &fields.password).await? {
        Entrance::Open(tokens) => tokens,
        Entrance::SecondStep(pending) => return Ok(Step::Second(pending)),
    };
    let user = app.verifier.verify(&tokens.id).await?;
    app.limits.succeeded(&fields.email);
    Ok(Step::Done(Session::begin(tokens, user, &fields.email, app.now())))
}

/// The form again, with the reason and what was typed, but never the password.
fn again(app: &App, arrival: &Arrival, refusal: &Refusal, fields: &Fields) -> Response {
    let page = SignInPage {
        t: arrival.words(),
        email: &fields.email,
        problem: Some(refusal.problem(arrival.words())),
        notice: None,
        next: form::local_path(&fields.next),
        demo: app.config.emulator.is_some(),
        federated: federated::buttons(&app.config),
        providers: app.providers.buttons(),
    };
    refused::with(refusal, templates::html(&page))
}

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    /// A path of ours to go on to.
    #[serde(default)]
    next: String,
}

impl Fields {
    /// What can be seen without asking; the rest is Identity Platform's to judge.
    fn check(&self) -> Result<(), Refusal> {
        form::check_email(&self.email)?;
        match self.password.is_empty() {
            true => Err(Refusal::MissingPassword),
            false => Ok(()),
        }
    }
}
