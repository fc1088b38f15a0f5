//! Which requests a route takes, and what it does with them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, StatusCode};

use super::DocumentId;
use super::text::TextMatch;
use super::upstream::HashKey;
use crate::format::HeaderFormat;
use crate::re2::Re2;

/// One entry of a `match` list of one rule of a VirtualService, with that rule's action.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The VirtualService it stands in.
    pub(crate) document: DocumentId,
    /// The rule's `name`, or its place, `http[0]`.
    pub(crate) name: Arc<str>,
    /// What it takes.
    pub(crate) matches: RequestMatch,
    /// What it does, shared by all entries of the rule's list.
    pub(crate) action: Arc<Action>,
}

/// Conditions on a request; all must hold. Empty = every request.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestMatch {
    /// On the normalised path without its query.
    pub(crate) path: Option<PathMatch>,
    /// On the scheme, `http` or `https`.
    pub(crate) scheme: Option<TextMatch>,
    /// On the method.
    pub(crate) method: Option<TextMatch>,
    /// On the Host with its port, case-sensitive.
    pub(crate) authority: Option<TextMatch>,
    /// On headers; pseudo headers are [`HeaderKey::Path`] and so on.
    pub(crate) headers: Vec<(HeaderKey, TextMatch)>,
    /// A missing header counts as empty here; none may match.
    pub(crate) without_headers: Vec<(HeaderKey, TextMatch)>,
    /// `withoutHeaders` entries that ask for the header's absence.
    pub(crate) absent_headers: Vec<HeaderKey>,
    /// On the first occurrence of a query parameter, raw.
    pub(crate) query: Vec<(Box<str>, TextMatch)>,
    /// On claims of the verified token.
    pub(crate) claims: Vec<(Vec<Box<str>>, TextMatch)>,
    /// On claims; none may match, a missing one passes.
    pub(crate) without_claims: Vec<(Vec<Box<str>>, TextMatch)>,
}

/// What a header condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderKey {
    /// A header; several lines are joined with `,`.
    Name(HeaderName),
    /// `:path`: the normalised path with its query.
    Path,
    /// `:method`.
    Method,
    /// `:authority`, also by the name `host`.
    Authority,
    /// `:scheme`.
    Scheme,
}

/// `uri` of a match. Whether case counts stands in the text matcher.
#[derive(Clone, Debug)]
pub(crate) enum PathMatch {
    /// The whole path.
    Exact(TextMatch),
    /// The path begins with it; the length is what `rewrite.uri` replaces.
    Prefix(TextMatch, usize),
    /// The whole path matches.
    Regex(Re2),
}

/// What a route does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Sends the request on.
    Forward(Box<Forward>),
    /// Sends the client elsewhere.
    Redirect(Redirect),
    /// Answers.
    DirectResponse(DirectResponse),
}

/// How a request is sent on.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    /// At least one; weight 0 ones are never chosen, but count for the order of header operations.
    pub(crate) destinations: Vec<Destination>,
    /// From the complete request to the complete answer's head, over all attempts.
    pub(crate) timeout: Option<Duration>,
    /// When and how often it is tried again.
    pub(crate) retry: Option<RetryPolicy>,
    /// Changes to the path.
    pub(crate) path_rewrite: Option<PathRewrite>,
    /// The Host that is sent, from `rewrite.authority` or a route-level `set: {host: …}`.
    pub(crate) authority_rewrite: Option<Box<str>>,
    /// Changes to headers for all destinations.
    pub(crate) headers: Headers,
    /// Cross-origin rules.
    pub(crate) cors: Option<CorsPolicy>,
    /// Injected faults.
    pub(crate) fault: Option<Fault>,
    /// Copies.
    pub(crate) mirrors: Vec<Mirror>,
}

/// One place a route leads to.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    /// Its share, relative to the sum.
    pub(crate) weight: u32,
    /// The index in [`super::Plan::upstreams`]; none = the documents do not define it: 503, flag NC.
    pub(crate) upstream: Option<usize>,
    /// `host:port[:subset]` as written, for logs.
    pub(crate) name: Arc<str>,
    /// Changes to headers for this destination.
    pub(crate) headers: Headers,
    /// A Host set by this destination's headers.
    pub(crate) authority: Option<Box<str>>,
    /// Where the hash for consistent hashing comes from (from the DestinationRule).
    pub(crate) hash: Option<Arc<HashKey>>,
}

/// Changes in both directions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers {
    /// Towards the upstream.
    pub(crate) request: HeaderOperations,
    /// Towards the client.
    pub(crate) response: HeaderOperations,
}

