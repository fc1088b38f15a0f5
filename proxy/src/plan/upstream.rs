//! Where requests go: endpoints, how a connection to them is made, and how much of it there may be.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;

use super::listener::Credential;

/// One destination: a host of the registry, a port, perhaps a subset. What is equal here may share
/// connections over a reload; everything that makes two connections different is therefore part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UpstreamSpec {
    /// The host as the documents define it.
    pub(crate) host: Box<str>,
    /// The service port.
    pub(crate) port: u16,
    /// The subset's name.
    pub(crate) subset: Option<Box<str>>,
    /// Where it really is.
    pub(crate) endpoints: Endpoints,
    /// HTTP version towards it.
    pub(crate) protocol: Protocol,
    /// None = plain text.
    pub(crate) tls: Option<UpstreamTls>,
    /// TCP and TLS handshake together; 10 s unless told otherwise.
    pub(crate) connect_timeout: Duration,
    /// Bounds.
    pub(crate) limits: PoolLimits,
    /// How an endpoint is chosen.
    pub(crate) balance: Balance,
    /// When an endpoint is left out.
    pub(crate) outlier: Option<OutlierDetection>,
}

impl UpstreamSpec {
    /// `host:port[:subset]`, for logs and metrics.
    pub(crate) fn name(&self) -> String {
        match &self.subset {
            Some(subset) => format!("{}:{}:{subset}", self.host, self.port),
            None => format!("{}:{}", self.host, self.port),
        }
    }
}

/// `resolution` and `endpoints` of a ServiceEntry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Endpoints {
    /// Addresses; none = 503 `no healthy upstream`.
    Static(Vec<Endpoint<Address>>),
    /// Names that are looked up; every address of every name is an endpoint. `first_only` is
    /// DNS_ROUND_ROBIN: the first address serves new connections.
    Dns {
        /// The names, with their ports.
        names: Vec<Endpoint<(Box<str>, u16)>>,
        /// Only the first address of the one name counts.
        first_only: bool,
    },
}

/// An endpoint and its share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint<A> {
    /// Where it is.
    pub(crate) address: A,
    /// Its share; 0 and unset are 1.
    pub(crate) weight: u32,
}

/// An address that needs no lookup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    /// IP and port.
    Ip(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

/// The HTTP version towards an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    /// HTTP/1.1; ALPN offers `http/1.1`.
    Http1,
    /// HTTP/2, by prior knowledge; ALPN offers `h2` and its answer is not looked at.
    Http2,
    /// What the client speaks (`useClientProtocol`).
    AsClient,
}

/// `tls` of a DestinationRule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UpstreamTls {
    /// MUTUAL: what we show.
    pub(crate) certificate: Option<Credential>,
    /// What the server's chain must end in.
    pub(crate) trust: Trust,
    /// The literal SNI; none = the Host after rewrite, without port, unless it is an address.
    pub(crate) sni: Option<Box<str>>,
    /// What the server's certificate must name.
    pub(crate) verify: VerifyName,
}

/// Roots for a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trust {
    /// A PEM file, and perhaps revocation lists.
    File {
        /// CA bundle.
        ca: PathBuf,
        /// Revocation lists.
        crl: Option<PathBuf>,
    },
    /// The CA of a secret (see [`Credential::Secret`]).
    Secret(Box<str>),
    /// The operating system's.
    System,
    /// `insecureSkipVerify`: none, and no check at all.
    Nothing,
}

/// Which names of the server's certificate are checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum VerifyName {
    /// Any of these, exact, over DNS, URI, IP and e-mail names; and also the Host if so told.
    AnyOf {
        /// The names.
        names: Vec<Box<str>>,
        /// The certificate must cover the Host too (names from the ServiceEntry, `sni` unset).
        and_host: bool,
    },
    /// The Host after rewrite.
    Host,
    /// `sni` set, `subjectAltNames` not: only the chain is verified.
    ChainOnly,
}

/// `connectionPool`; none = no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct PoolLimits {
    /// HTTP/1.1 connections to all endpoints together.
    pub(crate) max_connections: Option<u32>,
    /// Requests that wait for a connection.
    pub(crate) max_pending: Option<u32>,
    /// Requests at a time.
    pub(crate) max_requests: Option<u32>,
    /// Requests of one connection before it is closed.
    pub(crate) max_requests_per_connection: Option<u32>,
    /// Retries at a time.
    pub(crate) max_retries: Option<u32>,
    /// Share of active requests, in percent, and least number: replaces `max_retries`.
    pub(crate) retry_budget: Option<(u32, u32)>,
    /// An idle connection is closed after this; 1 h unless told otherwise.
    pub(crate) idle_timeout: Option<Duration>,
    /// A connection is closed after this.
    pub(crate) max_connection_duration: Option<Duration>,
    /// Streams of one HTTP/2 connection.
    pub(crate) max_streams: Option<u32>,
    /// Questions to a silent peer.
    pub(crate) keepalive: Option<Keepalive>,
}

/// TCP keep-alive; what is none is the operating system's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Keepalive {
    /// After so much silence the peer is asked; whole seconds.
    pub(crate) time: Option<Duration>,
    /// Between two questions; whole seconds.
    pub(crate) interval: Option<Duration>,
    /// So many without an answer end the connection.
    pub(crate) probes: Option<u32>,
}

/// `loadBalancer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Balance {
    /// The less busy of two drawn at random.
    #[default]
    LeastRequest,
    /// In turn, by weight.
    RoundRobin,
    /// At random.
    Random,
    /// By a ring of at least this many entries.
    RingHash(u64),
    /// By a Maglev table of this size.
    Maglev(u64),
}

/// What consistent hashing hashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HashKey {
    /// A header's value.
    Header(HeaderName),
    /// A cookie; with a lifetime, one is made when it is missing.
    Cookie {
        /// Its name.
        name: Box<str>,
        /// Its path attribute.
        path: Box<str>,
        /// Its lifetime; zero is a session cookie.
        ttl: Option<Duration>,
    },
    /// The socket peer.
    SourceIp,
    /// A query parameter, raw.
    Query(Box<str>),
}

/// `outlierDetection`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OutlierDetection {
    /// 5xx in a row; 0 = off.
    pub(crate) consecutive_5xx: u32,
    /// 502, 503, 504 in a row; 0 = off.
    pub(crate) consecutive_gateway: u32,
    /// Failures of our own making in a row, when they are counted apart.
    pub(crate) consecutive_local: Option<u32>,
    /// How often ejected endpoints are looked at.
    pub(crate) interval: Duration,
    /// Times the number of ejections.
    pub(crate) base_ejection: Duration,
    /// At most so many per cent may be out.
    pub(crate) max_ejection_percent: u32,
    /// Below so many per cent healthy, ejections do not count.
    pub(crate) min_health_percent: u32,
}
