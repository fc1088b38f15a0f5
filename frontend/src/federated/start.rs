//! The way there.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::attempt::{self, Attempt};
use super::{CALLBACK, name};
use crate::App;
use crate::arrival::Arrival;
use crate::error::Failure;
use crate::form;
use crate::identity::Refusal;
use crate::oidc::attempt as attempts;
use crate::oidc::flow::{failed, origin};

/// `GET /sign-in/federated/{id}`: a link and not a form, because browsers apply `form-action` to where a
/// form's answer leads. Whoever makes somebody else follow it has started an attempt and nothing else.
pub(crate) async fn start(
    State(app): State<App>,
    arrival: Arrival,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let begun = Beginning {
        provider: &id,
        next: form::local_path(&asked.next),
        adds_to: None,
    };
    begin(&app, &arrival, &headers, &uri, begun).await
}

/// What an attempt is for.
pub(crate) struct Beginning<'a> {
    pub(crate) provider: &'a str,
    pub(crate) next: &'a str,
    /// The user who adds the provider.
    pub(crate) adds_to: Option<&'a str>,
}

/// Sends the browser to the provider.
pub(crate) async fn begin(
    app: &App,
    arrival: &Arrival,
    headers: &HeaderMap,
    uri: &Uri,
    begun: Beginning<'_>,
) -> Response {
    if name(&app.config, begun.provider).is_none() {
        return Failure::NotFound.page(app, arrival, None);
    }
    let Some(session) = attempts::random() else {
        return Failure::NoRandomness.page(app, arrival, None);
    };
    let redirect = format!("{}{CALLBACK}", origin(app, arrival, headers, uri));
    let call = async {
        app.limits.post(arrival.client)?;
        let there = app.identity.way(begun.provider, &redirect, &session).await?;
        attempt::way(&app.config, &there)
    };
    let way = arrival.within(call).await;
    let (url, state) = match way.map_err(Refusal::from).and_then(|way| way) {
        Ok(way) => way,
        Err(refusal) => return failed(arrival, &refusal),
    };
    let attempt = Attempt {
        provider: begun.provider.to_owned(),
        state: state.clone(),
        session,
        redirect,
        next: begun.next.to_owned(),
        adds_to: begun.adds_to.map(str::to_owned),
    };
    let mut response = Redirect::to(url.as_str()).into_response();
    attempts::keep(app, arrival, headers, &mut response, &state, attempt);
    response
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}