/// `remove`, `set` and `add`, each in byte order of the names as written.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderOperations {
    /// All lines of these go.
    pub(crate) remove: Vec<HeaderName>,
    /// All lines are replaced by one, unless the value comes out empty.
    pub(crate) set: Vec<(HeaderName, HeaderFormat)>,
    /// A line is added, unless the value comes out empty.
    pub(crate) add: Vec<(HeaderName, HeaderFormat)>,
}

/// `rewrite.uri` or `rewrite.uriRegexRewrite`.
#[derive(Clone, Debug)]
pub(crate) enum PathRewrite {
    /// Replaces the matched prefix, as text.
    Prefix(Box<str>),
    /// Replaces the whole path.
    Whole(Box<str>),
    /// Replaces every match; `\1` are groups (RE2).
    Regex(Re2, Box<str>),
}

/// `retries`, or Istio's default.
#[derive(Clone, Debug)]
pub(crate) struct RetryPolicy {
    /// Attempts after the first.
    pub(crate) attempts: u32,
    /// Deadline of one attempt.
    pub(crate) per_try_timeout: Option<Duration>,
    /// What is tried again.
    pub(crate) on: RetryOn,
    /// Base of the back-off; the largest is ten times that.
    pub(crate) backoff: Duration,
    /// The host that failed is avoided.
    pub(crate) avoid_previous_host: bool,
}

/// Conditions of `retryOn`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RetryOn {
    /// `5xx`.
    pub(crate) server_error: bool,
    /// `gateway-error`: 502, 503, 504.
    pub(crate) gateway_error: bool,
    /// `reset`.
    pub(crate) reset: bool,
    /// `reset-before-request`.
    pub(crate) reset_before_request: bool,
    /// `connect-failure`.
    pub(crate) connect_failure: bool,
    /// `refused-stream`.
    pub(crate) refused_stream: bool,
    /// `envoy-ratelimited`.
    pub(crate) rate_limited: bool,
    /// `retriable-4xx`: 409.
    pub(crate) retriable_4xx: bool,
    /// `retriable-status-codes` and the numbers that came with it.
    pub(crate) status_codes: Vec<u16>,
    /// gRPC statuses in the response headers: 1 cancelled, 4 deadline-exceeded, 13 internal, 8
    /// resource-exhausted, 14 unavailable.
    pub(crate) grpc_statuses: Vec<u8>,
}

/// `redirect`.
#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub(crate) code: StatusCode,
    /// Replaces the whole path.
    pub(crate) path: Option<Box<str>>,
    /// Replaces the Host.
    pub(crate) authority: Option<Box<str>>,
    /// Replaces the scheme.
    pub(crate) scheme: Option<Box<str>>,
    /// The port of the location.
    pub(crate) port: RedirectPort,
    /// Changes to the answer.
    pub(crate) response: HeaderOperations,
}

/// The port of a redirect's location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedirectPort {
    /// As in the Host.
    AsSent,
    /// This one.
    Number(u16),
    /// `FROM_REQUEST_PORT`: the Gateway server's.
    OfServer,
}

/// `directResponse`.
#[derive(Clone, Debug)]
pub(crate) struct DirectResponse {
    /// 200 to 599.
    pub(crate) status: StatusCode,
    /// Perhaps empty.
    pub(crate) body: Bytes,
    /// Changes to the answer.
    pub(crate) response: HeaderOperations,
}

/// `corsPolicy`.
#[derive(Clone, Debug)]
pub(crate) struct CorsPolicy {
    /// Any of these.
    pub(crate) origins: Vec<TextMatch>,
    /// `access-control-allow-methods`, joined.
    pub(crate) methods: Box<str>,
    /// `access-control-allow-headers`, joined.
    pub(crate) headers: Box<str>,
    /// `access-control-expose-headers`, joined.
    pub(crate) expose: Box<str>,
    /// `access-control-max-age`, seconds.
    pub(crate) max_age: Option<u64>,
    /// `access-control-allow-credentials`.
    pub(crate) credentials: Option<bool>,
    /// Preflights of other origins go upstream instead of being answered.
    pub(crate) forward_unmatched: bool,
}

/// `fault`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault {
    /// How long, and in how many requests of a million.
    pub(crate) delay: Option<(Duration, u32)>,
    /// What, and in how many requests of a million.
    pub(crate) abort: Option<(AbortWith, u32)>,
}

/// The answer of an injected abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AbortWith {
    /// An HTTP status.
    Http(StatusCode),
    /// A gRPC status; to a request that is not gRPC the answer's status is 200.
    Grpc(u8),
}

/// `mirror` or one of `mirrors`.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    /// As in [`Destination`].
    pub(crate) upstream: Option<usize>,
    /// How many requests of a million.
    pub(crate) per_million: u32,
}
