//! Headers that have one value: lines of the same name are joined with `,` on receipt, so policies, routes
//! and the upstream read one text. All others keep their lines apart (`set-cookie` must).

use http::{HeaderMap, HeaderName, HeaderValue};

/// Joins the repeated lines of a request's single-valued headers.
pub(super) fn join_request(headers: &mut HeaderMap) {
    join(headers, &REQUEST);
}

/// Joins the repeated lines of a response's single-valued headers.
pub(super) fn join_response(headers: &mut HeaderMap) {
    join(headers, &RESPONSE);
}

/// Whether a line added to this header of a request joins the one that is there.
pub(super) fn is_joined_in_request(name: &HeaderName) -> bool {
    REQUEST.contains(&name.as_str())
}

/// The same for a response.
pub(super) fn is_joined_in_response(name: &HeaderName) -> bool {
    RESPONSE.contains(&name.as_str())
}

/// All lines of a header as one value, if there are several.
pub(super) fn joined(headers: &HeaderMap, name: &str, separator: &[u8]) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let (first, second) = (lines.next()?, lines.next()?);
    let mut value = first.as_bytes().to_vec();
    for line in std::iter::once(second).chain(lines) {
        value.extend_from_slice(separator);
        value.extend_from_slice(line.as_bytes());
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok()
}

fn join(headers: &mut HeaderMap, names: &[&'static str]) {
    // nearly no request repeats a header
    if headers.len() == headers.keys_len() {
        return;
    }
    for name in names {
        if let Some(value) = joined(headers, name, b",") {
            headers.insert(*name, value);
        }
    }
}

const REQUEST: [&str; 26] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "origin",
    "pragma",
    "referer",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

const RESPONSE: [&str; 7] = [
    "access-control-allow-origin",
    "age",
    "cache-control",
    "content-type",
    "etag",
    "location",
    "vary",
];
