//! A new password for somebody who is signed in, which ends every other session of the account; or the first one,
//! for whoever came with another provider and has none.

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;

use super::{failed, once_more, recent};
use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{PasswordPolicy, Profile, Refusal};
use crate::refused;
use crate::session::{self, Session, Visitor};
use crate::templates::{self, DonePage, PasswordPage};

/// `GET /account/password`.
pub(crate) async fn form(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    let user = match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let call = app.identity.profile(&user.session.id_token);
    let outcome = arrival.within(call).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(profile) => {
            let policy = app.identity.password_policy().await;
            user.attach(&app, &arrival, page(&arrival, &profile, &policy, None))
        }
        Err(refusal) => failed(&app, &arrival, &user, &refusal),
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
    let call = async {
        let profile = app.identity.profile(&user.session.id_token).await?;
        let session = attempt(&app, &user.session, &profile, &policy, &fields.password).await;
        Ok((profile, session))
    };
    let outcome = arrival.within(call).await;
    let (profile, session) = match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok((profile, Ok(session))) => (profile, session),
        Ok((profile, Err(refusal))) if refusal.is_about_the_password() => {
            let again = page(&arrival, &profile, &policy, Some(&refusal));
            return user.attach(&app, &arrival, refused::with(&refusal, again));
        }
        Err(Refusal::SignInTooOld) | Ok((_, Err(Refusal::SignInTooOld))) => {
            return once_more(&app, &arrival, &user, PATH);
        }
        Err(refusal) | Ok((_, Err(refusal))) => return failed(&app, &arrival, &user, &refusal),
    };
    session::begun(&app, &arrival, session, done(&arrival, &profile))
        .unwrap_or_else(|failure| failure.page(&app, &arrival, None))
}

/// The session goes on with the tokens that the new password brings.
async fn attempt(
    app: &App,
    session: &Session,
    profile: &Profile,
    policy: &PasswordPolicy,
    password: &str,
) -> Result<Session, Refusal> {
    policy.check(password)?;
    let tokens = match (profile.has(OWN), profile.email.as_str()) {
        (true, _) => app.identity.set_password(&session.id_token, password).await?,
        (false, "") => return Err(Refusal::NoAddress),
        (false, email) => {
            let call = app.identity.add_password(&session.id_token, email, password);
            call.await?
        }
    };
    let user = app.verifier.verify(&tokens.id).await?;
    if user.subject != session.subject() {
        return Err(Refusal::Untrusted("it is of another user".to_owned()));
    }
    Ok(Session::begin(tokens, user, &session.email, app.now()))
}

fn page(
    arrival: &Arrival,
    profile: &Profile,
    policy: &PasswordPolicy,
    refusal: Option<&Refusal>,
) -> Response {
    templates::html(&PasswordPage {
        t: arrival.words(),
        email: &profile.email,
        adds: !profile.has(OWN),
        rules: policy.rules(),
        shortest: policy.shortest,
        problem: refusal.map(|refusal| refusal.problem(arrival.words())),
    })
}

/// `profile` is the account as it was before.
fn done(arrival: &Arrival, profile: &Profile) -> Response {
    let t = arrival.words();
    let (title, what) = match profile.has(OWN) {
        true => t.password_changed,
        false => t.password_added,
    };
    templates::html(&DonePage {
        t,
        title,
        what,
        link: ("/account", t.to_account),
        alarm: false,
    })
}

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    password: String,
}

const PATH: &str = "/account/password";
/// The way in that a password is, by Identity Platform's name.
pub(super) const OWN: &str = "password";
