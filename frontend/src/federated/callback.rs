//! The way back: what the provider sent the browser with goes to Identity Platform, whole, and its answer is
//! an entrance, a question or a no.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::attempt::Attempt;
use super::connect;
use crate::App;
use crate::arrival::Arrival;
use crate::identity::{Confirmation, Entrance, Pending, Refusal, Return, Returned};
use crate::oidc::attempt as attempts;
use crate::oidc::flow::failed;
use crate::second_step;
use crate::session::{self, Session, Visitor};
use crate::sign_in;

/// `GET /sign-in/federated/callback`.
pub(crate) async fn callback(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    answer: Result<Query<Answer>, QueryRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let answer = answer.map(|Query(answer)| answer).unwrap_or_default();
    let attempt: Option<Attempt> = attempts::take(&app, &arrival, &headers, &answer.state);
    let Some(attempt) = attempt.filter(|attempt| attempt.state == answer.state) else {
        return failed(&arrival, &Refusal::StepTooOld); // another browser's, an old one, or nobody's
    };
    let query = uri.query().unwrap_or_default();
    let mut response = match answer.error.as_str() {
        "" => returned(&app, &arrival, visitor, &attempt, query).await,
        error if CANCELLED.contains(&error) => cancelled(&app, &arrival, &attempt),
        _ => {
            tracing::warn!("a sign-in with {} came back with an error", attempt.provider);
            failed(&arrival, &Refusal::ProviderFailed)
        }
    };
    attempts::forget(&arrival, &mut response, &answer.state);
    response
}

/// What the return leads to.
enum Step {
    Done(Session),
    Second(Pending, String),
    Confirm(Confirmation),
}

async fn returned(
    app: &App,
    arrival: &Arrival,
    visitor: Visitor,
    attempt: &Attempt,
    query: &str,
) -> Response {
    let outcome = arrival
        .within(finish(app, arrival, visitor, attempt, query))
        .await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(Step::Done(session)) => session::begun(app, arrival, session, Redirect::to(&attempt.next))
            .unwrap_or_else(|failure| failure.page(app, arrival, None)),
        Ok(Step::Second(pending, email)) => second_step::begin(app, arrival, pending, &email, &attempt.next),
        Ok(Step::Confirm(question)) => connect::begin(app, arrival, attempt, question),
        Err(refusal) => failed(arrival, &refusal),
    }
}

async fn finish(
    app: &App,
    arrival: &Arrival,
    visitor: Visitor,
    attempt: &Attempt,
    query: &str,
) -> Result<Step, Refusal> {
    app.limits.post(arrival.client)?;
    let adding = match &attempt.adds_to {
        Some(subject) => Some(same_user(visitor, subject)?),
        None => None,
    };
    let returned = Returned {
        provider: &attempt.provider,
        uri: &format!("{}?{query}", attempt.redirect),
        session: &attempt.session,
        id_token: adding.as_ref().map(|session| session.id_token.as_str()),
    };
    let (tokens, email) = match app.identity.returned(&returned).await? {
        Return::Entered(Entrance::Open(tokens), email) => (tokens, email),
        Return::Entered(Entrance::SecondStep(pending), email) => return Ok(Step::Second(pending, email)),
        Return::Confirm(question) => return Ok(Step::Confirm(question)),
    };
    let user = app.verifier.verify(&tokens.id).await?;
    if adding
        .as_ref()
        .is_some_and(|session| session.subject() != user.subject)
    {
        return Err(Refusal::Untrusted(
            "it is not of the user who adds the provider".to_owned(),
        ));
    }
    Ok(Step::Done(match adding {
        // a provider more is no new sign-in: the session stays as old as it is
        Some(session) => session.continued(tokens, user, app.now()),
        None => Session::begin(tokens, user, &email, app.now()),
    }))
}

/// Who began to add a provider has to be who is signed in now.
fn same_user(visitor: Visitor, subject: &str) -> Result<Session, Refusal> {
    match visitor {
        Visitor::SignedIn(user) if user.session.provider.is_none() && user.session.subject() == subject => {
            Ok(user.session)
        }
        _ => Err(Refusal::SessionOver),
    }
}

/// Somebody who changed their mind is told nothing of an error.
fn cancelled(app: &App, arrival: &Arrival, attempt: &Attempt) -> Response {
    match attempt.adds_to {
        Some(_) => Redirect::to(&attempt.next).into_response(),
        None => sign_in::cancelled(app, arrival, &attempt.next),
    }
}

/// What a provider sends back. Its code is not read here.
#[derive(Default, Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
}

/// OAuth's word, and LinkedIn's own.
const CANCELLED: [&str; 3] = [
    "access_denied",
    "user_cancelled_login",
    "user_cancelled_authorize",
];
