//! The start page: the form for strangers, the secret message for users.

use axum::extract::State;
use axum::response::Response;

use crate::App;
use crate::api::Topology;
use crate::arrival::Arrival;
use crate::session::{SignedIn, Visitor};
use crate::sign_in;
use crate::templates::{self, HomePage};
use crate::words::Words;

/// `GET /`.
pub(crate) async fn page(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    match visitor {
        Visitor::SignedIn(user) => message(&app, &arrival, &user).await,
        Visitor::SignedOut(out) => sign_in::form(&app, &arrival, &out, "/"),
        Visitor::Undecided(failure) => failure.page(&app, &arrival, None),
    }
}

/// Asks the backend in the user's name and shows what it says, or why it could not be asked.
async fn message(app: &App, arrival: &Arrival, user: &SignedIn) -> Response {
    let email = &user.session.email;
    let page = match app.api.secret_message(&user.session, arrival).await {
        Ok(message) => templates::html(&HomePage {
            t: arrival.words(),
            email,
            message: &message,
            hops: hops(arrival.words(), app.api.topology()),
            demo: app.config.emulator.is_some(),
            trace: &arrival.trace.trace_id(),
        }),
        Err(failure) => failure.page(app, arrival, Some(email)),
    };
    user.attach(app, arrival, page)
}

/// What every hop of the way checked, for "How did this get here?".
fn hops(t: &'static Words, topology: Topology) -> &'static [(&'static str, &'static str)] {
    match topology {
        Topology::Private => &t.hops_private,
        Topology::Gke => &t.hops_gke,
    }
}
