//! The client's TLS: trusts the recorded CA, whatever name the certificate has, and tells what was agreed.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, RootCertStore,
    SignatureScheme, SupportedProtocolVersion, version,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::NoHttp;
use crate::material::Material;
use crate::request::Tls;

/// What the handshake agreed on.
pub(crate) struct Negotiated {
    pub(crate) server_cert: Option<String>,
    pub(crate) alpn: Option<String>,
    pub(crate) version: Option<String>,
}

pub(super) async fn connect(
    parameters: &Tls,
    http2: bool,
    stream: TcpStream,
    material: &Material,
) -> Result<(TlsStream<TcpStream>, Negotiated), NoHttp> {
    let mut config = config(parameters, material).map_err(|error| NoHttp(format!("tls: {error}")))?;
    config.enable_sni = parameters.sni.is_some();
    config.alpn_protocols = match &parameters.alpn {
        Some(protocols) => protocols
            .iter()
            .map(|protocol| protocol.clone().into_bytes())
            .collect(),
        None if http2 => vec![b"h2".to_vec()],
        None => vec![b"http/1.1".to_vec()],
    };
    let name = parameters.sni.clone().unwrap_or_else(|| "none.invalid".into());
    let name = ServerName::try_from(name).map_err(|error| NoHttp(format!("sni: {error}")))?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let stream = stream.map_err(|error| NoHttp(format!("tls: {error}")))?;

    let connection = stream.get_ref().1;
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    let negotiated = Negotiated {
        server_cert: certificate.and_then(|c| material.name_of(c)).map(str::to_owned),
        alpn: connection
            .alpn_protocol()
            .map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
        version: connection.protocol_version().map(self::version),
    };
    Ok((stream, negotiated))
}

fn config(parameters: &Tls, material: &Material) -> Result<ClientConfig, Error> {
    let versions: &[&SupportedProtocolVersion] = match (parameters.min.as_deref(), parameters.max.as_deref())
    {
        (Some("1.3"), _) => &[&version::TLS13],
        (_, Some("1.2")) => &[&version::TLS12],
        _ => rustls::ALL_VERSIONS,
    };
    let mut roots = RootCertStore::empty();
    roots.add(material.certificate("ca").clone())?;
    let verifier = WebPkiServerVerifier::builder(roots.into())
        .build()
        .map_err(|e| Error::General(e.to_string()))?;
    let builder = ClientConfig::builder_with_protocol_versions(versions)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyName(verifier)));
    match &parameters.client {
        None => Ok(builder.with_no_client_auth()),
        Some(name) => {
            let (chain, key) = material.identity(name);
            builder.with_client_auth_cert(chain, key)
        }
    }
}

/// As the recorded answers name a version.
pub(crate) fn version(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2".into(),
        ProtocolVersion::TLSv1_3 => "TLSv1.3".into(),
        other => format!("{other:?}"),
    }
}

/// Which certificate a gateway shows is what some cases ask; that it is for another name is then the point.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self
            .0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
