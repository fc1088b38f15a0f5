//! The address has an account already, and the provider has not verified that it is the user's. Whoever shows
//! that the account is theirs, by its password or another of its providers, connects the two; nobody else gets in,
//! or a provider that checks no addresses would open every account.
//!
//! What waits for it is in an encrypted cookie of ten minutes.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::{buttons, name};
use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{Confirmation, Entrance, Pending, Refusal, Return};
use crate::oidc::flow::failed;
use crate::refused;
use crate::second_step;
use crate::session::{self, Session, Visitor, pocket};
use crate::templates::{self, ConnectPage};

/// What waits until the account's owner is known.
#[derive(Serialize, Deserialize)]
struct Waiting {
    provider: String,
    pending_token: String,
    email: String,
    /// The providers that the account has.
    verified: Vec<String>,
    redirect: String,
    next: String,
}

/// The answer to a return that asks whose the account is.
pub(super) fn begin(app: &App, arrival: &Arrival, attempt: &Attempt, question: Confirmation) -> Response {
    let waiting = Waiting {
        provider: attempt.provider.clone(),
        pending_token: question.pending_token,
        email: question.email,
        verified: question.verified,
        redirect: attempt.redirect.clone(),
        next: attempt.next.clone(),
    };
    let mut response = Redirect::to(PATH).into_response();
    pocket::put(app, arrival, &mut response, LABEL, waiting);
    response
}

/// `GET /sign-in/federated/connect`.
pub(crate) async fn form(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    match pocket::get::<Waiting>(&app, &arrival, &headers, LABEL) {
        Some(waiting) => {
            let proved = owner(&app, &visitor, &waiting).is_some();
            page(&app, &arrival, &waiting, proved, None)
        }
        None => Redirect::to("/").into_response(),
    }
}

/// `POST /sign-in/federated/connect`.
pub(crate) async fn connect(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let Some(waiting) = pocket::get::<Waiting>(&app, &arrival, &headers, LABEL) else {
        return Redirect::to("/").into_response();
    };
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, None),
    };
    let owner = owner(&app, &visitor, &waiting);
    let outcome = arrival
        .within(attempt(&app, &arrival, &waiting, owner, &fields.password))
        .await;
    let mut response = match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(Step::Done(session)) => {
            let next = Redirect::to(form::local_path(&waiting.next));
            session::begun(&app, &arrival, session, next)
                .unwrap_or_else(|failure| failure.page(&app, &arrival, None))
        }
        // what waits is kept: after the second step the page needs nothing but a click
        Ok(Step::Second(pending)) => {
            return second_step::begin(&app, &arrival, pending, &waiting.email, PATH);
        }
        // the provider's word is over or belongs to somebody: no password helps
        Err(refusal @ (Refusal::ProviderFailed | Refusal::AlreadyLinked)) => failed(&arrival, &refusal),
        Err(refusal) => {
            let again = page(&app, &arrival, &waiting, owner.is_some(), Some(&refusal));
            return refused::with(&refusal, again);
        }
    };
    for label in pocket::labels(&arrival, &headers, LABEL) {
        pocket::empty(&arrival, &mut response, &label);
    }
    response
}

/// What the right password leads to.
enum Step {
    Done(Session),
    Second(Pending),
}

async fn attempt(
    app: &App,
    arrival: &Arrival,
    waiting: &Waiting,
    owner: Option<&Session>,
    password: &str,
) -> Result<Step, Refusal> {
    let email = &waiting.email;
    let id_token = match owner {
        Some(session) => {
            app.limits.post(arrival.client)?;
            session.id_token.clone()
        }
        None if password.is_empty() => return Err(Refusal::MissingPassword),
        None => {
            app.limits.attempt(email, arrival.client)?;
            match app.identity.sign_in(email, password).await? {
                Entrance::Open(tokens) => tokens.id,
                Entrance::SecondStep(pending) => return Ok(Step::Second(pending)),
            }
        }
    };
    app.verifier.verify(&id_token).await?;
    app.limits.succeeded(email);
    let provider = (waiting.provider.as_str(), waiting.redirect.as_str());
    let connected = app.identity.connect(&id_token, &waiting.pending_token, provider);
    match connected.await? {
        Return::Entered(Entrance::Open(tokens), _) => {
            let user = app.verifier.verify(&tokens.id).await?;
            Ok(Step::Done(Session::begin(tokens, user, email, app.now())))
        }
        Return::Entered(Entrance::SecondStep(pending), _) => Ok(Step::Second(pending)),
        Return::Confirm(_) => Err(Refusal::ProviderFailed),
    }
}

/// The account's owner, who has signed in a moment ago in another way.
fn owner<'a>(app: &App, visitor: &'a Visitor, waiting: &Waiting) -> Option<&'a Session> {
    let Visitor::SignedIn(user) = visitor else {
        return None;
    };
    let session = &user.session;
    let same = session.provider.is_none() && session.email.eq_ignore_ascii_case(&waiting.email);
    (same && session.is_recent(app.now())).then_some(session)
}

fn page(
    app: &App,
    arrival: &Arrival,
    waiting: &Waiting,
    proved: bool,
    refusal: Option<&Refusal>,
) -> Response {
    let others = buttons(&app.config);
    let others: Vec<_> = others
        .into_iter()
        .filter(|(id, _)| *id != waiting.provider && waiting.verified.iter().any(|has| has == id))
        .collect();
    // Identity Platform need not name the password, so it is left out only where something else is offered
    let named = waiting.verified.iter().any(|way| way == "password");
    templates::html(&ConnectPage {
        t: arrival.words(),
        email: &waiting.email,
        name: name(&app.config, &waiting.provider).unwrap_or(&waiting.provider),
        proved,
        with_password: named || others.is_empty(),
        others,
        path: PATH,
        problem: refusal.map(|refusal| refusal.problem(arrival.words())),
    })
}

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    password: String,
}

const PATH: &str = "/sign-in/federated/connect";
/// The label of the cookie.
const LABEL: &str = "connect";
