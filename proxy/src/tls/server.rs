//! TLS towards clients: which server a ClientHello means, and whether its client may come in.
//!
//! A client certificate is judged inside the handshake, its names too, so that a refusal is a TLS alert
//! and never an HTTP answer.

use std::sync::Arc;

use anyhow::Context;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoClientAuth, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};

use super::certificate::Certificate;
use super::material::Files;
use super::{H2, HTTP_1_1};
use crate::plan::listener::{ClientCertificate, ServerName, ServerTls, TlsServer};

/// A server's TLS, ready for handshakes.
#[derive(Debug)]
pub(crate) struct Terminator {
    /// Offers `h2`, then `http/1.1`.
    http: Arc<ServerConfig>,
    /// Offers nothing, for clients whose own offer overlaps with none of these: rustls would end the
    /// handshake (RFC 7301, section 3.2), Envoy goes on without ALPN, and so do we.
    silent: Arc<ServerConfig>,
    /// The first URI name of our own certificate, for `By=`.
    pub(crate) uri: Option<String>,
    /// When our own certificate ends, in seconds since the epoch.
    pub(crate) not_after: i64,
}

impl Terminator {
    /// Builds from what the files hold.
    pub(crate) fn build(tls: &ServerTls, files: &Files) -> anyhow::Result<Terminator> {
        let key = files.certified_key()?.context("no certificate")?;
        files.valid_now()?;
        let mut provider = rustls::crypto::ring::default_provider();
        restrict(&mut provider.cipher_suites, &tls.cipher_suites);
        let provider = Arc::new(provider);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&super::versions(tls.min, tls.max))
            .context("no TLS version is left between minimum and maximum")?
            .with_client_cert_verifier(verifier(&tls.client, files)?)
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key)));
        config.ignore_client_order = !tls.cipher_suites.is_empty();
        // tickets are bound to this configuration: another CA or pin means another ticketer
        config.ticketer = rustls::crypto::ring::Ticketer::new().context("no ticket key")?;
        let silent = Arc::new(config.clone());
        config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
        let leaf = files.leaf().unwrap_or_default();
        Ok(Terminator {
            http: Arc::new(config),
            silent,
            uri: leaf.uris.into_iter().next(),
            not_after: leaf.not_after,
        })
    }

    /// The configuration for one ClientHello.
    pub(crate) fn config(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let known = |offered: &[u8]| offered == H2 || offered == HTTP_1_1;
        let speaks = hello.alpn().is_none_or(|mut offered| offered.any(known));
        if speaks {
            self.http.clone()
        } else {
            self.silent.clone()
        }
    }
}

/// The server that a name means: exactly this name, else the longest ending, else any.
pub(crate) fn by_name(servers: &[TlsServer], sni: Option<&str>) -> Option<usize> {
    let rank = |name: &ServerName| match (name, sni) {
        (ServerName::Exact(name), Some(sni)) if **name == *sni => Some(usize::MAX),
        (ServerName::Suffix(end), Some(sni)) if sni.len() > end.len() && sni.ends_with(&**end) => {
            Some(end.len())
        }
        (ServerName::Any, _) => Some(0),
        _ => None,
    };
    let best = |server: &TlsServer| server.names.iter().filter_map(rank).max();
    let ranked = servers
        .iter()
        .enumerate()
        .filter_map(|(at, server)| Some((best(server)?, at)));
    // the first of equals, as in Istio; the documents' check refuses them anyway
    ranked
        .max_by_key(|(rank, at)| (*rank, std::cmp::Reverse(*at)))
        .map(|(_, at)| at)
}

fn verifier(client: &ClientCertificate, files: &Files) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let (pins, required) = match client {
        ClientCertificate::NotAsked => return Ok(Arc::new(NoClientAuth)),
        ClientCertificate::Required(names) => (names.clone(), true),
        ClientCertificate::Optional => (Vec::new(), false),
    };
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(files.roots()?), super::provider())
        .with_crls(files.crls()?)
        .allow_unknown_revocation_status();
    let builder = if required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    let chain = builder
        .build()
        .context("the CA's certificates or revocation lists cannot be used")?;
    Ok(Arc::new(PinnedClient { chain, pins }))
}

/// The chain's verifier, and then the names: any of the pins, if there are any.
#[derive(Debug)]
struct PinnedClient {
    chain: Arc<dyn ClientCertVerifier>,
    pins: Vec<Box<str>>,
}

impl ClientCertVerifier for PinnedClient {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        if self.pins.is_empty() {
            return Ok(verified);
        }
        let certificate = Certificate::read(end_entity).unwrap_or_default();
        if self.pins.iter().any(|pin| certificate.has_name(pin)) {
            return Ok(verified);
        }
        tracing::warn!(
            "a client's certificate of the right CA has {}, wanted is {} (Gateway subjectAltNames)",
            certificate.names(),
            self.pins.join(" or ")
        );
        Err(Error::InvalidCertificate(
            CertificateError::ApplicationVerificationFailure,
        ))
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.chain.client_auth_mandatory()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Keeps the TLS 1.2 suites that are listed, in that order; names that we do not know do not count, and
/// a list of which nothing is left is no list (as Istio treats one).
fn restrict(suites: &mut Vec<rustls::SupportedCipherSuite>, wanted: &[Box<str>]) {
    let listed: Vec<_> = wanted.iter().filter_map(|name| suite(name)).collect();
    if !listed.is_empty() {
        suites.retain(|suite| suite.tls13().is_some());
        suites.extend(listed);
    }
}

fn suite(name: &str) -> Option<rustls::SupportedCipherSuite> {
    use rustls::crypto::ring::cipher_suite as suites;
    Some(match name {
        "ECDHE-ECDSA-AES128-GCM-SHA256" => suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-AES256-GCM-SHA384" => suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-ECDSA-CHACHA20-POLY1305" => suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-RSA-AES128-GCM-SHA256" => suites::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-RSA-AES256-GCM-SHA384" => suites::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-RSA-CHACHA20-POLY1305" => suites::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::DocumentId;
    use crate::plan::listener::{Credential, TlsVersion, VirtualHosts};

    fn server(names: Vec<ServerName>) -> TlsServer {
        TlsServer {
            gateway: DocumentId {
                kind: "Gateway",
                namespace: "n".into(),
                name: "g".into(),
                file: "f".into(),
            },
            names,
            tls: ServerTls {
                certificate: Credential::Secret("s".into()),
                client: ClientCertificate::NotAsked,
                min: TlsVersion::V1_2,
                max: TlsVersion::V1_3,
                cipher_suites: Vec::new(),
            },
            hosts: Arc::new(VirtualHosts::default()),
        }
    }

    #[test]
    fn the_most_specific_name_wins() {
        let servers = [
            server(vec![ServerName::Suffix(".test".into())]),
            server(vec![ServerName::Suffix(".shop.test".into())]),
            server(vec![ServerName::Exact("shop.test".into())]),
        ];
        for (sni, wanted) in [
            (Some("shop.test"), Some(2)),
            (Some("a.shop.test"), Some(1)),
            (Some("a.b.shop.test"), Some(1)),
            (Some("other.test"), Some(0)),
            (Some(".test"), None),
            (Some("test"), None),
            (None, None),
        ] {
            assert_eq!(by_name(&servers, sni), wanted, "{sni:?}");
        }
        let any = [server(vec![ServerName::Any])];
        assert_eq!(by_name(&any, None), Some(0));
        assert_eq!(by_name(&any, Some("x")), Some(0));
    }
}
