//! What every service of this workspace does the same way, and nothing that is any one's business:
//! it reads its configuration from the environment, logs, measures, passes trace context on, answers
//! health probes, accepts connections and stops in good order.
//!
//! The modules stand in the order in which a process meets them.

/// The one crypto provider, installed before anything else.
pub mod crypto;

/// Variables, secrets in files, and every mistake in them at once.
pub mod env;

/// Human-readable lines on a terminal, JSON with a severity in the cloud.
pub mod log;

/// Accepts connections: permits, back-off, deadlines, a drain that ends.
pub mod accept;

/// `/health/{live,ready,startup}`, and the `healthcheck` subcommand that asks.
pub mod health;

/// W3C trace context, in and out.
pub mod trace;

/// One record per request, written off the request's path.
pub mod access;

/// Prometheus text, without a global registry.
pub mod metrics;

/// From SIGTERM to an empty process.
pub mod shutdown;

/// Exit codes and the last line a failed start prints.
pub mod exit;
