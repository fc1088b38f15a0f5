//! Sign-in with a real OpenID provider through the whole system: browser, front end, proxy, the gateway with
//! the documents changed as docs/providers.md says, backend.
//!
//! `./test --only providers` brings Node, `oidc-provider` and Chromium and runs this; plain `cargo test` leaves
//! it out, because it needs more than Rust.
#![allow(clippy::unwrap_used, clippy::panic, reason = "panicking is how tests fail")]

#[path = "../system/callers.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod callers;
#[path = "../browser/chromium.rs"]
mod chromium;
#[path = "../it/diff.rs"]
mod diff;
#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod harness;
#[path = "../system/visitor.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod visitor;

/// The provider's process.
mod provider;

/// The edits to the documents, one after the other.
mod issuer;

/// A person with Chromium, with and without JavaScript.
mod person;
