//! From a configuration to a running process: bind everything that can fail, then serve, then drain.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chassis::accept::{self, Acceptor, Limits};
use chassis::health::Health;
use chassis::metrics;
use chassis::shutdown::Shutdown;

use crate::config::Config;
use crate::{App, app};

/// Binds everything; nothing is served yet. Must be called inside a tokio runtime.
///
/// # Errors
/// When an address cannot be bound, or this system's certificate authorities cannot be read.
pub fn build(config: Config) -> anyhow::Result<Bound> {
    chassis::crypto::install();
    let limits = Limits::default();
    let public = Acceptor::bind(config.listen, limits.connections)?;
    let metrics = match config.metrics {
        Some(address) => Some(Acceptor::bind(address, METRICS_CONNECTIONS)?),
        None => None,
    };
    let addresses = Addresses {
        public: public.address()?,
        metrics: metrics.as_ref().map(Acceptor::address).transpose()?,
    };
    Ok(Bound {
        app: App::new(config)?,
        public,
        metrics,
        addresses,
        limits,
    })
}

/// Where a bound front end listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The pages.
    pub public: SocketAddr,
    /// `/metrics`, if asked for.
    pub metrics: Option<SocketAddr>,
}

/// A front end that has its sockets and waits for [`Bound::run`].
pub struct Bound {
    app: App,
    public: Acceptor,
    metrics: Option<Acceptor>,
    addresses: Addresses,
    limits: Limits,
}

impl Bound {
    /// Where it listens; tells the ports when 0 was asked for.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// What the probes see.
    pub fn health(&self) -> Health {
        self.app.health.clone()
    }

    /// Serves until the shutdown is asked for, then drains.
    pub async fn run(self, shutdown: Shutdown) {
        let state = self.app.clone();
        let draining = async {
            shutdown.requested().await;
            state.health.draining();
        };
        let numbers = Router::new()
            .route("/metrics", get(numbers))
            .with_state(self.app.clone());
        let numbers = async {
            if let Some(acceptor) = self.metrics {
                accept::serve(acceptor, numbers, self.limits, shutdown.clone()).await;
            }
        };
        state.health.started();
        let public = accept::serve(self.public, app(self.app), self.limits, shutdown.clone());
        tokio::join!(public, numbers, draining);
    }
}

async fn numbers(State(app): State<App>) -> Response {
    let kind = [(axum::http::header::CONTENT_TYPE, metrics::CONTENT_TYPE)];
    (kind, app.metrics.text()).into_response()
}

/// Scrapers at a time.
const METRICS_CONNECTIONS: usize = 64;
