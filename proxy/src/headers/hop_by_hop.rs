//! Headers that are for one hop only (RFC 9110, section 7.6.1), and the one upgrade that passes.

use http::header::{CONNECTION, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::receive::Refused;

/// Removes what an HTTP/1.1 client said to this hop alone. Says whether it asks for a WebSocket: then
/// Connection and Upgrade, and what Connection names, go on.
pub(super) fn clean_request(headers: &mut HeaderMap) -> Result<bool, Refused> {
    if !has_any(headers) {
        return Ok(false);
    }
    let nominated = Nominated::of(headers)?;
    let websocket = match headers.get(UPGRADE) {
        Some(upgrade) if nominated.upgrade => upgrade_to(upgrade)?,
        _ => false,
    };
    // the trailers of gRPC depend on it, whether Connection names it or not
    let trailers = takes_trailers(headers);
    if !websocket {
        for name in nominated.headers {
            headers.remove(name);
        }
        remove_connection(headers);
    }
    remove_framing(headers, trailers);
    Ok(websocket)
}

/// What there may be on HTTP/2 is `te: trailers` (RFC 9113, section 8.2.2); the codec refuses the others.
pub(super) fn clean_request_of_http2(headers: &mut HeaderMap) {
    if !has_any(headers) {
        return;
    }
    let trailers = takes_trailers(headers);
    remove_connection(headers);
    remove_framing(headers, trailers);
}

/// Removes what the upstream said to this hop alone. What its Connection names passes, as with Envoy.
pub(super) fn clean_response(headers: &mut HeaderMap) {
    if !has_any(headers) {
        return;
    }
    // mostly it is one: what is left to look for is seen again
    for name in [
        CONNECTION,
        TRANSFER_ENCODING,
        KEEP_ALIVE,
        UPGRADE,
        PROXY_CONNECTION,
    ] {
        if headers.remove(name).is_some() && !has_any(headers) {
            return;
        }
    }
}

/// Whether there is anything to do: one look at the names costs less than a look-up for each.
fn has_any(headers: &HeaderMap) -> bool {
    headers.keys().any(is_hop_by_hop)
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection" | "upgrade" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "te"
    )
}

fn remove_connection(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(UPGRADE);
}

fn remove_framing(headers: &mut HeaderMap, trailers: bool) {
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TRANSFER_ENCODING, TE] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// What the Connection lines name.
#[derive(Default)]
struct Nominated {
    upgrade: bool,
    /// Headers that the request has. Mostly none, and then nothing is allocated.
    headers: Vec<HeaderName>,
}

impl Nominated {
    fn of(headers: &HeaderMap) -> Result<Nominated, Refused> {
        let mut nominated = Nominated::default();
        let lines = headers.get_all(CONNECTION).iter();
        for name in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
            let name = name.trim_ascii();
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            if FORWARDED.iter().any(|forwarded| is(forwarded)) {
                return Err(Refused::BAD_REQUEST);
            }
            if is("host") {
                return Err(Refused::NO_HOST);
            }
            if is("upgrade") {
                nominated.upgrade = true;
            } else if !is("keep-alive")
                && !is("close")
                && let Ok(name) = HeaderName::from_bytes(name)
                && headers.contains_key(&name)
            {
                nominated.headers.push(name);
            }
        }
        Ok(nominated)
    }
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
