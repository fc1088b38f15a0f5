//! Asking for a new password: the address, then a page that says the same whether anybody has it.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::App;
use crate::arrival::Arrival;
use crate::form;
use crate::identity::{Mail, Refusal};
use crate::mail_sent;
use crate::refused;
use crate::templates::{self, ResetPage};

/// `GET /reset-password`.
pub(crate) async fn form(arrival: Arrival) -> Response {
    templates::html(&ResetPage {
        t: arrival.words(),
        title: arrival.words().reset_title,
        lead: arrival.words().reset_lead,
        action: "/reset-password",
        email: "",
        problem: None,
    })
}

/// `POST /reset-password`.
pub(crate) async fn ask(State(app): State<App>, arrival: Arrival, request: Request) -> Response {
    let fields = match form::read::<Fields>(&arrival, request).await {
        Ok(fields) => fields,
        Err(failure) => return failure.page(&app, &arrival, None),
    };
    let email = fields.email.trim();
    let outcome = arrival.within(attempt(&app, &arrival, email)).await;
    match outcome.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => {
            arrival.settle().await;
            mail_sent::page(&app, &arrival, mail_sent::Why::Reset, email)
        }
        Err(refusal) => {
            let page = templates::html(&ResetPage {
                t: arrival.words(),
                title: arrival.words().reset_title,
                lead: arrival.words().reset_lead,
                action: "/reset-password",
                email,
                problem: Some(refusal.problem(arrival.words())),
            });
            refused::with(&refusal, page).into_response()
        }
    }
}

/// What depends on the account is not passed on; what fails for everybody is.
async fn attempt(app: &App, arrival: &Arrival, email: &str) -> Result<(), Refusal> {
    form::check_email(email)?;
    app.limits.attempt(email, arrival.client)?;
    match app.identity.send(Mail::ResetPassword { email }).await {
        Err(refusal) if refusal.is_about_everybody() => Err(refusal),
        Err(refusal) => {
            tracing::info!("no mail for a reset: {}", refusal.name());
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    email: String,
}
