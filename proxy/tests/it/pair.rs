//! Two proxies with mutual TLS between them, as in the system: one sends, the other is the gateway.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};

use crate::harness::{Documents, Records, Running};

/// Who the sender is.
pub(crate) const SENDER: &str = "spiffe://test/ns/near/sa/proxy";

/// A client's request goes to `near`, which has seen that its upstream is there, over mutual TLS to `far`, and from there to an upstream.
pub(crate) struct Pair {
    pub(crate) near: Running,
    pub(crate) near_log: Records,
    pub(crate) far: Running,
    pub(crate) far_log: Records,
    pub(crate) pki: PathBuf,
    _documents: [Documents; 2],
}

impl Pair {
    /// With more documents for the gateway.
    pub(crate) async fn start(upstream: SocketAddr, more: &str) -> Pair {
        let mut pair = Pair::begin(upstream, more).await;
        pair.near.started().await;
        assert_eq!(
            pair.far_log.next().await.method,
            "HEAD",
            "how it learnt that its upstream is there"
        );
        pair
    }

    /// The same while `near` is still asking whether its upstream is there.
    pub(crate) async fn begin(upstream: SocketAddr, more: &str) -> Pair {
        let far_documents = Documents::plain(upstream);
        let pki = far_documents.path().join("pki");
        let ca = issuer();
        certificate(
            &ca,
            &pki.join("web"),
            "gateway",
            SanType::DnsName("web.test".try_into().unwrap()),
        );
        certificate(
            &ca,
            &pki.join("near"),
            "near",
            SanType::URI(SENDER.try_into().unwrap()),
        );
        far_documents.write("gateway.yaml", GATEWAY);
        if !more.is_empty() {
            far_documents.write("more.yaml", more);
        }
        let secrets = ["--secrets", pki.to_str().unwrap()];
        let (far, far_log) = far_documents.start_logged(&secrets).await;
        let near_documents = Documents::plain(far.address);
        let rule = RULE.replace("PKI", pki.join("near").to_str().unwrap());
        near_documents.write("rule.yaml", &rule);
        let (near, near_log) = near_documents.start_logged(&[]).await;
        Pair {
            near,
            near_log,
            far,
            far_log,
            pki,
            _documents: [far_documents, near_documents],
        }
    }
}

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, "test CA");
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

fn certificate(ca: &CertifiedIssuer<'static, KeyPair>, directory: &Path, name: &str, san: SanType) {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.subject_alt_names = vec![san];
    parameters.serial_number = Some(vec![0x5e, 0x1a].into());
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2099, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, ca).unwrap();
    std::fs::create_dir_all(directory).unwrap();
    std::fs::write(directory.join("tls.crt"), certificate.pem()).unwrap();
    std::fs::write(directory.join("tls.key"), key.serialize_pem()).unwrap();
    std::fs::write(directory.join("ca.crt"), ca.pem()).unwrap();
}

const GATEWAY: &str = r#"
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: test}
spec:
  selector: {istio: ingress}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [web.test]
    tls:
      mode: MUTUAL
      credentialName: web
      subjectAltNames: ["spiffe://test/ns/near/sa/proxy"]
"#;

const RULE: &str = r#"
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: test}
spec:
  host: a.test
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 3, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 100}
    tls:
      mode: MUTUAL
      clientCertificate: PKI/tls.crt
      privateKey: PKI/tls.key
      caCertificates: PKI/ca.crt
      sni: web.test
      subjectAltNames: [web.test]
"#;
