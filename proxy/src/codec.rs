//! What a codec reads and Envoy's refuses: methods, size, and over HTTP/2 an ambiguous length, for where two
//! parsers disagree about a request's end one client can speak in another's name (RFC 9112, section 11.2).
//! Over HTTP/1 [`crate::http1`] knows that itself and tells it here. Pure.

use std::fmt;

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, StatusCode, Version};

use crate::headers::Refused;

/// Bytes of a request's head, its target included, as in Istio's gateways.
pub(crate) const HEADER_BYTES: usize = 60 * 1024;

/// Lines of a request's head: Host counts, and over HTTP/2 the four pseudo headers do.
const HEADERS: usize = 100;

/// Looks at a request as the codec read it.
pub(crate) fn examine(parts: &Parts, refused: Option<Refused>) -> Result<(), Refused> {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let pseudo = if parts.version == Version::HTTP_2 { 4 } else { 0 };
    let lines = parts.headers.len() + pseudo;
    if lines > HEADERS || size(&parts.headers) + target.len() > HEADER_BYTES {
        return Err(TOO_LARGE);
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    if parts.version == Version::HTTP_2 {
        let lengths = parts.headers.get_all(CONTENT_LENGTH).iter().count();
        return if lengths > 1 {
            Err(Refused::BAD_REQUEST)
        } else {
            Ok(())
        };
    }
    if !METHODS.contains(&parts.method.as_str()) || !target.is_ascii() {
        return Err(Refused::BAD_REQUEST);
    }
    Ok(())
}

/// Whether a refusal has no HTTP answer: over HTTP/2 what is malformed is a stream error (RFC 9113,
/// section 8.1.1); only an encoded NUL and `OPTIONS *` are well-formed HTTP.
pub(crate) fn is_reset(refused: Refused, version: Version) -> bool {
    version == Version::HTTP_2 && refused != Refused::BAD_PATH && refused != Refused::NO_PATH
}

/// The end of a stream without an answer.
#[derive(Debug)]
pub(crate) struct Reset(h2::Error);

impl Reset {
    /// For a malformed request.
    pub(crate) fn malformed() -> Reset {
        Reset(h2::Reason::PROTOCOL_ERROR.into())
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request is malformed")
    }
}

/// hyper looks for the reason here.
impl std::error::Error for Reset {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

/// More than anyone reads.
pub(crate) const TOO_LARGE: Refused = Refused {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    body: "Request Header Fields Too Large",
    close: true,
    reason: "more than 100 headers or 60 KiB",
};
/// A coding that nobody here can undo.
pub(crate) const NOT_IMPLEMENTED: Refused = Refused {
    status: StatusCode::NOT_IMPLEMENTED,
    body: "Not Implemented",
    close: true,
    reason: "a transfer-encoding other than chunked",
};

/// The methods that Envoy's HTTP/1 codec knows; case counts.
const METHODS: [&str; 34] = [
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "MSEARCH",
    "NOTIFY",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn examined(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<(), u16> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        examine(&parts, None).map_err(|refused| refused.status.as_u16())
    }

    #[test]
    fn methods_and_size_are_bounded() {
        assert_eq!(examined("get", "/", &[]), Err(400));
        assert_eq!(examined("QUERY", "/", &[]), Err(400));
        let long = "x".repeat(61 * 1024);
        assert_eq!(examined("GET", "/", &[("x-long", &long)]), Err(431));
        assert_eq!(examined("GET", &format!("/{long}"), &[]), Err(431));
    }
}
