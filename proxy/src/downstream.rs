//! What is known of a connection before its first request: addresses, TLS, and who the peer is.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderValue;

/// The facts of one accepted connection.
#[derive(Clone, Debug)]
pub(crate) struct Downstream {
    /// The socket's peer.
    pub(crate) remote: SocketAddr,
    /// Its address as headers have it: made once, sent with every request.
    pub(crate) address: HeaderValue,
    /// The socket's own end.
    pub(crate) local: SocketAddr,
    /// The number of the Gateway server in the documents.
    pub(crate) server_port: u16,
    /// What the handshake told; none = plain text.
    pub(crate) tls: Option<Tls>,
}

/// What a handshake told.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// The server name, lower case.
    pub(crate) sni: Option<Box<str>>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub(crate) version: &'static str,
    /// The verified client certificate.
    pub(crate) peer: Option<Arc<Peer>>,
}

/// A client certificate that was verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peer {
    /// URI names, in order.
    pub(crate) uris: Vec<String>,
    /// DNS names, in order.
    pub(crate) dns: Vec<String>,
    /// E-mail addresses and IP addresses.
    pub(crate) others: Vec<String>,
    /// The subject, RFC 2253, most specific first: `CN=proxy,O=Acme`.
    pub(crate) subject: String,
    /// The issuer, the same way.
    pub(crate) issuer: String,
    /// The whole `x-forwarded-client-cert` value that names this peer.
    pub(crate) forwarded: String,
}

impl Downstream {
    /// A plain connection.
    pub(crate) fn new(remote: SocketAddr, local: SocketAddr, server_port: u16) -> Downstream {
        Downstream {
            remote,
            address: text(remote.ip().to_canonical()),
            local,
            server_port,
            tls: None,
        }
    }

    /// The own end's address as headers have it.
    pub(crate) fn local_address(&self) -> HeaderValue {
        text(self.local.ip())
    }
}

fn text(address: IpAddr) -> HeaderValue {
    HeaderValue::from_str(&address.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
impl Downstream {
    /// A plain connection, or one with TLS and perhaps a client certificate.
    pub(crate) fn example(tls: Option<(&str, Option<Peer>)>) -> Downstream {
        let (remote, local) = ("127.0.0.2:5000", "127.0.0.1:31080");
        Downstream {
            tls: tls.map(|(sni, peer)| Tls {
                sni: Some(sni.into()),
                version: "TLSv1.3",
                peer: peer.map(Arc::new),
            }),
            ..Downstream::new(remote.parse().unwrap(), local.parse().unwrap(), 31080)
        }
    }
}
