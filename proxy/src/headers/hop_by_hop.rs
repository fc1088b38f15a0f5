//! Headers that are for one hop only (RFC 9110, section 7.6.1), and the one upgrade that passes.

use http::header::{CONNECTION, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::receive::Refused;

/// Removes what an HTTP/1.1 client said to this hop alone. Says whether it asks for a WebSocket: then
/// Connection and Upgrade, and what Connection names, go on.
pub(super) fn clean_request(headers: &mut HeaderMap) -> Result<bool, Refused> {
    let nominated = nominated(headers);
    if nominated.iter().any(|name| FORWARDED.contains(&name.as_str())) {
        return Err(Refused::BAD_REQUEST);
    }
    if nominated.iter().any(|name| name == "host") {
        return Err(Refused::NO_HOST);
    }
    let websocket = match headers.get(UPGRADE) {
        Some(upgrade) if nominated.iter().any(|name| name == "upgrade") => upgrade_to(upgrade)?,
        _ => false,
    };
    // the trailers of gRPC depend on it, whether Connection names it or not
    let trailers = takes_trailers(headers);
    if !websocket {
        for name in &nominated {
            headers.remove(name.as_str());
        }
        remove_connection(headers);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TRANSFER_ENCODING, TE] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    Ok(websocket)
}

/// What there may be on HTTP/2 is `te: trailers` (RFC 9113, section 8.2.2); the codec refuses the others.
pub(super) fn clean_request_of_http2(headers: &mut HeaderMap) {
    let trailers = takes_trailers(headers);
    remove_connection(headers);
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TRANSFER_ENCODING, TE] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// Removes what the upstream said to this hop alone. What its Connection names passes, as with Envoy.
pub(super) fn clean_response(headers: &mut HeaderMap) {
    remove_connection(headers);
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TRANSFER_ENCODING] {
        headers.remove(name);
    }
}

fn remove_connection(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(UPGRADE);
}

/// The names in all Connection lines, in lower case.
fn nominated(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(CONNECTION).iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    names
        .map(<[u8]>::trim_ascii)
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter(|name| !name.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// A WebSocket passes, `h2c` is served without the upgrade, anything else is refused before every policy.
fn upgrade_to(upgrade: &HeaderValue) -> Result<bool, Refused> {
    match upgrade.as_bytes() {
        protocol if protocol.eq_ignore_ascii_case(b"websocket") => Ok(true),
        protocol if protocol.eq_ignore_ascii_case(b"h2c") => Ok(false),
        _ => Err(Refused::UPGRADE),
    }
}

/// `trailers`, exactly and without parameters, in the list of all TE lines.
fn takes_trailers(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(TE).iter();
    let mut codings = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    codings.any(|coding| coding.trim_ascii() == b"trailers")
}

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Naming these in Connection would undo what a proxy in front said.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
