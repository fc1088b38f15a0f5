//! The upstreams behind TLS, and what they record of a connection.

use std::io;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::server::{Acceptor, ServerConfig, WebPkiClientVerifier};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::answer::SeenTls;
use crate::material::Material;

#[derive(Clone, Copy)]
pub(super) struct Secure {
    pub(super) port: u16,
    pub(super) name: &'static str,
    certificate: &'static str,
    asks_for_certificate: bool,
    alpn: &'static [&'static str],
}

pub(super) const UPSTREAMS: [Secure; 5] = [
    Secure {
        port: 31911,
        name: "tls",
        certificate: "upstream",
        asks_for_certificate: false,
        alpn: BOTH,
    },
    Secure {
        port: 31912,
        name: "mtls",
        certificate: "upstream",
        asks_for_certificate: true,
        alpn: BOTH,
    },
    Secure {
        port: 31913,
        name: "mtls-b",
        certificate: "upstream-b",
        asks_for_certificate: true,
        alpn: BOTH,
    },
    Secure {
        port: 31914,
        name: "tls-other-ca",
        certificate: "upstream-other-ca",
        asks_for_certificate: false,
        alpn: HTTP_1,
    },
    Secure {
        port: 31915,
        name: "mtls-http1",
        certificate: "upstream",
        asks_for_certificate: true,
        alpn: HTTP_1,
    },
];

const BOTH: &[&str] = &["h2", "http/1.1"];
const HTTP_1: &[&str] = &["http/1.1"];

/// The recorded upstreams go on without ALPN when no protocol is common; rustls would refuse. So there are two.
pub(super) struct Configs {
    with_alpn: Arc<ServerConfig>,
    without_alpn: Arc<ServerConfig>,
}

impl Configs {
    pub(super) fn new(upstream: &Secure, material: &Material) -> io::Result<Self> {
        let builder = ServerConfig::builder();
        let builder = if upstream.asks_for_certificate {
            let mut roots = RootCertStore::empty();
            roots
                .add(material.certificate("ca").clone())
                .map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder(roots.into())
                .build()
                .map_err(io::Error::other)?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = material.identity(upstream.certificate);
        let without_alpn = builder.with_single_cert(chain, key).map_err(io::Error::other)?;
        let mut with_alpn = without_alpn.clone();
        with_alpn.alpn_protocols = upstream
            .alpn
            .iter()
            .map(|protocol| protocol.as_bytes().to_vec())
            .collect();
        Ok(Self {
            with_alpn: with_alpn.into(),
            without_alpn: without_alpn.into(),
        })
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, SeenTls)> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
            // plain text is no TLS to answer with an alert: the recorded upstreams just closed
            return Err(io::ErrorKind::InvalidData.into());
        }
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let in_common = hello.client_hello().alpn().is_some_and(|mut offered| {
            offered.any(|protocol| self.with_alpn.alpn_protocols.iter().any(|p| p == protocol))
        });
        let config = if in_common {
            &self.with_alpn
        } else {
            &self.without_alpn
        };
        let stream = hello.into_stream(Arc::clone(config)).await?;

        let connection = stream.get_ref().1;
        let client = connection
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(names);
        let seen = SeenTls {
            sni: connection.server_name().map(str::to_owned),
            alpn: connection
                .alpn_protocol()
                .map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            version: connection.protocol_version().map(crate::client::tls::version),
            client,
        };
        Ok((stream, seen))
    }
}

/// The subject alternative names, each with its kind; the common name when there are none.
fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else {
        return Vec::new();
    };
    let uris = certificate.valid_uri_names().map(|name| format!("URI:{name}"));
    let names: Vec<_> = uris
        .chain(certificate.valid_dns_names().map(|name| format!("DNS:{name}")))
        .collect();
    if names.is_empty() {
        common_name(certificate.subject()).into_iter().collect()
    } else {
        names
    }
}

/// The text behind the attribute's object identifier, its tag and its length.
fn common_name(subject: &[u8]) -> Option<String> {
    let start = subject
        .windows(COMMON_NAME.len())
        .rposition(|window| window == COMMON_NAME)?
        + COMMON_NAME.len();
    let &[_, length, ref text @ ..] = subject.get(start..)? else {
        return None;
    };
    text.get(..usize::from(length))
        .map(|text| String::from_utf8_lossy(text).into_owned())
}

/// 2.5.4.3 in DER.
const COMMON_NAME: [u8; 5] = [6, 3, 0x55, 4, 3];
/// The record type every TLS connection begins with, RFC 8446 §5.1.
const HANDSHAKE: u8 = 22;
