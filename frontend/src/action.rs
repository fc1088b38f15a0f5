//! Where the links in mails lead. Opening one only shows what it would do, because mail scanners open
//! every link; the button does it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::App;
use crate::arrival::Arrival;
use crate::email_link;
use crate::form;
use crate::identity::{Code, Mode, Refusal};
use crate::refused;
use crate::session::Visitor;
use crate::templates::{self, ActionPage, DonePage};

mod words;

/// `GET /auth/action`: looks at the code, which does not use it.
pub(crate) async fn show(
    State(app): State<App>,
    arrival: Arrival,
    headers: HeaderMap,
    link: Result<Query<Link>, QueryRejection>,
) -> Response {
    let code = link.map(|Query(link)| link.code).unwrap_or_default();
    let outcome = arrival.within(look(&app, &code)).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok((Mode::SignIn, _)) => email_link::arrive(&app, &arrival, &headers, &code),
        Ok((mode, found)) => page(&app, &arrival, mode, &found, &code, None).await,
        Err(refusal) => failed(&arrival, &refusal),
    }
}

/// `POST /auth/action`.
pub(crate) async fn act(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    request: Request,
) -> Response {
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, None),
    };
    let outcome = arrival.within(attempt(&app, &arrival, &fields)).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(mode) => done(&app, &arrival, visitor, mode).await,
        Err(refusal) if refusal.is_about_the_password() => {
            match arrival.within(look(&app, &fields.code)).await {
                Ok(Ok((mode, found))) => {
                    page(&app, &arrival, mode, &found, &fields.code, Some(&refusal)).await
                }
                _ => failed(&arrival, &refusal),
            }
        }
        Err(refusal) => failed(&arrival, &refusal),
    }
}

async fn look(app: &App, code: &str) -> Result<(Mode, Code), Refusal> {
    if code.is_empty() {
        return Err(Refusal::LinkOver);
    }
    let found = app.identity.look(code).await?;
    Ok((found.mode().ok_or(Refusal::LinkOver)?, found))
}

/// Does what the code stands for, whatever the form says about it.
async fn attempt(app: &App, arrival: &Arrival, fields: &Fields) -> Result<Mode, Refusal> {
    app.limits.post(arrival.client)?;
    let (mode, _) = look(app, &fields.code).await?;
    match mode {
        Mode::ResetPassword => {
            app.identity.password_policy().await.check(&fields.password)?;
            app.identity
                .reset_password(&fields.code, &fields.password)
                .await?;
        }
        Mode::SignIn => return Err(Refusal::LinkOver),
        _ => app.identity.apply(&fields.code).await?,
    }
    Ok(mode)
}

async fn page(
    app: &App,
    arrival: &Arrival,
    mode: Mode,
    found: &Code,
    code: &str,
    refusal: Option<&Refusal>,
) -> Response {
    let t = arrival.words();
    let words = words::of(mode, t);
    let policy = match mode {
        Mode::ResetPassword => Some(app.identity.password_policy().await),
        _ => None,
    };
    let page = templates::html(&ActionPage {
        t,
        title: words.title,
        what: words.what,
        button: words.button,
        email: &found.email,
        new_email: &found.new_email,
        code,
        shortest: policy.as_ref().map_or(0, |policy| policy.shortest),
        rules: policy.map(|policy| policy.rules()),
        problem: refusal.map(|refusal| refusal.problem(t)),
    });
    match refusal {
        Some(refusal) => refused::with(refusal, page),
        None => page,
    }
}

/// What was done. The ID token of a browser that is signed in may still say the opposite: it gets a new one.
async fn done(app: &App, arrival: &Arrival, visitor: Visitor, mode: Mode) -> Response {
    let t = arrival.words();
    let words = words::of(mode, t);
    let page = templates::html(&DonePage {
        t,
        title: words.done,
        what: words.then,
        link: ("/", t.go_on),
        alarm: false,
    });
    match visitor {
        Visitor::SignedIn(user) if mode == Mode::VerifyEmail => {
            let user = user.refreshed(app, arrival).await;
            user.attach(app, arrival, page)
        }
        _ => page,
    }
}

/// Why a link does nothing, and how to get another.
fn failed(arrival: &Arrival, refusal: &Refusal) -> Response {
    let t = arrival.words();
    let problem = refusal.problem(t);
    let page = templates::html(&DonePage {
        t,
        title: problem.title,
        what: &problem.text,
        link: match refusal {
            Refusal::LinkOver => ("/reset-password", t.link_new_mail),
            _ => ("/", t.to_start),
        },
        alarm: true,
    });
    refused::with(refusal, page).into_response()
}

/// What is read of a link: `mode`, `apiKey` and `lang` say nothing that the code does not.
#[derive(Deserialize)]
pub(crate) struct Link {
    #[serde(rename = "oobCode", default)]
    code: String,
}

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "oobCode", default)]
    code: String,
    #[serde(default)]
    password: String,
}
