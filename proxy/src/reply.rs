//! Every answer that the proxy makes itself: the only file that knows status codes and bodies.
//!
//! They are Envoy's, to the byte, so that who knows the one can read the other. A gRPC client gets them
//! as gRPC (status 200, the rest in `grpc-status`).

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, SERVER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version};

use crate::authenticate::Refusal;
use crate::authorize::Denied;
use crate::body::Body;
use crate::head::{self, Head};
use crate::headers::Refused;
use crate::plan::route::{AbortWith, DirectResponse, Redirect};
use crate::upstream::Failure;

/// An answer of our own.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Bytes,
    /// The one header that a route's operations may change.
    location: Option<HeaderValue>,
    /// Others, which no operation changes.
    more: HeaderMap,
    close: bool,
    /// Never in gRPC form: a codec's refusal, a preflight's answer.
    always_plain: bool,
    /// The status in gRPC form, where it is not the HTTP status's.
    grpc_status: Option<u8>,
    /// Envoy's response flag.
    pub(crate) flag: &'static str,
    /// The document and rule that refused it.
    pub(crate) refused_by: Option<String>,
    /// For a person.
    pub(crate) detail: Option<&'static str>,
    /// What a refusal without a detail is counted as.
    reason: Option<&'static str>,
}

/// What of the request decides about the form of a reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    head: bool,
    http1: bool,
    grpc: bool,
    /// The client is still sending its body: the connection cannot go on.
    unread: bool,
    /// The client wants to switch protocols, and may already speak the other one.
    upgrade: bool,
}

impl Asked {
    /// By a request that was received.
    pub(crate) fn by(head: &Head, unread: bool, upgrade: bool) -> Asked {
        Asked {
            upgrade,
            head: head.method == Method::HEAD,
            http1: head.version < Version::HTTP_2,
            grpc: head.grpc,
            unread,
        }
    }

    /// The same, once more of the body was read, or all of it.
    pub(crate) fn later(self, unread: bool) -> Asked {
        Asked { unread, ..self }
    }

    /// By what is no request at all, over HTTP/1.
    pub(crate) const NOTHING: Asked = Asked {
        head: false,
        http1: true,
        grpc: false,
        unread: false,
        upgrade: false,
    };

    /// By a request that was not fit to be received.
    pub(crate) fn unfit(parts: &Parts, unread: bool) -> Asked {
        Asked {
            head: parts.method == Method::HEAD,
            http1: parts.version < Version::HTTP_2,
            grpc: head::is_grpc(&parts.headers),
            unread,
            upgrade: false,
        }
    }
}

impl Reply {
    fn new(status: StatusCode, body: impl Into<Bytes>, flag: &'static str) -> Reply {
        Reply {
            status,
            body: body.into(),
            location: None,
            more: HeaderMap::new(),
            close: false,
            always_plain: false,
            grpc_status: None,
            flag,
            refused_by: None,
            detail: None,
            reason: None,
        }
    }

    /// Refused before any policy was asked.
    pub(crate) fn unfit(refused: Refused) -> Reply {
        // without a path Envoy looks for no route
        let flag = match refused.status {
            StatusCode::NOT_FOUND if refused != Refused::NO_PATH => "NR",
            _ => "-",
        };
        Reply {
            close: refused.close,
            // the codec's own words; what has none was refused behind it
            always_plain: !refused.body.is_empty(),
            detail: Some(refused.reason),
            ..Reply::new(refused.status, refused.body, flag)
        }
    }

    /// A token that is not accepted.
    pub(crate) fn unauthenticated(refusal: Refusal) -> Reply {
        let document = format!("{} jwtRules[{}]", refusal.document, refusal.rule);
        Reply {
            more: HeaderMap::from_iter([(WWW_AUTHENTICATE, refusal.challenge)]),
            refused_by: Some(document),
            reason: Some("token"),
            ..Reply::new(refusal.status, refusal.error.to_string(), "-")
        }
    }

    /// A policy says no.
    pub(crate) fn denied(denied: &Denied) -> Reply {
        Reply {
            refused_by: Some(denied.to_string()),
            reason: Some("policy"),
            ..Reply::new(StatusCode::FORBIDDEN, "RBAC: access denied", "-")
        }
    }

    /// No virtual host, or no route of it.
    pub(crate) fn not_found(detail: &'static str) -> Reply {
        Reply {
            detail: Some(detail),
            ..Reply::new(StatusCode::NOT_FOUND, "", "NR")
        }
    }

    /// The virtual host serves https only.
    pub(crate) fn https_redirect(location: HeaderValue) -> Reply {
        Reply {
            location: Some(location),
            ..Reply::new(StatusCode::MOVED_PERMANENTLY, "", "-")
        }
    }

    /// `redirect`.
    pub(crate) fn redirect(redirect: &Redirect, location: HeaderValue) -> Reply {
        Reply {
            location: Some(location),
            ..Reply::new(redirect.code, "", "-")
        }
    }

