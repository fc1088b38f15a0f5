//! There and back: the way to the provider, and what it sends the browser back with.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::attempt::{self, Attempt};
use super::{Provider, Trouble};
use crate::App;
use crate::arrival::Arrival;
use crate::error::Failure;
use crate::form;
use crate::guard;
use crate::identity::Refusal;
use crate::refused;
use crate::session::{self, Session};
use crate::templates::{self, DonePage};

/// `GET /sign-in/with/{id}`: a link and not a form, because browsers apply `form-action` to where a form's
/// answer leads. Whoever makes somebody else follow it has started an attempt and nothing else.
pub(crate) async fn start(
    State(app): State<App>,
    arrival: Arrival,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(provider) = app.providers.get(&id) else {
        return Failure::NotFound.page(&app, &arrival, None);
    };
    let redirect = format!(
        "{}/sign-in/with/{id}/callback",
        origin(&app, &arrival, &headers, &uri)
    );
    let Some(attempt) = Attempt::new(&id, redirect, form::local_path(&asked.next)) else {
        return Failure::NoRandomness.page(&app, &arrival, None);
    };
    let way = arrival.within(provider.way(&attempt)).await;
    match way
        .map_err(Refusal::from)
        .and_then(|way| way.map_err(Refusal::from))
    {
        Ok(way) => {
            let mut response = Redirect::to(&way).into_response();
            attempt.begin(&app, &arrival, &headers, &mut response);
            response
        }
        Err(refusal) => failed(&arrival, &refusal),
    }
}

/// `GET /sign-in/with/{id}/callback`.
pub(crate) async fn callback(
    State(app): State<App>,
    arrival: Arrival,
    Path(id): Path<String>,
    answer: Result<Query<Answer>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let Some(provider) = app.providers.get(&id) else {
        return Failure::NotFound.page(&app, &arrival, None);
    };
    let answer = answer.map(|Query(answer)| answer).unwrap_or_default();
    let attempt = Attempt::end(&app, &arrival, &headers, &answer.state, &id);
    let Some(attempt) = attempt else {
        return failed(&arrival, &Refusal::StepTooOld); // another browser's, an old one, or nobody's
    };
    let outcome = arrival
        .within(finish(&app, &arrival, provider, &attempt, &answer))
        .await;
    let mut response = match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(session) => session::begun(&app, &arrival, session, Redirect::to(&attempt.next))
            .unwrap_or_else(|failure| failure.page(&app, &arrival, None)),
        Err(refusal) => failed(&arrival, &refusal),
    };
    attempt::forget(&arrival, &mut response, &answer.state);
    response
}

async fn finish(
    app: &App,
    arrival: &Arrival,
    provider: &Provider,
    attempt: &Attempt,
    answer: &Answer,
) -> Result<Session, Refusal> {
    app.limits.post(arrival.client)?;
    provider.judge(answer).await?;
    let (grant, user) = provider.exchange(attempt, &answer.code).await?;
    Ok(Session::begin_with(&provider.config.id, grant, user, app.now()))
}

impl Provider {
    /// The address to which the browser goes.
    async fn way(&self, attempt: &Attempt) -> Result<String, Trouble> {
        let mut url = self.found().await?.about.authorization_endpoint.0.clone();
        url.query_pairs_mut()
            .extend_pairs(&self.config.parameters)
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &attempt.redirect)
            .append_pair("scope", &self.config.scope)
            .append_pair("state", &attempt.state)
            .append_pair("nonce", &attempt.nonce)
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Whether the answer is this provider's (RFC 9207) and a code.
    async fn judge(&self, answer: &Answer) -> Result<(), Trouble> {
        let about = &self.found().await?.about;
        match &answer.iss {
            Some(iss) if *iss != self.config.issuer => {
                return Err(self.refused("the answer is another issuer's (iss, RFC 9207)"));
            }
            None if about.authorization_response_iss_parameter_supported => {
                return Err(self.refused("the answer lacks its iss (RFC 9207)"));
            }
            _ => {}
        }
        match (answer.error.is_empty(), answer.code.is_empty()) {
            (true, false) => Ok(()),
            // what it says may be anybody's text: only letters of the registered words are logged
            _ => Err(self.refused(&format!("it answers {:?} instead of a code", word(&answer.error)))),
        }
    }
}

fn word(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_lowercase() || *c == '_')
        .take(40)
        .collect()
}

/// Where browsers reach us.
pub(crate) fn origin(app: &App, arrival: &Arrival, headers: &HeaderMap, uri: &Uri) -> String {
    if let Some(origin) = &app.config.public_url {
        return origin.clone();
    }
    let scheme = if arrival.https { "https" } else { "http" };
    format!(
        "{scheme}://{}",
        guard::authority(headers, uri).unwrap_or_default()
    )
}

/// The page of an attempt that came to nothing.
pub(crate) fn failed(arrival: &Arrival, refusal: &Refusal) -> Response {
    let t = arrival.words();
    let problem = refusal.problem(t);
    let page = templates::html(&DonePage {
        t,
        title: problem.title,
        what: &problem.text,
        link: ("/", t.start_again),
        alarm: true,
    });
    refused::with(refusal, page)
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

/// What a provider sends back.
#[derive(Default, Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
    iss: Option<String>,
}
