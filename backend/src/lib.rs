//! The private microservice: two routes and no authentication code.
//!
//! Whoever reaches these handlers was let in by the mesh: the ingress gateway verified the user's token
//! and asked the policies, and in the cluster a sidecar admits nobody but that gateway. A service in
//! another language would look the same.

use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use chassis::accept::{Acceptor, Limits};
use chassis::health::Health;
use chassis::shutdown::Shutdown;
use tower_http::set_header::SetResponseHeaderLayer;

mod config;
mod observe;

pub use config::{Arguments, Config};
use observe::Observer;

/// Everything bound, nothing served yet.
#[derive(Debug)]
pub struct Bound {
    public: Acceptor,
    metrics: Option<Acceptor>,
    observer: Observer,
    health: Health,
}

/// Where a bound backend listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The API and the probes.
    pub public: SocketAddr,
    /// `/metrics`, if there is such a listener.
    pub metrics: Option<SocketAddr>,
}

/// Binds everything, so that all errors come before any traffic.
///
/// # Errors
/// When an address cannot be bound.
pub fn build(config: Config) -> Result<Bound> {
    chassis::crypto::install();
    let limits = Limits::default();
    let metrics = config
        .metrics
        .map(|address| Acceptor::bind(address, 16))
        .transpose()?;
    Ok(Bound {
        public: Acceptor::bind(config.listen, limits.connections)?,
        metrics,
        observer: Observer::new(config.service, config.access_log),
        health: Health::starting(),
    })
}

impl Bound {
    /// The addresses, which tell the ports when 0 was asked for.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn addresses(&self) -> Result<Addresses> {
        let metrics = self.metrics.as_ref().map(Acceptor::address).transpose()?;
        Ok(Addresses {
            public: self.public.address()?,
            metrics,
        })
    }

    /// What the probes see.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until the shutdown is asked for and everything in flight is answered.
    pub async fn run(self, shutdown: Shutdown) {
        self.health.started(); // it needs nobody
        let public = app(self.health.clone(), self.observer.clone());
        let draining = async {
            shutdown.requested().await;
            self.health.draining();
        };
        let metrics = async {
            if let Some(acceptor) = self.metrics {
                let page = metrics_page(self.observer);
                chassis::accept::serve(acceptor, page, Limits::default(), shutdown.clone()).await;
            }
        };
        let api = chassis::accept::serve(self.public, public, Limits::default(), shutdown.clone());
        tokio::join!(api, metrics, draining);
    }
}

/// The routes, on one screen.
fn app(health: Health, observer: Observer) -> Router {
    let api = Router::new()
        .route("/api/secure.json", read_only(get(secure)))
        .route("/api/healthz", read_only(get(|| async { "ok" })))
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"), // an answer to one user is not for the next
        ))
        .layer(middleware::from_fn_with_state(observer, observe::observe));
    let probes = Router::new()
        .route("/health/{probe}", get(probe))
        .with_state(health);
    api.merge(probes)
}

/// The message that only a signed-in user may read.
async fn secure() -> impl IntoResponse {
    axum::Json(serde_json::json!({ "message": "Hello World" }))
}

/// GET with the HEAD that axum derives from it, OPTIONS, and 405 for the rest (RFC 9110, section 15.5.6).
fn read_only(get: MethodRouter) -> MethodRouter {
    get.options(|| async { (StatusCode::NO_CONTENT, [(header::ALLOW, ALLOWED)]) })
        .fallback(|method: Method| async move {
            let text = format!("{method} is not allowed here; {ALLOWED} are\n");
            (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, ALLOWED)], text)
        })
}

const ALLOWED: &str = "GET, HEAD, OPTIONS";

async fn probe(State(health): State<Health>, request: Request) -> Response {
    match health.answer(request.uri().path()) {
        Some(answer) => answer.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn metrics_page(observer: Observer) -> Router {
    let page = move || {
        let text = observer.metrics().text();
        async move { ([(header::CONTENT_TYPE, chassis::metrics::CONTENT_TYPE)], text) }
    };
    Router::new().route("/metrics", get(page))
}

#[cfg(test)]
mod tests;
