//! Where connections come in, and which virtual hosts each kind of connection can reach.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::DocumentId;
use super::route::Route;

/// One bound address.
#[derive(Debug)]
pub(crate) struct Listener {
    /// The number in the documents: what `match.port` and redirects see.
    pub(crate) server_port: u16,
    /// Where to bind: the server's `bind` or the process's, and the mapped port (0 = any).
    pub(crate) address: SocketAddr,
    /// Plain, or TLS by server name.
    pub(crate) kind: ListenerKind,
}

/// What is spoken on a listener.
#[derive(Debug)]
pub(crate) enum ListenerKind {
    /// HTTP/1.1 and HTTP/2 with prior knowledge; all servers of the port share one route table.
    Plain(Arc<VirtualHosts>),
    /// TLS; each server has its own route table. A name that no server has gets no answer at all.
    Tls(Vec<TlsServer>),
}

/// One server of a Gateway with TLS.
#[derive(Debug)]
pub(crate) struct TlsServer {
    /// The Gateway it stands in, for messages.
    pub(crate) gateway: DocumentId,
    /// Names it answers to, lower case: `shop.test`, `*.shop.test`, `*`.
    pub(crate) names: Vec<ServerName>,
    /// Certificates and checks.
    pub(crate) tls: ServerTls,
    /// Its own route table.
    pub(crate) hosts: Arc<VirtualHosts>,
}

/// A server name of a TLS server. The most specific one wins: exact, longest wildcard, any.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ServerName {
    /// Exactly this name.
    Exact(Box<str>),
    /// Any name that ends with this text, which begins with a dot.
    Suffix(Box<str>),
    /// Any name, and none.
    Any,
}

/// How a server of a Gateway does TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ServerTls {
    /// Where the certificate and its key are.
    pub(crate) certificate: Credential,
    /// Whether clients show one.
    pub(crate) client: ClientCertificate,
    /// Lowest version.
    pub(crate) min: TlsVersion,
    /// Highest version.
    pub(crate) max: TlsVersion,
    /// TLS 1.2 suites by their OpenSSL names, in order; empty = the default ones.
    pub(crate) cipher_suites: Vec<Box<str>>,
}

/// A certificate by its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Credential {
    /// A Kubernetes secret's name: a directory below `--secrets`. Its CA is `ca.crt` of `<name>-cacert`
    /// if that exists, else `ca.crt` of the same directory.
    Secret(Box<str>),
    /// Files.
    Files {
        /// Certificate and intermediates, PEM.
        certificate: PathBuf,
        /// Private key, PEM.
        key: PathBuf,
        /// CA bundle, PEM.
        ca: Option<PathBuf>,
        /// Revocation lists, PEM.
        crl: Option<PathBuf>,
    },
}

/// `tls.mode` of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientCertificate {
    /// SIMPLE: none is asked for.
    NotAsked,
    /// MUTUAL: required, chain-verified, and one of these SANs if there are any.
    Required(Vec<Box<str>>),
    /// OPTIONAL_MUTUAL without subjectAltNames: none is fine, a bad one is not.
    Optional,
}

/// A TLS version that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TlsVersion {
    /// RFC 5246.
    V1_2,
    /// RFC 8446.
    V1_3,
}

/// The virtual hosts of one route table. The one found is final: no wider one is tried.
#[derive(Debug, Default)]
pub(crate) struct VirtualHosts {
    /// Whole names, lower case, without port.
    pub(crate) exact: HashMap<Box<str>, Arc<VirtualHost>>,
    /// Endings (`.foo.com`, `-x.foo.com`), longest first; at least one more character stands before.
    pub(crate) suffixes: Vec<(Box<str>, Arc<VirtualHost>)>,
    /// `*`.
    pub(crate) any: Option<Arc<VirtualHost>>,
}

/// What one host name offers.
#[derive(Debug, Default)]
pub(crate) struct VirtualHost {
    /// Plain requests are sent to https, whatever the routes say.
    pub(crate) https_redirect: bool,
    /// In order; the first that matches wins.
    pub(crate) routes: Vec<Route>,
}
