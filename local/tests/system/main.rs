//! The whole system by HTTP: every check on the way from the browser to the backend is really made, and
//! every failure has the answer that the documentation promises.
//!
//! Each test starts the system as a person does (`local --ports auto`, real processes, real sockets, the
//! documents in `istio/`) with a state folder of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "panicking is how tests fail")]

#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod harness;

#[path = "../it/authenticator.rs"]
mod authenticator;

#[path = "../it/diff.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod diff;

/// Clients of the gateway: certificates and tokens, good and bad.
mod callers;

/// Somebody with a browser.
mod visitor;

/// Sign in, read the message, sign out: by HTTP, as a browser does it.
mod journey;

/// Sign up, verify, reset: with the mails of the stand-in's outbox.
mod accounts;

/// Continue with Google: with the page that stands for it.
mod federated;

/// Identity Platform's keys change while the system runs.
mod keys;

/// What the gateway's documents promise to whoever calls it.
mod gateway;

/// Who may pass Cloud Run's front door.
mod front_door;

/// Policies edited, removed and broken while the system runs.
mod documents;

/// What a policy can ask of a token, and what it cannot.
mod claims;

/// One tenant's users, and no others.
mod tenants;

/// Parts that die, hang and come back.
mod failures;

/// Everything behind one public gateway.
mod gke;

/// Starts that are refused: one clear line, exit code 2, nothing left running.
mod refused_starts;
