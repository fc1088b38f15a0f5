//! The providers with which a user can sign in: added and removed, never the last way in.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{failed, recent, show};
use crate::App;
use crate::arrival::Arrival;
use crate::federated;
use crate::federated::start::{Beginning, begin};
use crate::form;
use crate::guard;
use crate::identity::{Profile, Refusal};
use crate::session::Visitor;

/// A provider on the account's page.
pub(crate) struct Way<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) connected: bool,
}

/// All that are offered, and whether the account has them.
pub(super) fn ways<'a>(app: &'a App, profile: &Profile) -> Vec<Way<'a>> {
    let all = federated::buttons(&app.config).into_iter();
    let ways = all.map(|(id, name)| Way {
        id,
        name,
        connected: profile.has(id),
    });
    ways.collect()
}

/// `GET /account/providers/{id}`: a link, as that of a sign-in is. Here it counts who made somebody follow it:
/// another site could have its own user at the provider connected with this account.
pub(crate) async fn add(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !guard::from_our_pages(&headers) {
        return Redirect::to(PATH).into_response();
    }
    let user = match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let begun = Beginning {
        provider: &id,
        next: PATH,
        adds_to: Some(user.session.subject()),
    };
    let response = begin(&app, &arrival, &headers, &uri, begun).await;
    user.attach(&app, &arrival, response)
}

/// `POST /account/providers/remove`.
pub(crate) async fn remove(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    request: Request,
) -> Response {
    let user = match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let fields = match form::read::<Which>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, Some(&user.session.email)),
    };
    let call = async {
        app.limits.post(arrival.client)?;
        let profile = app.identity.profile(&user.session.id_token).await?;
        if !another_way(&app, &profile, &fields.id) {
            return Err(Refusal::LastWayIn);
        }
        app.identity.disconnect(&user.session.id_token, &fields.id).await
    };
    let outcome = arrival.within(call).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => user.attach(&app, &arrival, Redirect::to(PATH)),
        Err(refusal @ Refusal::LastWayIn) => show(&app, &arrival, &user, Some(&refusal)).await,
        Err(refusal) => failed(&app, &arrival, &user, &refusal),
    }
}

/// Whether the account has a way in besides, of those that this site offers. What is no provider of an account
/// (the password, a telephone) is not taken off here.
fn another_way(app: &App, profile: &Profile, id: &str) -> bool {
    let mut offered = app.config.identity_providers.iter();
    let ours = |way: &str| way != id && profile.has(way);
    federated::name(&app.config, id).is_some()
        && (ours("password") || offered.any(|provider| ours(&provider.id)))
}

/// What the form sends.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    id: String,
}

const PATH: &str = "/account";
