//! `jwtRules` of every RequestAuthentication that selects this workload.

use std::time::Duration;

use http::HeaderName;

use super::DocumentId;

/// One accepted issuer and where its tokens are.
#[derive(Clone, Debug)]
pub(crate) struct JwtRule {
    /// The RequestAuthentication it stands in.
    pub(crate) document: DocumentId,
    /// `iss`, exactly; none = any, also none.
    pub(crate) issuer: Option<Box<str>>,
    /// Any of these, already without scheme and trailing slash; empty = any audience.
    pub(crate) audiences: Vec<Box<str>>,
    /// Where the keys come from.
    pub(crate) keys: KeySource,
    /// Where tokens are looked for, in order: headers by name and prefix, parameters, cookies. The
    /// last is verified first.
    pub(crate) places: Vec<TokenPlace>,
    /// Whether an accepted token goes on to the upstream.
    pub(crate) forward: bool,
    /// Gets the payload segment as sent.
    pub(crate) payload_header: Option<HeaderName>,
    /// Get a claim each; nested by the path's parts.
    pub(crate) claim_headers: Vec<(HeaderName, Vec<Box<str>>)>,
    /// Top-level string claims that are split at spaces for matching, `scope` and `permission` among them.
    pub(crate) space_delimited: Vec<Box<str>>,
}

/// A set of keys by its place; what is equal is fetched once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeySource {
    /// Written in the document.
    Inline(Box<str>),
    /// Fetched.
    Remote {
        /// `jwksUri`.
        uri: Box<str>,
        /// Deadline of one fetch.
        timeout: Duration,
    },
    /// Found through `<issuer>/.well-known/openid-configuration`.
    Discovery {
        /// The issuer.
        issuer: Box<str>,
        /// Deadline of one fetch.
        timeout: Duration,
    },
}

/// Where a token may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    /// In a header, behind a prefix that may stand anywhere in the value.
    Header(HeaderName, Box<str>),
    /// In a query parameter.
    Parameter(Box<str>),
    /// In a cookie.
    Cookie(Box<str>),
}
