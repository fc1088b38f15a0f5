//! Identity Platform: who the user is.
//!
//! Answers the calls of Google's and Firebase's client libraries, in the shapes of the Firebase emulator, but as
//! strict as production: tokens are really signed (RS256), `exp` and `validSince` count for ID and
//! refresh tokens alike, passwords are hashed, an unknown e-mail and a wrong password look the same, and
//! too many wrong passwords lock an account for a while.
//!
//! | for | file |
//! |---|---|
//! | users: sign up and in, change, delete | [`calls`] (which call is where), [`sign_in`], [`profile`], [`mail`], [`phone`], [`custom`] |
//! | users: other providers, played by a page | [`federated`] |
//! | users: the second step | [`second`], [`totp`] |
//! | before signing in | [`public`], [`policy`] |
//! | tokens and what verifies them | [`token`], [`keys`], [`publish`] |
//! | the owner of the project | [`admin`], [`project`] |
//! | tests and people | [`emulator`], [`faults`], [`time`], [`outbox`], [`action`] |
//! | which web pages may call; the names of old SDKs | [`origin`], [`legacy`] |
//!
//! Every other call is 501 and says so. Everything is kept in one directory, so a restart signs nobody out.

mod account;
mod accounts;
mod action;
mod admin;
mod calls;
mod claims;
mod compact;
mod custom;
mod emulator;
mod error;
mod faults;
mod federated;
mod html;
mod keys;
mod legacy;
mod mail;
mod oob;
mod options;
mod origin;
mod outbox;
mod password;
mod phone;
mod policy;
mod profile;
mod project;
mod public;
mod publish;
mod second;
mod sign_in;
mod throttle;
mod time;
mod token;
mod totp;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use chassis::access::AccessLog;

use self::accounts::Accounts;
pub(crate) use self::accounts::{TEST_PASSWORD, TEST_USER};
use self::admin::{config, tenants};
use self::federated::Attempts;
use self::keys::Keys;
pub(crate) use self::keys::{SIGNING_KEY, STANDBY_KEY};
use self::oob::Mails;
pub(crate) use self::options::Options;
pub(crate) use self::outbox::OUTBOX;
use self::phone::Messages;
use self::project::Project;
pub(crate) use self::publish::JWKS;
use self::throttle::Throttle;
use self::time::Clock;
use super::server::{self, Server};
use crate::topology::PROJECT;

/// What the stand-in is told.
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// Where keys, accounts and refresh tokens are kept.
    pub(crate) state: PathBuf,
    pub(crate) options: Options,
    pub(crate) access_log: AccessLog,
}

/// What every call sees.
struct Identity {
    project: Project,
    keys: Keys,
    accounts: Accounts,
    throttle: Throttle,
    mails: Mails,
    messages: Messages,
    begun: second::Begun,
    attempts: Attempts,
    clock: Clock,
    faults: faults::Faults,
    /// The page to which the links in mails lead; its own without.
    action_url: Option<String>,
    /// How browsers reach it; the request's Host without.
    public_url: Option<String>,
}

/// Reads what was kept, or begins with the test user; then binds.
pub(crate) fn build(config: Config) -> Result<Server> {
    let options = config.options;
    let is_ours = options.project == PROJECT;
    let mut directory = config.state.join("identity");
    if !is_ours {
        directory.push(&options.project); // the accounts of two projects are nobody's mixture
    }
    let accounts = Accounts::open(&directory.join("accounts.json"))?;
    if is_ours {
        accounts.seed()?;
    }
    let identity = Arc::new(Identity {
        keys: Keys::load_or_make(&config.state, options.unsigned)?,
        project: Project::open(options.project, &directory.join("project.json"))?,
        accounts,
        throttle: Throttle::default(),
        mails: Mails::default(),
        messages: Messages::default(),
        begun: second::Begun::default(),
        attempts: Attempts::default(),
        clock: Clock::default(),
        faults: faults::Faults::default(),
        action_url: options.action_url,
        public_url: options.public_url,
    });
    for tenant in &options.tenants {
        identity
            .project
            .ensure(tenant)
            .map_err(|error| anyhow!("--tenant {tenant}: {error}"))?;
    }
    Server::bind(config.listen, "identity", config.access_log, routes(identity))
}

/// Bytes of a user's request. The owner's may be larger: imports.
const LARGEST: usize = 64 * 1024;

/// The host is part of the path, as in the emulator, or left out.
fn routes(identity: Arc<Identity>) -> Router {
    let faulty = || from_fn_with_state(identity.clone(), faults::apply);
    let toolkit = Router::new()
        .route("/v1/{call}", post(calls::with_key))
        .route("/v1/projects", get(public::project))
        .route("/v1/recaptchaParams", get(public::recaptcha_params))
        .route("/v1/sessionCookiePublicKeys", get(publish::cookie_jwks))
        .route("/v2/accounts/{call}", post(second::with_key))
        .route("/v2/passwordPolicy", get(policy::show))
        .route("/v2/recaptchaConfig", get(public::recaptcha_config))
        .layer(DefaultBodyLimit::max(LARGEST))
        .merge(owners())
        .route_layer(faulty());
    let token = Router::new()
        .route("/v1/token", post(token::refresh))
        .route_layer(faulty());
    let keys = publish::routes();
    let legacy = "/identitytoolkit/v3/relyingparty";
    let www = keys
        .clone()
        .route(&format!("{legacy}/{{name}}"), post(legacy::with_key))
        .route(&format!("{legacy}/getProjectConfig"), get(public::project))
        .layer(DefaultBodyLimit::max(LARGEST))
        .route_layer(faulty());
    Router::new()
        .merge(toolkit.clone())
        .merge(token.clone())
        .merge(keys.route_layer(faulty()))
        .nest("/identitytoolkit.googleapis.com", toolkit)
        .nest("/securetoken.googleapis.com", token)
        .nest("/www.googleapis.com", www)
        .route("/", get(emulator::ready))
        .route("/livez", get(|| async { "ok\n" }))
        .route(
            "/{project}/.well-known/openid-configuration",
            get(publish::discovery),
        )
        .merge(emulator::routes().layer(DefaultBodyLimit::max(LARGEST)))
        .route(OUTBOX, get(outbox::page))
        .route(action::PATH, get(action::open))
        .route(
            federated::page::PATH,
            get(federated::page::show)
                .post(federated::page::choose)
                .layer(DefaultBodyLimit::max(LARGEST)),
        )
        .route(html::STYLE, get(html::style))
        .fallback(|| async { error::Error::NotImplemented })
        .layer(from_fn_with_state(identity.clone(), origin::guard))
        .with_state(identity)
        .merge(server::health())
}

/// The calls of the project's owner.
fn owners() -> Router<Arc<Identity>> {
    let calls = Router::new()
        .route("/accounts", post(admin::post))
        .route("/{call}", get(admin::get).post(admin::post));
    let settings = Router::new()
        .route("/config", get(config::get).patch(config::patch))
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route(
            "/tenants/{tenant}",
            get(tenants::get).patch(tenants::patch).delete(tenants::delete),
        );
    Router::new()
        .nest("/v1/projects/{project}", calls.clone())
        .nest("/v1/projects/{project}/tenants/{tenant}", calls)
        .route("/v1/projects/{project}", post(admin::session_cookie))
        .route(
            "/v1/projects/{project}/tenants/{tenant}",
            post(admin::session_cookie),
        )
        .nest("/v2/projects/{project}", settings.clone())
        .nest("/admin/v2/projects/{project}", settings)
}
