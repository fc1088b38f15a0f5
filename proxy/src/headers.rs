//! Which headers go where: cleaned on receipt, so that no client speaks for the proxy, and once more on the
//! way out, in both directions.
//!
//! RFC 9110, section 7.6, says what is for one hop only; the rest is what Envoy does at the edge of a mesh.

mod forwarded;
mod hop_by_hop;
mod inline;
mod operations;
mod receive;
mod referer;
mod towards_client;
mod towards_upstream;

pub(crate) use forwarded::append_hop;
pub(crate) use operations::{Selected, respond};
pub(crate) use receive::{Received, Refused, receive};
pub(crate) use towards_client::towards_client;
pub(crate) use towards_upstream::{Outgoing, Timeouts, next_attempt, towards_upstream};

#[cfg(test)]
mod tests;
