//! Journeys as a browser sees them, against stand-ins for Identity Platform, the metadata server and the
//! front door of the proxy, all on real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the harness may fail like the tests it serves"
)]

mod harness;

mod journey;

mod session;

mod api;

mod failures;

mod pages;

mod accounts;

mod account;

mod second_step;

mod long_sessions;

mod advisories;

mod languages;

mod providers;

mod email_link;

mod federated;

mod tenants;

mod promises;
