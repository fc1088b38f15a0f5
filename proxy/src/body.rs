//! Bodies, streamed both ways and counted: towards the upstream ([`upload`]) and towards the client
//! ([`download`]).
//!
//! Nothing is buffered but what a retry may need again, and of that at most [`upload::REPLAY`].

pub(crate) mod download;
mod raw;
pub(crate) mod upload;

pub(crate) use download::Body;
pub(crate) use raw::Raw;
pub(crate) use upload::{Incoming, Upload};
