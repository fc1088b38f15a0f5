//! The proxy through real sockets and real TLS, one binary for all of it. What Istio answers to a
//! request is compared in `tests/conformance`; here stands what recordings cannot show: reloads, the
//! end, hostile peers, and what goes on beside an exchange.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail that way")]

mod actions;
mod check;
mod drain;
mod flood;
mod front;
mod grpc;
mod harness;
mod hostile;
mod operator;
mod pair;
mod places;
mod refused;
mod reload;
mod resumption;
mod startup;
mod timeouts;
mod websocket;
mod websocket_client;
mod zero_downtime;
