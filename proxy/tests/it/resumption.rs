//! TLS sessions that are taken up again were judged by the CA of their time, so they end with it.

use std::sync::Arc;

use rustls::HandshakeKind;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::{Documents, Running, connector, pki, tls_gateway, upstream};

/// A client with a certificate of the CA, and sessions of its own.
fn client(version: &'static rustls::SupportedProtocolVersion) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    let all = CertificateDer::pem_file_iter(pki("ca.crt")).unwrap();
    roots.add_parsable_certificates(all.map(Result::unwrap));
    let chain = CertificateDer::pem_file_iter(pki("client.crt")).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(pki("client.key")).unwrap();
    let config = builder
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    TlsConnector::from(Arc::new(config))
}

/// One request over a connection of its own: how its session began, if the client was let in.
async fn ask(connector: &TlsConnector, running: &Running) -> Option<HandshakeKind> {
    let stream = TcpStream::connect(running.tls.unwrap()).await.unwrap();
    let mut stream = connector
        .connect("shop.test".try_into().unwrap(), stream)
        .await
        .ok()?;
    let request = b"GET / HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answered = answer.starts_with(b"HTTP/1.1 200 ");
    answered.then(|| stream.get_ref().1.handshake_kind().unwrap())
}

#[tokio::test]
async fn a_session_ends_with_the_ca_that_admitted_it() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let documents = Documents::plain(upstream().await);
        let ca = documents.path().join("ca.crt");
        std::fs::copy(pki("ca.crt"), &ca).unwrap();
        let mutual = format!("mode: MUTUAL\n      caCertificates: {}", ca.display());
        documents.write("tls.yaml", &tls_gateway().replace("mode: SIMPLE", &mutual));
        let running = documents.start().await;
        let known = client(version);
        assert_eq!(ask(&known, &running).await, Some(HandshakeKind::Full));
        assert_eq!(ask(&known, &running).await, Some(HandshakeKind::Resumed));
        let swapped = std::fs::read(pki("other-ca.crt")).unwrap();
        std::fs::write(&ca, swapped).unwrap();
        // a client without a session tells when the new CA is in use
        while ask(&client(version), &running).await.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(ask(&known, &running).await, None, "{version:?}");
        assert_eq!(ask(&connector(), &running).await, None, "no certificate");
    }
}
