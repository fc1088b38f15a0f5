//! The system as containers on separate networks: `docker-compose.yml` as a person runs it.
//!
//! `./test --only compose` prepares base images, builds ours and runs this; plain `cargo test` leaves it
//! out, because it needs a Docker engine. Each test has a project, networks, volumes and a port of its
//! own, and takes them down at its end, however it ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "panicking is how tests fail")]

#[path = "../system/callers.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod callers;
#[path = "../browser/chromium.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod chromium;
#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod harness;
#[path = "../system/visitor.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod visitor;

/// `docker` and `docker-compose`, and a system that one of them runs.
mod engine;

/// The golden journey, through the one published port.
mod journey;

/// What cannot be reached, read or written, and by whom.
mod isolation;

/// Containers that are killed and come back.
mod failures;

/// Real Envoy in the gateway's place.
mod envoy;
