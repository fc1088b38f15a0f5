//! From what the codec read to the [`Head`] that everything else reads.

use http::header::{COOKIE, HOST, REFERER, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};

use super::{forwarded, hop_by_hop, inline, referer};
use crate::codec;
use crate::downstream::Downstream;
use crate::head::{Head, is_grpc};
use crate::path::normalize;
use crate::plan::PathNormalization;

/// A request that is fit to be judged.
#[derive(Debug)]
pub(crate) struct Received {
    /// Its head.
    pub(crate) head: Head,
    /// It asks for a WebSocket: Connection and Upgrade are still in the head.
    pub(crate) websocket: bool,
}

/// A request that is refused before any policy; never in gRPC form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The answer's status.
    pub(crate) status: StatusCode,
    /// Its body, perhaps empty.
    pub(crate) body: &'static str,
    /// Whether the connection is closed behind it.
    pub(crate) close: bool,
    /// For the access log.
    pub(crate) reason: &'static str,
}

impl Refused {
    /// What no HTTP/1.1 request is.
    pub(crate) const BAD_REQUEST: Refused =
        Refused::close(StatusCode::BAD_REQUEST, "Bad Request", "malformed request");
    /// RFC 9112, section 3.2.
    pub(crate) const NO_HOST: Refused = Refused::close(StatusCode::BAD_REQUEST, "", "no Host");
    /// An encoded NUL.
    pub(crate) const BAD_PATH: Refused =
        Refused::close(StatusCode::BAD_REQUEST, "", "path with an encoded NUL");
    /// HTTP/1.0 and before.
    pub(crate) const OLD_VERSION: Refused = Refused::close(
        StatusCode::UPGRADE_REQUIRED,
        "Upgrade Required",
        "older than HTTP/1.1",
    );
    /// `GET https://…` on a plain connection.
    pub(crate) const WRONG_SCHEME: Refused = Refused::close(
        StatusCode::FORBIDDEN,
        "Forbidden",
        "https target on a plain connection",
    );
    /// An upgrade other than WebSocket.
    pub(crate) const UPGRADE: Refused = Refused::close(
        StatusCode::FORBIDDEN,
        "",
        "upgrade to something other than WebSocket",
    );
    /// CONNECT (RFC 9110, section 9.3.6): there are no tunnels here.
    pub(crate) const TUNNEL: Refused = Refused::close(StatusCode::NOT_FOUND, "", "CONNECT");
    /// A target without a path.
    pub(crate) const NO_PATH: Refused = Refused::not_found("no path");
    /// A trusted proxy says that there was no scheme.
    pub(crate) const NO_SCHEME: Refused = Refused::not_found("no scheme");

    const fn not_found(reason: &'static str) -> Refused {
        Refused {
            status: StatusCode::NOT_FOUND,
            body: "",
            close: false,
            reason,
        }
    }

    const fn close(status: StatusCode, body: &'static str, reason: &'static str) -> Refused {
        Refused {
            status,
            body,
            close: true,
            reason,
        }
    }
}

/// Cleans a request and makes it canonical, or refuses it.
pub(crate) fn receive(
    parts: Parts,
    downstream: &Downstream,
    trusted_hops: usize,
    normalization: PathNormalization,
) -> Result<Received, Refused> {
    let Parts {
        method,
        uri,
        version,
        mut headers,
        ..
    } = parts;
    if version < Version::HTTP_11 {
        return Err(Refused::OLD_VERSION);
    }
    if method == Method::CONNECT {
        let by_authority = uri.authority().is_some() && uri.path_and_query().is_none();
        return Err(if by_authority {
            Refused::TUNNEL
        } else if headers.contains_key(TRANSFER_ENCODING) {
            codec::NOT_IMPLEMENTED
        } else {
            Refused::BAD_REQUEST
        });
    }
    if version == Version::HTTP_2 && !is_plain_authority(&uri, &headers) {
        return Err(Refused::BAD_REQUEST);
    }
    let authority = take_authority(&uri, &mut headers, downstream)?;
    let websocket = if version == Version::HTTP_2 {
        hop_by_hop::clean_request_of_http2(&mut headers);
        false
    } else {
        hop_by_hop::clean_request(&mut headers)?
    };
    let target = target(&method, &uri, version, normalization)?;
    inline::join_request(&mut headers);
    if version == Version::HTTP_2 {
        join_cookies(&mut headers);
    }
    if headers
        .get(REFERER)
        .is_some_and(|value| !referer::is_valid(value.as_bytes()))
    {
        headers.remove(REFERER);
    }
    remove_control(&mut headers);
    headers.reserve(ADDED);
    let (client, scheme) = forwarded::set(&mut headers, version, downstream, trusted_hops)?;
    let head = Head {
        method,
        scheme,
        authority,
        target,
        version,
        grpc: is_grpc(&headers),
        headers,
        client,
        user: None,
    };
    Ok(Received { head, websocket })
}

