//! Adding a second step to an account, and removing it. The secret is shown as a picture for a phone and
//! as text for whoever cannot scan it; between the two pages it waits in an encrypted cookie.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{Redirect, Response};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::{failed, once_more, recent};
use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{Enrolment, Refusal, Tokens};
use crate::refused;
use crate::second_step::Fields;
use crate::session::{self, Session, SignedIn, Visitor, pocket};
use crate::templates::{self, EnrolPage};

mod picture;

pub(crate) use picture::Picture;

/// What was begun, and for whom.
#[derive(Serialize, Deserialize)]
struct Begun {
    email: String,
    enrolment: Enrolment,
}

/// `GET /account/second-step`.
pub(crate) async fn form(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    let user = match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let call = app.identity.begin_enrolment(&user.session.id_token);
    let outcome = arrival.within(call).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(enrolment) => {
            let begun = Begun {
                email: user.session.email.clone(),
                enrolment,
            };
            let mut response = user.attach(&app, &arrival, page(&arrival, &begun, None));
            pocket::put(&app, &arrival, &mut response, pocket::STEP, begun);
            response
        }
        Err(refusal) => refuse(&app, &arrival, &user, &refusal),
    }
}

/// `POST /account/second-step`: the first code.
pub(crate) async fn add(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let user = match recent(&app, &arrival, visitor, PATH) {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let begun = pocket::get::<Begun>(&app, &arrival, &headers, pocket::STEP);
    let Some(begun) = begun.filter(|begun| begun.email == user.session.email) else {
        return user.attach(&app, &arrival, Redirect::to(PATH)); // too old: a new secret
    };
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, Some(&user.session.email)),
    };
    let call = async {
        app.limits.attempt(&begun.email, arrival.client)?;
        let code = fields.digits()?;
        let tokens = app
            .identity
            .finish_enrolment(&user.session.id_token, &begun.enrolment, &code)
            .await?;
        session_with(&app, tokens, &user).await
    };
    let outcome = arrival.within(call).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(session) => {
            let mut response = session::begun(&app, &arrival, session, Redirect::to("/account"))
                .unwrap_or_else(|failure| failure.page(&app, &arrival, None));
            pocket::empty(&arrival, &mut response, pocket::STEP);
            response
        }
        Err(Refusal::WrongCode) => {
            let again = refused::with(
                &Refusal::WrongCode,
                page(&arrival, &begun, Some(&Refusal::WrongCode)),
            );
            user.attach(&app, &arrival, again)
        }
        Err(refusal) => refuse(&app, &arrival, &user, &refusal),
    }
}

/// `POST /account/second-step/remove`.
pub(crate) async fn remove(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    request: Request,
) -> Response {
    let user = match recent(&app, &arrival, visitor, "/account") {
        Ok(user) => user,
        Err(answer) => return *answer,
    };
    let fields = match form::read::<Which>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, Some(&user.session.email)),
    };
    let call = async {
        let tokens = app.identity.withdraw(&user.session.id_token, &fields.id).await?;
        session_with(&app, tokens, &user).await
    };
    let outcome = arrival.within(call).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(session) => session::begun(&app, &arrival, session, Redirect::to("/account"))
            .unwrap_or_else(|failure| failure.page(&app, &arrival, None)),
        Err(refusal) => refuse(&app, &arrival, &user, &refusal),
    }
}

async fn session_with(app: &App, tokens: Tokens, user: &SignedIn) -> Result<Session, Refusal> {
    let verified = app.verifier.verify(&tokens.id).await?;
    Ok(user.session.continued(tokens, verified, app.now()))
}

fn refuse(app: &App, arrival: &Arrival, user: &SignedIn, refusal: &Refusal) -> Response {
    match refusal {
        Refusal::SignInTooOld => once_more(app, arrival, user, PATH),
        refusal => failed(app, arrival, user, refusal),
    }
}

fn page(arrival: &Arrival, begun: &Begun, refusal: Option<&Refusal>) -> Response {
    let uri = uri(begun);
    let secret = begun.enrolment.shared_secret_key.as_bytes();
    let groups = secret.chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>();
    templates::html(&EnrolPage {
        t: arrival.words(),
        email: &begun.email,
        picture: picture::of(&uri),
        uri: &uri,
        secret: groups.join(" "),
        problem: refusal.map(|refusal| refusal.problem(arrival.words())),
    })
}

/// What apps read from the picture: the format that Google Authenticator began and all others follow.
fn uri(begun: &Begun) -> String {
    let enrolment = &begun.enrolment;
    let (digits, period) = (
        enrolment.verification_code_length.to_string(),
        enrolment.period_sec.to_string(),
    );
    let query = [
        ("secret", enrolment.shared_secret_key.as_str()),
        ("issuer", ISSUER),
        ("algorithm", "SHA1"),
        ("digits", &digits),
        ("period", &period),
    ];
    let label = begun.email.replace(['/', '?', '#', '%'], "_"); // a label, not an address that is used
    let base = format!("otpauth://totp/{ISSUER}:{label}");
    Url::parse_with_params(&base, query).map_or(base, String::from)
}

/// What the form sends.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    id: String,
}

const PATH: &str = "/account/second-step";
/// Under this name an app lists the codes.
const ISSUER: &str = "Acme";