    /// `directResponse`; some statuses tell a location, which is the request's own.
    pub(crate) fn direct(answer: &DirectResponse, own: impl FnOnce() -> HeaderValue) -> Reply {
        let told = answer.status == StatusCode::CREATED || answer.status.is_redirection();
        Reply {
            location: told.then(own),
            ..Reply::new(answer.status, answer.body.clone(), "-")
        }
    }

    /// The destination is in no document.
    pub(crate) fn no_cluster() -> Reply {
        Reply {
            detail: Some("no document defines the route's destination"),
            ..Reply::new(StatusCode::SERVICE_UNAVAILABLE, "", "NC")
        }
    }

    /// The upstream gave no answer.
    pub(crate) fn unavailable(failure: Failure, retried: bool) -> Reply {
        let (status, body) = match failure {
            Failure::Timeout | Failure::TryTimeout => {
                (StatusCode::GATEWAY_TIMEOUT, "upstream request timeout".to_owned())
            }
            Failure::NoEndpoint => (StatusCode::SERVICE_UNAVAILABLE, "no healthy upstream".to_owned()),
            Failure::Stalled => (StatusCode::REQUEST_TIMEOUT, "stream timeout".to_owned()),
            Failure::Malformed => (StatusCode::BAD_REQUEST, "Bad Request".to_owned()),
            Failure::Protocol => (StatusCode::BAD_GATEWAY, reset(failure, retried)),
            _ => (StatusCode::SERVICE_UNAVAILABLE, reset(failure, retried)),
        };
        let overloaded = || (OVERLOADED, HeaderValue::from_static("true"));
        Reply {
            more: (failure == Failure::Overflow)
                .then(overloaded)
                .into_iter()
                .collect(),
            always_plain: failure == Failure::Malformed,
            detail: Some(failure.reason()),
            ..Reply::new(status, body, failure.flag())
        }
    }

    /// An abort that a document injects.
    pub(crate) fn fault(with: AbortWith) -> Reply {
        let (status, grpc_status) = match with {
            AbortWith::Http(status) => (status, None),
            AbortWith::Grpc(status) => (StatusCode::OK, Some(status)),
        };
        Reply {
            grpc_status,
            reason: Some("injected abort"),
            ..Reply::new(status, "fault filter abort", "FI")
        }
    }

    /// The answer to a preflight; the route's operations leave it alone.
    pub(crate) fn preflight(headers: HeaderMap) -> Reply {
        Reply {
            more: headers,
            always_plain: true,
            ..Reply::new(StatusCode::OK, "", "-")
        }
    }

    /// What it is counted as among the refusals; none for an answer that a document asks for.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        self.detail.or(self.reason)
    }

    /// The answer on the wire. `operate` is what the route does to the headers of answers: it sees those
    /// that it may change, and what it adds stays.
    pub(crate) fn into_response(self, asked: Asked, operate: impl FnOnce(&mut HeaderMap)) -> Response<Body> {
        let mut headers = HeaderMap::new();
        if let Some(location) = self.location {
            headers.insert(LOCATION, location);
        }
        operate(&mut headers);
        headers.extend(self.more);
        let mut response = match asked.grpc && !self.always_plain {
            true => as_grpc(self.status, self.grpc_status, &self.body, asked, headers),
            false => plain(self.status, self.body, asked, headers),
        };
        let headers = response.headers_mut();
        if asked.http1 && (self.close || asked.unread || asked.upgrade) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        headers.insert(SERVER, HeaderValue::from_static("istio-envoy"));
        response
    }
}

fn plain(status: StatusCode, body: Bytes, asked: Asked, mut headers: HeaderMap) -> Response<Body> {
    let body = if status == StatusCode::NO_CONTENT {
        Bytes::new()
    } else {
        body
    };
    if body.is_empty() {
        headers.remove(CONTENT_TYPE);
    } else {
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("text/plain"));
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    let body = if asked.head {
        Body::empty()
    } else {
        Body::whole(body)
    };
    respond(status, headers, body)
}

/// <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>, as Envoy has it.
fn as_grpc(
    status: StatusCode,
    grpc_status: Option<u8>,
    body: &[u8],
    asked: Asked,
    mut headers: HeaderMap,
) -> Response<Body> {
    let code = grpc_status.unwrap_or(match status.as_u16() {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    });
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(GRPC_STATUS, HeaderValue::from(u16::from(code)));
    if !body.is_empty()
        && !asked.head
        && let Ok(message) = HeaderValue::from_str(&percent_encoded(body))
    {
        headers.insert(GRPC_MESSAGE, message);
    }
    respond(StatusCode::OK, headers, Body::empty())
}

fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn reset(failure: Failure, retried: bool) -> String {
    match retried {
        false => {
            format!("upstream connect error or disconnect/reset before headers. reset reason: {failure}")
        }
        true => format!(
            "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: {failure}"
        ),
    }
}

fn percent_encoded(text: &[u8]) -> String {
    text.iter()
        .map(|byte| match byte {
            b'%' => "%25".to_owned(),
            b' '..=b'~' => char::from(*byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

const OVERLOADED: HeaderName = HeaderName::from_static("x-envoy-overloaded");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

#[cfg(test)]
mod tests;
