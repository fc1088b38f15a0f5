//! The account's page: what is known about it, and the ways to change that. What could take an account
//! over asks for a sign-in from the last minutes.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{Mail, Refusal};
use crate::mail_sent;
use crate::refused;
use crate::session::{Notice, SignedIn, SignedOut, Visitor};
use crate::sign_in;
use crate::templates::{self, AccountPage};

pub(crate) mod delete;
pub(crate) mod everywhere;
pub(crate) mod password;
pub(crate) mod providers;
pub(crate) mod second_step;

/// `GET /account`.
pub(crate) async fn page(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    let user = match user(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    show(&app, &arrival, &user, None).await
}

/// `POST /account/name`.
pub(crate) async fn name(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    request: Request,
) -> Response {
    let user = match user(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let fields = match form::read::<Name>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, Some(&user.session.email)),
    };
    let name: String = fields
        .name
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_NAME)
        .collect();
    let call = app.identity.set_name(&user.session.id_token, &name);
    let outcome = arrival.within(call).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => user.attach(&app, &arrival, Redirect::to(PATH)),
        Err(refusal) => show(&app, &arrival, &user, Some(&refusal)).await,
    }
}

/// `POST /account/verify`: the mail that verifies the address, once more.
pub(crate) async fn verify(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    let user = match user(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let session = &user.session;
    let call = async {
        app.limits.attempt(&session.email, arrival.client)?;
        app.identity
            .send(Mail::VerifyEmail {
                id_token: &session.id_token,
            })
            .await
    };
    let outcome = arrival.within(call).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => user.attach(
            &app,
            &arrival,
            mail_sent::page(&app, &arrival, mail_sent::Why::Verify, &session.email),
        ),
        Err(refusal) => show(&app, &arrival, &user, Some(&refusal)).await,
    }
}

/// The page with the account as it is now.
async fn show(app: &App, arrival: &Arrival, user: &SignedIn, refusal: Option<&Refusal>) -> Response {
    let call = app.identity.profile(&user.session.id_token);
    let outcome = arrival.within(call).await;
    let profile = match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(profile) => profile,
        Err(refusal) => return failed(app, arrival, user, &refusal),
    };
    let page = templates::html(&AccountPage {
        t: arrival.words(),
        email: &profile.email,
        name: &profile.display_name,
        verified: profile.email_verified,
        factors: &profile.factors,
        ways: providers::ways(app, &profile),
        has_password: profile.has(password::OWN),
        everywhere: app.admin.is_some(),
        problem: refusal.map(|refusal| refusal.problem(arrival.words())),
    });
    match refusal {
        Some(refusal) => user.attach(app, arrival, refused::with(refusal, page)),
        None => user.attach(app, arrival, page),
    }
}

/// The user, or the answer for whoever is none: the form, which leads back here.
fn user(app: &App, arrival: &Arrival, visitor: Visitor, next: &str) -> Result<SignedIn, Box<Response>> {
    match visitor {
        Visitor::SignedIn(user) if user.session.provider.is_some() => {
            Err(Box::new(kept_elsewhere(app, arrival, &user)))
        }
        Visitor::SignedIn(user) => Ok(user),
        Visitor::SignedOut(out) => Err(Box::new(sign_in::form(app, arrival, &out, next))),
        Visitor::Undecided(failure) => Err(Box::new(failure.page(app, arrival, None))),
    }
}

/// A user of another provider has nothing here that could be changed.
fn kept_elsewhere(app: &App, arrival: &Arrival, user: &SignedIn) -> Response {
    let t = arrival.words();
    let page = templates::html(&templates::DonePage {
        t,
        title: t.kept_elsewhere.0,
        what: t.kept_elsewhere.1,
        link: ("/", t.to_start),
        alarm: false,
    });
    user.attach(app, arrival, page)
}

/// The same, if the sign-in is recent; otherwise the form once more, for the same address.
fn recent(app: &App, arrival: &Arrival, visitor: Visitor, next: &str) -> Result<SignedIn, Box<Response>> {
    let user = user(app, arrival, visitor, next)?;
    match user.session.is_recent(app.now()) {
        true => Ok(user),
        false => Err(Box::new(once_more(app, arrival, &user, next))),
    }
}

fn once_more(app: &App, arrival: &Arrival, user: &SignedIn, next: &str) -> Response {
    user.attach(
        app,
        arrival,
        sign_in::once_more(app, arrival, &user.session.email, next),
    )
}

/// What Identity Platform refused when there is no page on which to say it.
fn failed(app: &App, arrival: &Arrival, user: &SignedIn, refusal: &Refusal) -> Response {
    match refusal {
        // the session has ended elsewhere: a new password, an administrator, the account is gone
        Refusal::SessionOver | Refusal::Disabled => {
            sign_in::form(app, arrival, &SignedOut::because(Notice::Over), PATH)
        }
        refusal => {
            let t = arrival.words();
            let problem = refusal.problem(t);
            let page = templates::html(&templates::DonePage {
                t,
                title: problem.title,
                what: &problem.text,
                link: (PATH, t.to_account),
                alarm: true,
            });
            user.attach(app, arrival, refused::with(refusal, page).into_response())
        }
    }
}

/// What the form sends.
#[derive(Deserialize)]
struct Name {
    #[serde(default)]
    name: String,
}

const PATH: &str = "/account";
/// Characters of a name that are kept; it travels in every ID token.
const LONGEST_NAME: usize = 100;
