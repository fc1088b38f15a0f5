//! The start page: the form for strangers, the secret message for users.

use axum::extract::State;
use axum::response::Response;

use crate::App;
use crate::api::Topology;
use crate::arrival::Arrival;
use crate::session::{SignedIn, Visitor};
use crate::sign_in;
use crate::templates::{self, HomePage, Hop};

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
            email,
            message: &message,
            hops: hops(app.api.topology()),
            demo: app.config.emulator.is_some(),
            trace: &arrival.trace.trace_id(),
        }),
        Err(failure) => failure.page(app, arrival, Some(email)),
    };
    user.attach(app, arrival, page)
}

/// What every hop of the way checked, for "How did this get here?".
fn hops(topology: Topology) -> &'static [Hop] {
    match topology {
        Topology::Private => &PRIVATE,
        Topology::Gke => &GKE,
    }
}

static PRIVATE: [Hop; 5] = [
    Hop {
        name: "This front end, on Cloud Run",
        checked: "opened your encrypted session cookie. When you signed in it verified your ID token: signature, \
                  issuer, audience, expiry.",
    },
    Hop {
        name: "Cloud Run’s front door",
        checked: "checked this front end’s own token, signed by Google for its service account: no other service, \
                  and nobody on the internet, may call the proxy.",
    },
    Hop {
        name: "The proxy, on Cloud Run",
        checked: "took that token off, showed its client certificate and made sure of the gateway’s name: mutual \
                  TLS 1.3.",
    },
    Hop {
        name: "Istio’s ingress gateway, on GKE",
        checked: "accepted that certificate and no other of the same authority, verified your ID token once more, \
                  and asked its policy whether you may read this path.",
    },
    Hop {
        name: "The backend, on GKE",
        checked: "answered. It has no authentication code: the mesh lets nobody but the gateway reach it.",
    },
];

static GKE: [Hop; 3] = [
    Hop {
        name: "This front end, on GKE",
        checked: "opened your encrypted session cookie. When you signed in it verified your ID token: signature, \
                  issuer, audience, expiry. Then it called the public gateway as any client would.",
    },
    Hop {
        name: "Istio’s ingress gateway, on GKE",
        checked: "verified your ID token once more and asked its policy whether you may read this path. The \
                  browser’s own calls to /api/ meet the same policy.",
    },
    Hop {
        name: "The backend, on GKE",
        checked: "answered. It has no authentication code: the mesh lets nobody but the gateway reach it.",
    },
];
