//! Cloud Run's front door before a service that is not public: only who may invoke the service passes.
//!
//! The rules are Cloud Run's. `X-Serverless-Authorization`, when present, is the only header that is
//! checked, so `Authorization` can carry the user; without it `Authorization` is. The token's signature
//! is replaced in what is passed on: the service behind can read who called, and cannot replay it.
//!
//! Every path is passed on, `/health/*` too; its own health is on a listener of its own.

mod check;
mod forward;
mod pages;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use chassis::access::AccessLog;

use self::check::Gatekeeper;
use self::forward::Forwarder;
use super::server::Server;

/// What the front door is told.
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// Where `/health/*` is answered.
    pub(crate) health: SocketAddr,
    /// The service behind, `http://127.0.0.1:8084`.
    pub(crate) upstream: String,
    /// Whose `/oauth2/v3/certs` are trusted.
    pub(crate) metadata: String,
    /// The address as callers know it: tokens must be for it.
    pub(crate) audience: String,
    /// The one service account that may invoke.
    pub(crate) invoker: String,
    pub(crate) access_log: AccessLog,
}

/// The front door and its probes' listener, bound.
pub(crate) struct Bound {
    pub(crate) door: Server,
    pub(crate) health: Server,
}

/// Checks the URLs and binds.
pub(crate) fn build(config: Config) -> Result<Bound> {
    let front_door = Arc::new(FrontDoor {
        gatekeeper: Gatekeeper::new(
            origin("--metadata", &config.metadata)?,
            config.audience,
            config.invoker,
        ),
        forwarder: Forwarder::new(origin("--upstream", &config.upstream)?),
    });
    let routes = Router::new().fallback(answer).with_state(front_door);
    Ok(Bound {
        door: Server::bind(config.listen, "front-door", config.access_log, routes)?,
        health: Server::for_health(config.health)?,
    })
}

struct FrontDoor {
    gatekeeper: Gatekeeper,
    forwarder: Forwarder,
}

async fn answer(State(front_door): State<Arc<FrontDoor>>, mut request: Request) -> Response {
    match front_door.gatekeeper.admit(request.headers_mut()).await {
        Ok(()) => front_door.forwarder.forward(request).await,
        Err(refusal) => pages::refused(&refusal),
    }
}

/// `http://HOST:PORT` and nothing more.
fn origin(flag: &str, url: &str) -> Result<String> {
    let parsed = url.parse::<Uri>().ok();
    let fits = parsed.as_ref().is_some_and(|uri| {
        uri.scheme_str() == Some("http") && uri.authority().is_some() && matches!(uri.path(), "" | "/")
    });
    ensure!(fits, "{flag} {url:?} is not http://HOST:PORT");
    Ok(url.trim_end_matches('/').to_owned())
}
