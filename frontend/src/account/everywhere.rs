//! Signing out everywhere: a lost telephone, a browser in a library.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::{PATH, failed, user};
use crate::App;
use crate::arrival::Arrival;
use crate::error::Failure;
use crate::session::{self, Visitor};
use crate::templates::{self, DonePage};

/// `POST /account/sign-out`. It ends this browser's session, too: so nobody has to know which is which.
pub(crate) async fn sign_out(
    State(app): State<App>,
    arrival: Arrival,
    headers: HeaderMap,
    visitor: Visitor,
) -> Response {
    let user = match user(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let Some(admin) = &app.admin else {
        return Failure::NotFound.page(&app, &arrival, Some(&user.session.email));
    };
    let call = admin.end_sessions(user.session.subject(), app.now());
    let outcome = arrival.within(call).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => {
            let t = arrival.words();
            let done = templates::html(&DonePage {
                t,
                title: t.signed_out_everywhere.0,
                what: t.signed_out_everywhere.1,
                link: ("/", t.sign_in_again),
                alarm: false,
            });
            session::signed_out(&app, &arrival, &headers, done)
        }
        Err(refusal) => failed(&app, &arrival, &user, &refusal).into_response(),
    }
}
