//! The request as the upstream gets it.

use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::milliseconds;
use super::operations::{self, Selected};
use crate::downstream::Downstream;
use crate::format::FormatContext;
use crate::head::{Head, is_grpc};
use crate::plan::route::{Destination, Forward, RequestMatch};
use crate::rewrite;

/// What replaces Host and target of the head; the headers are changed in place.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// The Host that is sent.
    pub(crate) authority: HeaderValue,
    /// The path and query that are sent.
    pub(crate) target: PathAndQuery,
}

/// How long an exchange may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// All attempts together.
    pub(crate) total: Option<Duration>,
    /// Each attempt; always below the total.
    pub(crate) per_try: Option<Duration>,
}

impl Timeouts {
    /// The route's, where a gRPC client may ask for less: or for any, where the route has none.
    pub(crate) fn of(head: &Head, forward: &Forward) -> Timeouts {
        let asked = head.grpc.then(|| head.headers.get(GRPC_TIMEOUT)).flatten();
        let asked = asked.and_then(|value| grpc_timeout(value.as_bytes()));
        let total = match (forward.timeout, asked) {
            (Some(route), Some(asked)) => Some(route.min(asked)),
            (route, asked) => route.or(asked),
        };
        let per_try = forward.retry.as_ref().and_then(|retry| retry.per_try_timeout);
        Timeouts {
            total,
            per_try: per_try.filter(|per_try| total.is_none_or(|total| *per_try < total)),
        }
    }
}

/// Changes the head's headers to those of the first attempt. Policies and routes have been asked before.
pub(crate) fn towards_upstream(
    head: &mut Head,
    downstream: &Downstream,
    matched: &RequestMatch,
    forward: &Forward,
    destination: &Destination,
    timeouts: Timeouts,
) -> Outgoing {
    // the calling service's identity ends here, in every role: only now, for a jwtRule may name it
    head.headers.remove(SERVICE_IDENTITY);
    next_attempt(
        &mut head.headers,
        1,
        timeouts.per_try.or(timeouts.total),
        head.grpc,
    );
    let selected = Selected::request(forward, destination);
    if !selected.is_nothing() {
        let mut headers = std::mem::take(&mut head.headers);
        operations::ask(selected, &mut headers, &FormatContext::of(head, downstream));
        head.grpc = is_grpc(&headers);
        head.headers = headers;
    }
    let (authority, replaced) = rewrite::authority(forward, destination, head);
    let rewrite = forward.path_rewrite.as_ref();
    let target = rewrite.map(|rewrite| rewrite::path(rewrite, matched, head));
    rewrite::remember(&mut head.headers, target.as_ref().map(|_| &head.target), replaced);
    Outgoing {
        authority,
        target: target.unwrap_or_else(|| head.target.clone()),
    }
}

/// Numbers an attempt, from 1, and says how long it may take. What a route removed from the first comes back
/// with the second, as with Envoy.
pub(crate) fn next_attempt(headers: &mut HeaderMap, number: u32, left: Option<Duration>, grpc: bool) {
    let count = match number {
        1 => HeaderValue::from_static("1"),
        number => HeaderValue::from(number),
    };
    headers.insert(ATTEMPT_COUNT, count);
    if let Some(left) = left {
        // at the very end there is still one, for none would mean as long as one likes
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
        headers.insert(EXPECTED_TIMEOUT, milliseconds(left));
        if grpc {
            headers.insert(GRPC_TIMEOUT, text(format!("{left}m")));
        }
    }
}

/// At most eight digits and a unit (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
fn grpc_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let digits = Some(digits).filter(|digits| (1..=8).contains(&digits.len()))?;
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let nanoseconds: u64 = match unit {
        b'H' => return Some(Duration::from_secs(number * 3600)),
        b'M' => return Some(Duration::from_secs(number * 60)),
        b'S' => return Some(Duration::from_secs(number)),
        b'm' => return Some(Duration::from_millis(number)),
        b'u' => number * 1000,
        b'n' => number,
        _ => return None,
    };
    // what is below a millisecond is rounded up: zero would mean none
    Some(Duration::from_millis(nanoseconds.div_ceil(1_000_000)))
}

fn text(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

const SERVICE_IDENTITY: HeaderName = HeaderName::from_static("x-serverless-authorization");
const ATTEMPT_COUNT: HeaderName = HeaderName::from_static("x-envoy-attempt-count");
const EXPECTED_TIMEOUT: HeaderName = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
