//! TLS towards upstreams: what we show, what we trust, and which names the server must have.
//!
//! Dial address, server name and Host are three separate things. The chain is rustls' to verify; which
//! name counts is the DestinationRule's (istio-semantics, "tls"): listed names, the Host, or none.

use std::sync::Arc;

use anyhow::Context;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime};
use rustls::{CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::certificate::Certificate;
use super::material::Files;
use super::{H2, HTTP_1_1};
use crate::plan::listener::TlsVersion;
use crate::plan::upstream::{Trust, UpstreamTls, VerifyName};

/// TLS towards one upstream, ready for handshakes.
#[derive(Debug)]
pub(crate) struct Originator {
    /// Offers `http/1.1`.
    pub(crate) http1: Arc<ClientConfig>,
    /// Offers `h2`.
    pub(crate) http2: Arc<ClientConfig>,
    /// Counts the swaps: connections made with another certificate are other connections.
    pub(crate) generation: u64,
    /// When our own certificate ends, in seconds since the epoch.
    pub(crate) not_after: Option<i64>,
}

impl Originator {
    /// Builds from what the files hold. `upstream` is for messages.
    pub(crate) fn build(
        tls: &UpstreamTls,
        files: &Files,
        upstream: &str,
        generation: u64,
    ) -> anyhow::Result<Originator> {
        // at the start one upstream that will refuse us is no reason to serve none; later what works stays
        if generation > 0 {
            files.valid_now()?;
        }
        let builder = ClientConfig::builder_with_provider(preferences())
            .with_protocol_versions(&super::versions(TlsVersion::V1_2, TlsVersion::V1_3))
            .context("no TLS version")?
            .dangerous()
            .with_custom_certificate_verifier(verifier(tls, files, upstream)?);
        let mut config = match files.certified_key()? {
            Some(key) => {
                builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        let mut http2 = config.clone();
        http2.alpn_protocols = vec![H2.to_vec()];
        // a session of one protocol is no good for the other
        http2.resumption = rustls::client::Resumption::in_memory_sessions(64);
        Ok(Originator {
            http1: Arc::new(config),
            http2: Arc::new(http2),
            generation,
            not_after: files.leaf().map(|leaf| leaf.not_after),
        })
    }
}

/// AES-128 first, as Envoy offers it: the others are slower and, in TLS, no safer.
fn preferences() -> Arc<CryptoProvider> {
    let mut provider = (*super::provider()).clone();
    provider
        .cipher_suites
        .sort_by_key(|suite| !AES_128.contains(&suite.suite()));
    Arc::new(provider)
}

const AES_128: [CipherSuite; 3] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

/// The name for the handshake. An address is no SNI, and neither is nothing: rustls sends none for an
/// address, so an address stands for both.
pub(crate) fn server_name(sni: Option<&str>) -> ServerName<'static> {
    sni.and_then(|sni| ServerName::try_from(sni.to_owned()).ok())
        .unwrap_or(ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0; 4]))))
}

fn verifier(tls: &UpstreamTls, files: &Files, upstream: &str) -> anyhow::Result<Arc<dyn ServerCertVerifier>> {
    if tls.trust == Trust::Nothing {
        return Ok(Arc::new(Nothing(super::provider())));
    }
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(files.roots()?), super::provider())
        .with_crls(files.crls()?)
        .allow_unknown_revocation_status()
        .build()
        .context("the CA's certificates or revocation lists cannot be used")?;
    Ok(Arc::new(NamedServer {
        chain,
        names: tls.verify.clone(),
        upstream: upstream.into(),
    }))
}

/// The chain's verifier, and then the names that the DestinationRule asks for.
#[derive(Debug)]
struct NamedServer {
    chain: Arc<WebPkiServerVerifier>,
    names: VerifyName,
    upstream: Box<str>,
}

impl ServerCertVerifier for NamedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by_host =
            self.chain
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        // the name is looked at last, so this error says that the chain is good
        let host_fits = match by_host {
            Ok(_) => true,
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => false,
            Err(error) => return Err(error),
        };
        let certificate = Certificate::read(end_entity).unwrap_or_default();
        let (fits, wanted) = match &self.names {
            VerifyName::ChainOnly => (true, String::new()),
            VerifyName::Host => (host_fits, format!("the Host {}", server_name.to_str())),
            VerifyName::AnyOf { names, and_host } => (
                names.iter().any(|name| certificate.has_name(name)) && (host_fits || !and_host),
                match and_host {
                    true => format!("{} and the Host {}", names.join(" or "), server_name.to_str()),
                    false => names.join(" or "),
                },
            ),
        };
        if fits {
            return Ok(ServerCertVerified::assertion());
        }
        tracing::warn!(
            "upstream {}: its certificate has {}, wanted is {wanted} (DestinationRule subjectAltNames)",
            self.upstream,
            certificate.names()
        );
        Err(Error::InvalidCertificate(CertificateError::NotValidForName))
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

/// `insecureSkipVerify`: any certificate will do, if its owner has the key.
#[derive(Debug)]
struct Nothing(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Nothing {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
