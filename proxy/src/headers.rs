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

use std::cell::RefCell;

use http::HeaderValue;

pub(crate) use forwarded::append_hop;
pub(crate) use operations::{Selected, respond};
pub(crate) use receive::{Received, Refused, receive};
pub(crate) use towards_client::towards_client;
pub(crate) use towards_upstream::{Outgoing, Timeouts, next_attempt, towards_upstream};

/// A number of milliseconds as a header. Mostly it is small, or the one before: those cost no memory.
fn milliseconds(number: u64) -> HeaderValue {
    thread_local! {
        static LAST: RefCell<(u64, HeaderValue)> = const { RefCell::new((0, HeaderValue::from_static("0"))) };
    }
    const SMALL: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let small = usize::try_from(number).ok().and_then(|number| SMALL.get(number));
    if let Some(text) = small {
        return HeaderValue::from_static(text);
    }
    LAST.with_borrow_mut(|last| {
        if last.0 != number {
            *last = (number, HeaderValue::from(number));
        }
        last.1.clone()
    })
}

#[cfg(test)]
mod tests;
