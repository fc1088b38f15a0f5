//! A new password for somebody who is signed in. It ends every other session of the account.

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;

use super::{failed, once_more, recent};
use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{PasswordPolicy, Refusal};
use crate::refused;
use crate::session::{self, Session, SignedIn, Visitor};
use crate::templates::{self, DonePage, PasswordPage};

/// `GET /account/password`.
pub(crate) async fn form(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => {
            let policy = app.identity.password_policy().await;
            user.attach(&app, &arrival, page(&arrival, &user, &policy, None))
        }
        Err(answer) => *answer,
    }
}

/// `POST /account/password`.
pub(crate) async fn change(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    request: Request,
) -> Response {
    let user = match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, Some(&user.session.email)),
    };
    let policy = app.identity.password_policy().await;
    let outcome = arrival
        .within(attempt(&app, &user.session, &policy, &fields.password))
        .await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(session) => {
            let t = arrival.words();
            let done = templates::html(&DonePage {
                t,
                title: t.password_changed.0,
                what: t.password_changed.1,
                link: ("/account", t.to_account),
                alarm: false,
            });
            session::begun(&app, &arrival, session, done)
                .unwrap_or_else(|failure| failure.page(&app, &arrival, None))
        }
        Err(Refusal::SignInTooOld) => once_more(&app, &arrival, &user, PATH),
        Err(refusal) if refusal.is_about_the_password() => {
            let again = refused::with(&refusal, page(&arrival, &user, &policy, Some(&refusal)));
            user.attach(&app, &arrival, again)
        }
        Err(refusal) => failed(&app, &arrival, &user, &refusal),
    }
}

/// The session goes on with the tokens that the new password brings.
async fn attempt(
    app: &App,
    session: &Session,
    policy: &PasswordPolicy,
    password: &str,
) -> Result<Session, Refusal> {
    policy.check(password)?;
    let tokens = app.identity.set_password(&session.id_token, password).await?;
    let user = app.verifier.verify(&tokens.id).await?;
    Ok(Session::begin(tokens, user, &session.email, app.now()))
}

fn page(arrival: &Arrival, user: &SignedIn, policy: &PasswordPolicy, refusal: Option<&Refusal>) -> Response {
    templates::html(&PasswordPage {
        t: arrival.words(),
        email: &user.session.email,
        rules: policy.rules(),
        shortest: policy.shortest,
        problem: refusal.map(|refusal| refusal.problem(arrival.words())),
    })
}

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    password: String,
}

const PATH: &str = "/account/password";
