//! Signing in by mail, without a password: the address, the mail, the link in it, and the address once more in
//! a browser that did not ask. So nobody is signed in by clicking a link that somebody else asked for.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{Redirect, Response};
use serde::Deserialize;

use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{Entrance, Mail, Refusal};
use crate::mail_sent;
use crate::oidc;
use crate::refused;
use crate::second_step;
use crate::session::{self, Session, pocket};
use crate::templates::{self, LinkPage, ResetPage};

/// `GET /sign-in/link`.
pub(crate) async fn form(arrival: Arrival) -> Response {
    ask_page(&arrival, "", None)
}

/// `POST /sign-in/link`.
pub(crate) async fn ask(
    State(app): State<App>,
    arrival: Arrival,
    uri: Uri,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, None),
    };
    let email = fields.email.trim();
    let back = format!("{}/", oidc::flow::origin(&app, &arrival, &headers, &uri));
    let outcome = arrival.within(send(&app, &arrival, email, &back)).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => {
            arrival.settle().await;
            let mut response = mail_sent::page(&app, &arrival, mail_sent::Why::SignIn, email);
            pocket::put(&app, &arrival, &mut response, LABEL, email);
            response
        }
        Err(refusal) => refused::with(&refusal, ask_page(&arrival, email, Some(&refusal))),
    }
}

/// What depends on the account is not passed on; what fails for everybody is.
async fn send(app: &App, arrival: &Arrival, email: &str, back: &str) -> Result<(), Refusal> {
    form::check_email(email)?;
    app.limits.attempt(email, arrival.client)?;
    match app.identity.send(Mail::SignIn { email, back }).await {
        Err(refusal) if refusal.is_about_everybody() => Err(refusal),
        Err(refusal) => {
            tracing::info!("no mail for a sign-in: {}", refusal.name());
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// The page behind the link.
pub(crate) fn arrive(app: &App, arrival: &Arrival, headers: &HeaderMap, code: &str) -> Response {
    let email = pocket::get::<String>(app, arrival, headers, LABEL).unwrap_or_default();
    finish_page(arrival, &email, code, None)
}

/// `POST /sign-in/link/finish`.
pub(crate) async fn finish(State(app): State<App>, arrival: Arrival, request: Request) -> Response {
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, None),
    };
    let email = fields.email.trim();
    let outcome = arrival.within(attempt(&app, &arrival, email, &fields.code)).await;
    let mut response = match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(Ok(session)) => session::begun(&app, &arrival, session, Redirect::to("/"))
            .unwrap_or_else(|failure| failure.page(&app, &arrival, None)),
        Ok(Err(pending)) => second_step::begin(&app, &arrival, pending, email, "/"),
        Err(refusal) => {
            return refused::with(
                &refusal,
                finish_page(&arrival, email, &fields.code, Some(&refusal)),
            );
        }
    };
    pocket::empty(&arrival, &mut response, LABEL);
    response
}

async fn attempt(
    app: &App,
    arrival: &Arrival,
    email: &str,
    code: &str,
) -> Result<Result<Session, crate::identity::Pending>, Refusal> {
    form::check_email(email)?;
    app.limits.attempt(email, arrival.client)?;
    let tokens = match app.identity.sign_in_by_mail(email, code).await? {
        Entrance::Open(tokens) => tokens,
        Entrance::SecondStep(pending) => return Ok(Err(pending)),
    };
    let user = app.verifier.verify(&tokens.id).await?;
    app.limits.succeeded(email);
    Ok(Ok(Session::begin(tokens, user, email, app.now())))
}

fn ask_page(arrival: &Arrival, email: &str, refusal: Option<&Refusal>) -> Response {
    let t = arrival.words();
    templates::html(&ResetPage {
        t,
        title: t.by_mail.0,
        lead: t.by_mail.1,
        action: "/sign-in/link",
        email,
        problem: refusal.map(|refusal| refusal.problem(t)),
    })
}

fn finish_page(arrival: &Arrival, email: &str, code: &str, refusal: Option<&Refusal>) -> Response {
    let t = arrival.words();
    templates::html(&LinkPage {
        t,
        email,
        code,
        over: matches!(refusal, Some(Refusal::LinkOver)),
        problem: refusal.map(|refusal| refusal.problem(t)),
    })
}

/// What both forms send.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    email: String,
    #[serde(rename = "oobCode", default)]
    code: String,
}

/// The cookie that remembers who asked.
const LABEL: &str = "mail";
