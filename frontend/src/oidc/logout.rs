//! The way out at the provider, too (OpenID Connect RP-Initiated Logout 1.0): offered after the sign-out
//! here, as a form, because an ID token has no place in a URL.

use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::flow::origin;
use crate::App;
use crate::arrival::Arrival;
use crate::guard::FormAction;
use crate::templates::{self, LogoutPage};
use crate::words::fill;

/// The page, for a session of a provider that knows such a thing.
pub(crate) async fn offer(app: &App, arrival: &Arrival, headers: &HeaderMap, uri: &Uri) -> Option<Response> {
    let session = app.sessions.peek(headers, arrival)?;
    let provider = app.providers.get(session.provider.as_deref()?)?;
    let found = arrival.within(provider.found()).await.ok()?.ok()?;
    let end = &found.about.end_session_endpoint.as_ref()?.0;
    let (t, name) = (arrival.words(), &provider.config.name);
    let mut response = templates::html(&LogoutPage {
        t,
        what: &fill(t.signed_out_here.1, name),
        button: &fill(t.sign_out_there, name),
        end: end.as_str(),
        id_token: &session.id_token,
        client: &provider.config.client_id,
        back: &format!("{}/", origin(app, arrival, headers, uri)),
    });
    let there = FormAction(end.origin().ascii_serialization());
    response.extensions_mut().insert(there);
    Some(response)
}
