//! The second step of a sign-in: the code that the user's app shows. What the first step yielded waits in
//! an encrypted cookie; nobody is signed in before the second.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{Pending, Refusal};
use crate::refused;
use crate::session::{self, Session, pocket};
use crate::templates::{self, CodePage};

/// What waits for the code.
#[derive(Serialize, Deserialize)]
struct Waiting {
    pending: Pending,
    email: String,
    next: String,
}

/// The answer to a right password of an account with a second step.
pub(crate) fn begin(app: &App, arrival: &Arrival, pending: Pending, email: &str, next: &str) -> Response {
    let mut response = Redirect::to(PATH).into_response();
    let waiting = Waiting {
        pending,
        email: email.to_owned(),
        next: next.to_owned(),
    };
    pocket::put(app, arrival, &mut response, pocket::STEP, waiting);
    response
}

/// `GET /sign-in/code`.
pub(crate) async fn form(State(app): State<App>, arrival: Arrival, headers: HeaderMap) -> Response {
    match pocket::get::<Waiting>(&app, &arrival, &headers, pocket::STEP) {
        Some(waiting) => page(&arrival, &waiting, None),
        None => Redirect::to("/").into_response(),
    }
}

/// `POST /sign-in/code`.
pub(crate) async fn check(
    State(app): State<App>,
    arrival: Arrival,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let Some(waiting) = pocket::get::<Waiting>(&app, &arrival, &headers, pocket::STEP) else {
        return Redirect::to("/").into_response();
    };
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, None),
    };
    let outcome = arrival.within(attempt(&app, &arrival, &waiting, &fields)).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(session) => {
            let next = Redirect::to(form::local_path(&waiting.next));
            let mut response = session::begun(&app, &arrival, session, next)
                .unwrap_or_else(|failure| failure.page(&app, &arrival, None));
            pocket::empty(&arrival, &mut response, pocket::STEP);
            response
        }
        Err(refusal) => refused::with(&refusal, page(&arrival, &waiting, Some(&refusal))),
    }
}

async fn attempt(
    app: &App,
    arrival: &Arrival,
    waiting: &Waiting,
    fields: &Fields,
) -> Result<Session, Refusal> {
    app.limits.attempt(&waiting.email, arrival.client)?;
    let tokens = app
        .identity
        .second_step(&waiting.pending, &fields.digits()?)
        .await?;
    let user = app.verifier.verify(&tokens.id).await?;
    app.limits.succeeded(&waiting.email);
    Ok(Session::begin(tokens, user, &waiting.email, app.now()))
}

fn page(arrival: &Arrival, waiting: &Waiting, refusal: Option<&Refusal>) -> Response {
    templates::html(&CodePage {
        t: arrival.words(),
        email: &waiting.email,
        over: matches!(refusal, Some(Refusal::StepTooOld)),
        problem: refusal.map(|refusal| refusal.problem(arrival.words())),
    })
}

/// What a form with a code sends.
#[derive(Deserialize)]
pub(crate) struct Fields {
    #[serde(default)]
    code: String,
}

impl Fields {
    /// Apps show codes in groups, so people type spaces.
    pub(crate) fn digits(&self) -> Result<String, Refusal> {
        let digits: String = self.code.chars().filter(|c| !c.is_whitespace()).collect();
        match (4..=10).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
            true => Ok(digits),
            false => Err(Refusal::WrongCode),
        }
    }
}

const PATH: &str = "/sign-in/code";
