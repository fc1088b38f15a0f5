//! A request's head as every decision sees it: canonical, cleaned, and with the user once it is known.
//!
//! Made once per request from what the codec read ([`crate::headers`] cleans, [`crate::path`]
//! normalises); policies, routes and the upstream all see the same text, or a rule could be bypassed by
//! spelling.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Version};
use serde_json::{Map, Value};

/// What a request asks for.
#[derive(Clone)]
pub(crate) struct Head {
    /// As sent.
    pub(crate) method: Method,
    /// The connection's, or a trusted proxy's word.
    pub(crate) scheme: Scheme,
    /// The Host as sent, with its port and case; perhaps empty.
    pub(crate) authority: HeaderValue,
    /// The normalised path with the query as sent.
    pub(crate) target: PathAndQuery,
    /// HTTP/1.1 or HTTP/2.
    pub(crate) version: Version,
    /// Without Host, pseudo headers and whatever is not the client's to say.
    pub(crate) headers: HeaderMap,
    /// The client: the socket's peer, or what the trusted proxies say.
    pub(crate) client: IpAddr,
    /// Whose verified token came along.
    pub(crate) user: Option<Arc<User>>,
    /// Whether this is a gRPC request: answers then take gRPC's form.
    pub(crate) grpc: bool,
}

/// `:scheme`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
    /// What a trusted proxy claimed, whatever it is.
    Claimed(Box<str>),
}

impl Scheme {
    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Claimed(text) => text,
        }
    }
}

/// Method, Host and path: headers and query may hold tokens, claims are personal.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map(|_| "known");
        f.debug_struct("Head")
            .field("method", &self.method)
            .field("authority", &self.authority)
            .field("path", &self.path())
            .field("user", &user)
            .finish_non_exhaustive()
    }
}

/// A user by a token that was verified.
#[derive(Clone, PartialEq)]
pub(crate) struct User {
    /// The claims, with space-delimited ones split.
    pub(crate) claims: Map<String, Value>,
    /// `iss/sub`, when both are non-empty strings.
    pub(crate) principal: Option<Box<str>>,
}

impl Head {
    /// The Host as text; what is not ASCII is refused by the codec before a head is made.
    pub(crate) fn host(&self) -> &str {
        self.authority.to_str().unwrap_or("")
    }

    /// The normalised path, without query.
    pub(crate) fn path(&self) -> &str {
        self.target.path()
    }

    /// Whether the client, or a trusted proxy for it, came by https: `x-forwarded-proto`, which is ours or
    /// theirs by the time a head is made.
    pub(crate) fn is_forwarded_https(&self) -> bool {
        let value = self.headers.get("x-forwarded-proto");
        value.map(HeaderValue::as_bytes) == Some(b"https")
    }
}

/// Whether headers are those of a gRPC request. Exact and in lower case, as Envoy compares it.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(http::header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    value.is_some_and(|value| value == b"application/grpc" || value.starts_with(b"application/grpc+"))
}

/// Nothing of the claims.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").finish_non_exhaustive()
    }
}

impl User {
    /// Whether a claim is a string, or a list with a string, that passes. Anything else never does: numbers,
    /// booleans, objects and empty strings have no text to compare.
    pub(crate) fn claim_matches<N: AsRef<str>>(&self, path: &[N], passes: impl Fn(&str) -> bool) -> bool {
        let Some((first, nested)) = path.split_first() else {
            return false;
        };
        let mut value = self.claims.get(first.as_ref());
        for name in nested {
            value = value
                .and_then(Value::as_object)
                .and_then(|object| object.get(name.as_ref()));
        }
        let text = |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| !text.is_empty() && passes(text))
        };
        match value {
            Some(Value::Array(list)) => list.iter().any(text),
            Some(value) => text(value),
            None => false,
        }
    }
}

#[cfg(test)]
impl Head {
    /// A request over HTTP/1.1 and plain text, as it is after receipt.
    pub(crate) fn example(host: &str, target: &str, headers: &[(&str, &str)]) -> Head {
        let mut map = HeaderMap::new();
        map.insert("x-forwarded-proto", HeaderValue::from_static("http"));
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Head {
            method: Method::GET,
            scheme: Scheme::Http,
            authority: host.parse().unwrap(),
            target: target.parse().unwrap(),
            version: Version::HTTP_11,
            grpc: is_grpc(&map),
            headers: map,
            client: [127, 0, 0, 2].into(),
            user: None,
        }
    }

    /// The same with a verified user.
    pub(crate) fn with_claims(mut self, claims: Value) -> Head {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let principal = text("iss")
            .zip(text("sub"))
            .map(|(issuer, subject)| format!("{issuer}/{subject}").into());
        let Value::Object(claims) = claims else {
            panic!("claims are an object");
        };
        self.user = Some(Arc::new(User { claims, principal }));
        self
    }
}
