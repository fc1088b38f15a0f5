//! A mutual-TLS proxy configured by a strict subset of the Istio API.
//!
//! Documents become one compiled [`plan::Plan`]; the data path reads nothing else. The gateway in front
//! of the backend and the proxy on Cloud Run are the same program with other documents.
//!
//! # Life of a request
//! The modules below stand in the order in which a request meets them: a listener accepts, the
//! connection learns who the peer is, and [`request::handle`] is the spine from which everything else is
//! called. Start there.

/// The command line, and from documents to a plan.
mod bootstrap;

/// What documents would do, without doing it.
mod check;

pub use bootstrap::{Arguments, Config, Job};
pub use check::check;

/// What we were told, as it is written: Istio documents.
pub(crate) mod istio;

/// What we were told: Istio documents, compiled once.
pub(crate) mod plan;

/// What a plan becomes in a process: upstreams, keys, certificates. Swapped whole.
mod runtime;

/// 1. Accepts connections on the plan's addresses.
mod listener;

/// 2. Shakes hands under a deadline, and learns who the peer is.
mod tls;

/// What is known of a connection before its first request.
pub(crate) mod downstream;

/// 3. Speaks HTTP within bounds.
mod connection;

/// HTTP/1.1 on the wire: where every message begins and ends.
mod http1;

/// What a codec reads and must be refused all the same.
mod codec;

/// 4. Answers one request: the spine. Start here.
mod request;

/// A request's head as every decision sees it.
pub(crate) mod head;

/// 5. Cleans the head on receipt, and on the way out in both directions.
pub(crate) mod headers;

/// 6. Makes the path canonical: policies, routes and the upstream see the same text.
pub(crate) mod path;

/// 7. Whose token is this?
pub(crate) mod authenticate;

/// The keys that tokens are verified with.
mod keys;

/// 8. May this peer and this user do this?
pub(crate) mod authorize;

/// 9. Which route?
pub(crate) mod route;

/// 10. What the route changes of path and Host.
pub(crate) mod rewrite;

/// 11. Sends the request on and brings the answer; before that, what a route injects and what it tells browsers.
mod forward;

/// Delays and aborts on purpose.
mod fault;

/// WebSocket, once both sides have agreed to it.
mod upgrade;

/// Copies for upstreams whose answers nobody waits for.
mod mirror;

/// What browsers may do from other origins.
mod cors;

/// 12. Chooses an endpoint and a connection, and tries again where that is safe.
mod upstream;

/// 13. Streams bodies both ways.
mod body;

/// 14. Every answer that the proxy makes itself: the only file with status codes.
mod reply;

/// 15. One record and a few counters per request.
mod telemetry;

/// Header values with `%…%` commands.
pub(crate) mod format;

/// Regular expressions with RE2's meaning.
pub(crate) mod re2;

/// The operator's listener: probes, metrics, configuration.
mod admin;

/// When startup is over.
mod readiness;

/// New documents under a running process.
mod reload;

/// Entrances for bytes from outside, for tests and `proxy/fuzz`.
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;

/// What must hold for every input.
#[cfg(test)]
mod properties;

/// The end in good order.
mod drain;

/// From a configuration to a running process.
mod life;

pub use life::{Addresses, Bound, build};
