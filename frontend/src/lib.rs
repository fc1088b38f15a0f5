//! The public front end: signs users in with Identity Platform and shows what the private service says.
//! Everything is rendered here; a browser needs no script.
//!
//! A request meets the modules below in the order they are listed. The way of a signed-in user's page is
//! [`app`] → `session` → `home` → `api`; that of a sign-in is [`app`] → `sign_in` → `identity` → `session`.

/// What we are told.
mod config;

/// 1. What is known before any handler runs: since when, from where, over what, in which trace.
mod arrival;

/// 2. One access record and one count per request.
mod access;

/// 3. Posts from other sites are refused; every answer carries the security headers.
mod guard;

/// 4. The form, the post, the way out.
mod sign_in;

/// The second step of a sign-in.
mod second_step;

/// Signing up.
mod sign_up;

/// Signing in by mail.
mod email_link;

/// Asking for a new password.
mod reset;

/// Where the links in mails lead.
mod action;

/// The account's page, and what can be changed there.
mod account;

/// Attempts per account and per client.
mod limits;

/// "Check your mail."
mod mail_sent;

/// Posted fields, and where to go on.
mod form;

/// The answer to a form that was refused.
mod refused;

/// 5. Identity Platform as a small client.
mod identity;

/// Other OpenID Connect providers.
mod oidc;

/// Other providers inside Identity Platform.
mod federated;

/// 6. Whether an ID token is really one.
mod verify;

/// 7. The encrypted cookie, its expiry and its refresh.
mod session;

/// 8. The signed-in page.
mod home;

/// 9. The backend's API: a typed call for the page, a pass-through for scripts.
mod api;

/// 10. This service's own identity, for the hop to the proxy.
mod service_token;

/// What went wrong, as a page or as JSON.
mod error;

/// The pages.
mod templates;

/// Their texts, in every language.
mod words;

/// The style sheet, the script and the icon.
mod assets;

/// Calls to other servers: bounded, and with errors a person can read.
mod outbound;

/// From a configuration to a running process.
mod life;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use chassis::health::Health;
use chassis::metrics::Metrics;

pub use config::{Arguments, Config, IdentityProvider, Provider, Secret, SessionKey};
pub use life::{Addresses, Bound, build};

/// The routes, on one screen.
fn app(app: App) -> Router {
    let router = Router::new()
        .route("/", get(home::page))
        .route("/sign-in", get(sign_in::elsewhere).post(sign_in::sign_in))
        .route("/sign-in/code", get(second_step::form).post(second_step::check))
        .route("/sign-in/link", get(email_link::form).post(email_link::ask))
        .route("/sign-in/link/finish", post(email_link::finish))
        .route("/sign-in/with/{id}", get(oidc::flow::start))
        .route("/sign-in/with/{id}/callback", get(oidc::flow::callback))
        .route("/sign-in/federated/{id}", get(federated::start::start))
        .route("/sign-in/federated/callback", get(federated::callback::callback))
        .route(
            "/sign-in/federated/connect",
            get(federated::connect::form).post(federated::connect::connect),
        )
        .route("/sign-out", post(sign_in::sign_out))
        .route("/sign-up", get(sign_up::form).post(sign_up::sign_up))
        .route("/reset-password", get(reset::form).post(reset::ask))
        .route("/auth/action", get(action::show).post(action::act))
        .route("/account", get(account::page))
        .route("/account/name", post(account::name))
        .route("/account/verify", post(account::verify))
        .route(
            "/account/password",
            get(account::password::form).post(account::password::change),
        )
        .route("/account/providers/{id}", get(account::providers::add))
        .route("/account/providers/remove", post(account::providers::remove))
        .route("/account/sign-out", post(account::everywhere::sign_out))
        .route(
            "/account/second-step",
            get(account::second_step::form).post(account::second_step::add),
        )
        .route("/account/second-step/remove", post(account::second_step::remove))
        .route(
            "/account/delete",
            get(account::delete::form).post(account::delete::delete),
        )
        .route("/session", get(session::show))
        .route("/api", any(api::pass_through))
        .route("/api/", any(api::pass_through))
        .route("/api/healthz", any(api::pass_anyone))
        .route("/api/{*path}", any(api::pass_through))
        .route("/health/{probe}", get(health));
    assets::mount(router)
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .layer(from_fn_with_state(app.clone(), access::record)) // outermost: it sees everything
        .with_state(app)
}

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) identity: identity::IdentityPlatform,
    pub(crate) providers: oidc::Providers,
    pub(crate) admin: Option<identity::Admin>,
    pub(crate) verifier: verify::Verifier,
    pub(crate) sessions: session::Sessions,
    pub(crate) limits: limits::Limits,
    pub(crate) api: api::Api,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    fn new(config: Config) -> anyhow::Result<App> {
        let direct = outbound::direct()?;
        // a stand-in is reached directly, Google also through a company's web proxy
        let google = match config.emulator {
            Some(_) => direct.clone(),
            None => outbound::internet()?,
        };
        Ok(App(Arc::new(Parts {
            identity: identity::IdentityPlatform::new(&config, google.clone()),
            providers: oidc::Providers::new(&config, &google),
            admin: identity::Admin::new(&config, google.clone(), direct.clone()),
            verifier: verify::Verifier::new(&config, google),
            sessions: session::Sessions::new(&config),
            limits: limits::Limits::default(),
            api: api::Api::new(&config, direct),
            health: Health::starting(),
            metrics: Metrics::new("frontend"),
            config,
        })))
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        seconds((self.config.clock)())
    }
}

pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

async fn health(State(app): State<App>, uri: Uri) -> Response {
    match app.health.answer(uri.path()) {
        Some(answer) => answer.into_response(),
        None => axum::http::StatusCode::NOT_FOUND.into_response(),
    }
}
