//! The end of an account: a page that says what it means, and the button.

use axum::extract::State;
use axum::response::Response;

use super::{failed, once_more, recent};
use crate::App;
use crate::arrival::Arrival;
use crate::identity::Refusal;
use crate::session::{self, Visitor};
use crate::templates::{self, DeletePage, DonePage};

/// `GET /account/delete`.
pub(crate) async fn form(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => {
            let page = templates::html(&DeletePage {
                t: arrival.words(),
                email: &user.session.email,
            });
            user.attach(&app, &arrival, page)
        }
        Err(answer) => *answer,
    }
}

/// `POST /account/delete`.
pub(crate) async fn delete(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    let user = match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let outcome = arrival.within(app.identity.delete(&user.session.id_token)).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => {
            let t = arrival.words();
            let done = templates::html(&DonePage {
                t,
                title: t.deleted.0,
                what: t.deleted.1,
                link: ("/", t.to_start),
                alarm: false,
            });
            session::ended(&app, &arrival, done)
        }
        Err(Refusal::SignInTooOld) => once_more(&app, &arrival, &user, PATH),
        Err(refusal) => failed(&app, &arrival, &user, &refusal),
    }
}

const PATH: &str = "/account/delete";
