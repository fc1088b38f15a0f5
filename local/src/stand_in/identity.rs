//! Identity Platform: who the user is.
//!
//! Answers the calls of a server-rendered sign-in, in the shapes of the Firebase emulator, but as
//! strict as production: tokens are really signed (RS256), `exp` and `validSince` count for ID and
//! refresh tokens alike, passwords are hashed, an unknown e-mail and a wrong password look the same, and
//! too many wrong passwords lock an account for a while.
//!
//! - `v1/accounts:{signInWithPassword,signInWithEmailLink,signUp,lookup,update,delete,sendOobCode,resetPassword}` and
//!   `v2/passwordPolicy`, with an API key in the query or in `x-goog-api-key`, below
//!   `/identitytoolkit.googleapis.com/` or `/`.
//! - `v2/accounts/{mfaEnrollment:start,mfaEnrollment:finalize,mfaEnrollment:withdraw,mfaSignIn:finalize}`: the
//!   second step by an app's codes (RFC 6238); a code is good for a period before and after, and once.
//! - `v1/token` (form or JSON), below `/securetoken.googleapis.com/` or `/`.
//! - The keys as a JWK set and as certificates, below `/www.googleapis.com/` or `/`, and the discovery document.
//! - For tests: `v1/projects/{p}/accounts:{lookup,update,delete}` with `Authorization: Bearer owner`, and
//!   `/emulator/v1/projects/{p}/{accounts,config,oobCodes}`, and a clock that can be moved.
//! - For people: `/emulator/outbox`, the mails with their links.
//!
//! Every other call is 501 and says so. Everything is kept in one directory, so a restart signs nobody out.

mod accounts;
mod admin;
mod calls;
mod error;
mod keys;
mod mail;
mod oob;
mod outbox;
mod password;
mod policy;
mod second;
mod throttle;
mod token;
mod totp;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use axum::Router;
use axum::routing::{delete, get, post};
use chassis::access::AccessLog;

use self::accounts::Accounts;
pub(crate) use self::accounts::{TEST_PASSWORD, TEST_USER};
pub(crate) use self::keys::JWKS;
use self::oob::Mails;
pub(crate) use self::outbox::OUTBOX;
use self::throttle::Throttle;
use super::key::SigningKey;
use super::server::{self, Server};

/// Where the key of its tokens is kept, below the state's folder.
pub(crate) const SIGNING_KEY: &str = "identity/signing-key.pk8";

/// What the stand-in is told.
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// Where keys, accounts and refresh tokens are kept.
    pub(crate) state: PathBuf,
    pub(crate) project: String,
    /// The page to which the links in mails lead.
    pub(crate) action_url: String,
    pub(crate) access_log: AccessLog,
}

/// What every call sees.
struct Identity {
    project: String,
    key: SigningKey,
    accounts: Accounts,
    throttle: Throttle,
    mails: Mails,
    begun: second::Begun,
    action_url: String,
    /// Seconds by which a test has moved the clock.
    moved: AtomicU64,
}

impl Identity {
    /// What time it is for mails. Tokens have the real time: others check them.
    fn now(&self) -> u64 {
        super::key::now() + self.moved.load(Ordering::Relaxed)
    }
}

/// Reads what was kept, or begins with the test user; then binds.
pub(crate) fn build(config: Config) -> Result<Server> {
    let directory = config.state.join("identity");
    let identity = Arc::new(Identity {
        key: SigningKey::load_or_make(&config.state.join(SIGNING_KEY))?,
        accounts: Accounts::open(&directory.join("accounts.json"))?,
        throttle: Throttle::default(),
        mails: Mails::default(),
        begun: second::Begun::default(),
        action_url: config.action_url,
        moved: AtomicU64::new(0),
        project: config.project,
    });
    Server::bind(config.listen, "identity", config.access_log, routes(identity)?)
}

/// The host is part of the path, as in the emulator, or left out.
fn routes(identity: Arc<Identity>) -> Result<Router> {
    let toolkit = Router::new()
        .route("/v1/{call}", post(calls::with_key))
        .route("/v2/accounts/{call}", post(second::with_key))
        .route("/v2/passwordPolicy", get(policy::show))
        .route("/v1/projects/{project}/{call}", post(admin::with_owner));
    let token = Router::new().route("/v1/token", post(token::refresh));
    let keys = keys::routes(&identity)?;
    Ok(Router::new()
        .merge(toolkit.clone())
        .merge(token.clone())
        .merge(keys.clone())
        .nest("/identitytoolkit.googleapis.com", toolkit)
        .nest("/securetoken.googleapis.com", token)
        .nest("/www.googleapis.com", keys)
        .route("/", get(admin::ready))
        .route("/livez", get(|| async { "ok\n" }))
        .route(
            "/{project}/.well-known/openid-configuration",
            get(keys::discovery),
        )
        .route(
            "/emulator/v1/projects/{project}/accounts",
            delete(admin::delete_all),
        )
        .route("/emulator/v1/projects/{project}/config", get(admin::config))
        .route("/emulator/v1/projects/{project}/oobCodes", get(outbox::codes))
        .route("/emulator/v1/clock", post(admin::move_clock))
        .route(OUTBOX, get(outbox::page))
        .fallback(|| async { error::Error::NotImplemented })
        .with_state(identity)
        .merge(server::health()))
}
