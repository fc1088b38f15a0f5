//! Signing up: the form with the project's rules for passwords, the post, the mail.
//!
//! Whoever posts learns the same, in the same time, whether the address is new or not: a mail is on its
//! way. To a new address it is the one that verifies it, to a known one the one that resets its password.
//! Therefore signing up signs nobody in.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{Mail, PasswordPolicy, Refusal};
use crate::mail_sent;
use crate::refused;
use crate::templates::{self, SignUpPage};

/// `GET /sign-up`.
pub(crate) async fn form(State(app): State<App>, arrival: Arrival) -> Response {
    let policy = app.identity.password_policy().await;
    templates::html(&SignUpPage {
        t: arrival.words(),
        email: "",
        rules: policy.rules(),
        shortest: policy.shortest,
        problem: None,
    })
}

/// `POST /sign-up`.
pub(crate) async fn sign_up(State(app): State<App>, arrival: Arrival, request: Request) -> Response {
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, None),
    };
    let email = fields.email.trim();
    let policy = app.identity.password_policy().await;
    let attempt = attempt(&app, &arrival, &policy, email, &fields.password);
    let outcome = arrival.within(attempt).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => {
            arrival.settle().await;
            mail_sent::page(&app, &arrival, mail_sent::Why::SignUp, email)
        }
        Err(refusal) => {
            let page = templates::html(&SignUpPage {
                t: arrival.words(),
                email,
                rules: policy.rules(),
                shortest: policy.shortest,
                problem: Some(refusal.problem(arrival.words())),
            });
            refused::with(&refusal, page).into_response()
        }
    }
}

/// An account, or the mail that one who has an account already needs. That the mail could not be sent is
/// for the log: it would tell which of the two it was.
async fn attempt(
    app: &App,
    arrival: &Arrival,
    policy: &PasswordPolicy,
    email: &str,
    password: &str,
) -> Result<(), Refusal> {
    form::check_email(email)?;
    policy.check(password)?;
    app.limits.attempt(email, arrival.client)?;
    let sent = match app.identity.sign_up(email, password).await {
        Ok(tokens) => {
            app.identity
                .send(Mail::VerifyEmail { id_token: &tokens.id })
                .await
        }
        Err(Refusal::EmailExists) => app.identity.send(Mail::ResetPassword { email }).await,
        Err(refusal) => return Err(refusal),
    };
    if let Err(refusal) = sent {
        tracing::warn!("the mail after a sign-up was not sent: {}", refusal.name());
    }
    Ok(())
}

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}