/// The Host: an absolute target's (RFC 9112, section 3.2.2) or `:authority`, else the header's. It may be
/// empty but not missing.
fn take_authority(
    uri: &Uri,
    headers: &mut HeaderMap,
    downstream: &Downstream,
) -> Result<HeaderValue, Refused> {
    let mut lines = headers.get_all(HOST).iter();
    if !lines.all(|line| line.as_bytes().iter().copied().all(is_host_character)) {
        return Err(Refused::BAD_REQUEST);
    }
    let several = headers.len() != headers.keys_len();
    let joined = several
        .then(|| inline::joined(headers, HOST.as_str(), b","))
        .flatten();
    let sent = headers.remove(HOST);
    let Some(authority) = uri.authority() else {
        return joined.or(sent).ok_or(Refused::NO_HOST);
    };
    match uri.scheme_str() {
        Some("https") if downstream.tls.is_none() => return Err(Refused::WRONG_SCHEME),
        None | Some("http" | "https") => {}
        Some(_) => return Err(Refused::BAD_REQUEST),
    }
    let text = authority.as_str();
    // userinfo is nobody's business (RFC 9110, section 4.2.4)
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    HeaderValue::from_str(host).map_err(|_| Refused::BAD_REQUEST)
}

/// Over HTTP/2 there is one Host at most, and no userinfo (RFC 9113, section 8.3.1).
fn is_plain_authority(uri: &Uri, headers: &HeaderMap) -> bool {
    let userinfo = uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    !userinfo && headers.get_all(HOST).iter().count() < 2
}

/// Of an authority (RFC 3986, section 3.2), as far as Envoy is strict about it.
fn is_host_character(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"/\\,\"<>#?".contains(&byte)
}

fn target(
    method: &Method,
    uri: &Uri,
    version: Version,
    normalization: PathNormalization,
) -> Result<PathAndQuery, Refused> {
    let sent = uri.path_and_query().ok_or(Refused::BAD_REQUEST)?;
    match sent.as_str().as_bytes().first() {
        Some(b'/') => {}
        // both are well formed, but there is nothing to route
        Some(b'*') if method == Method::OPTIONS => return Err(Refused::NO_PATH),
        Some(b'?') if uri.authority().is_some() && version < Version::HTTP_2 => {
            return Err(Refused::NO_PATH);
        }
        _ => return Err(Refused::BAD_REQUEST),
    }
    match normalize(normalization, sent.as_str()) {
        Ok(std::borrow::Cow::Borrowed(same)) if same.len() == sent.as_str().len() => Ok(sent.clone()),
        Ok(changed) => PathAndQuery::from_maybe_shared(bytes::Bytes::from(changed.into_owned()))
            .map_err(|_| Refused::BAD_REQUEST),
        Err(_) => Err(Refused::BAD_PATH),
    }
}

/// HTTP/2 clients may send each cookie in a line of its own (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if let Some(value) = inline::joined(headers, COOKIE.as_str(), b"; ") {
        headers.insert(COOKIE, value);
    }
}

/// What steers Envoy is not for clients to say. Most requests have no such header, so look first.
fn remove_control(headers: &mut HeaderMap) {
    if headers.keys().any(|name| name.as_str().starts_with("x-envoy-")) {
        for name in CONTROL {
            headers.remove(name);
        }
    }
}

/// Headers that are set on the way to the upstream: room for them is made once.
const ADDED: usize = 10;

const CONTROL: [&str; 23] = [
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-internal",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
    "x-envoy-original-host",
    "x-envoy-original-path",
    "x-envoy-original-url",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-stream-duration-ms",
];
