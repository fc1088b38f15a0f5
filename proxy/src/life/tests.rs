//! A whole process from a plan made by hand: one listener, one upstream.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::plan::DocumentId;
use crate::plan::listener::{
    ClientCertificate, Credential, Listener, ListenerKind, ServerName, ServerTls, TlsServer, TlsVersion,
    VirtualHost, VirtualHosts,
};
use crate::plan::route::{Action, Destination, Forward, Headers, RequestMatch, Route};
use crate::plan::upstream::{
    Address, Balance, Endpoint, Endpoints, PoolLimits, Protocol, Trust, UpstreamSpec, UpstreamTls, VerifyName,
};

fn plan(upstream: SocketAddr) -> Plan {
    let document = DocumentId {
        kind: "VirtualService",
        namespace: "test".into(),
        name: "web".into(),
        file: "test".into(),
    };
    let destination = Destination {
        weight: 1,
        upstream: Some(0),
        name: "a.test:80".into(),
        headers: Headers::default(),
        authority: None,
        hash: None,
    };
    let forward = Forward {
        destinations: vec![destination],
        timeout: None,
        retry: None,
        path_rewrite: None,
        authority_rewrite: None,
        headers: Headers::default(),
        cors: None,
        fault: None,
        mirrors: Vec::new(),
    };
    let route = Route {
        document,
        name: "http[0]".into(),
        matches: RequestMatch::default(),
        action: Arc::new(Action::Forward(Box::new(forward))),
    };
    let host = VirtualHost {
        https_redirect: false,
        routes: vec![route],
    };
    let hosts = VirtualHosts {
        exact: HashMap::from([("web.test".into(), Arc::new(host))]),
        ..VirtualHosts::default()
    };
    Plan {
        listeners: vec![Listener {
            server_port: 80,
            address: "127.0.0.1:0".parse().unwrap(),
            kind: ListenerKind::Plain(Arc::new(hosts)),
        }],
        upstreams: vec![Arc::new(UpstreamSpec {
            host: "a.test".into(),
            port: 80,
            subset: None,
            endpoints: Endpoints::Static(vec![Endpoint {
                address: Address::Ip(upstream),
                weight: 1,
            }]),
            protocol: Protocol::Http1,
            tls: None,
            connect_timeout: Duration::from_secs(1),
            limits: PoolLimits::default(),
            balance: Balance::default(),
            outlier: None,
        })],
        ..Plan::default()
    }
}

/// Answers every request with the number of the connection that it came on.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while stream.read_buf(&mut head).await.unwrap_or(0) > 0 {
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

async fn get(address: SocketAddr, host: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn settings(plan: impl Fn() -> Plan + Send + Sync + 'static, secrets: Secrets) -> Settings {
    Settings {
        admin: "127.0.0.1:0".parse().unwrap(),
        secrets,
        documents: Documents {
            paths: Vec::new(),
            load: Arc::new(move || Ok(plan())),
        },
        poll: Duration::from_secs(60),
        connections: 100,
        access: AccessLog::off(),
        service: "proxy".into(),
    }
}

#[tokio::test]
async fn a_request_goes_through_and_the_upstream_connection_is_used_again() {
    let upstream = upstream().await;
    let bound = Bound::new(settings(move || plan(upstream), Secrets::default())).unwrap();
    let addresses = bound.addresses();
    let (trigger, shutdown) = Shutdown::manual();
    let running = tokio::spawn(bound.run(shutdown));
    let address = addresses.listeners[0].1;
    for _ in 0..3 {
        let answer = get(address, "web.test").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("server: istio-envoy\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n1"), "{answer}");
    }
    let answer = get(address, "other.test").await;
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    assert!(answer.contains("content-length: 0\r\n"), "{answer}");
    let metrics = get_path(addresses.admin, "/metrics").await;
    assert!(
        metrics.contains(r#"proxy_requests_total{route="test/web http[0]",code="200",flag="-"} 3"#),
        "{metrics}"
    );
    trigger.stop();
    running.await.unwrap();
}

async fn get_path(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A certificate authority, and directories of its certificates as Kubernetes secrets.
struct Pki {
    ca: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
    directory: std::path::PathBuf,
}

impl Pki {
    fn new(name: &str) -> Pki {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let ca = rcgen::CertifiedIssuer::self_signed(parameters, key).unwrap();
        let directory = std::env::temp_dir().join(format!("proxy-{name}-{}", std::process::id()));
        Pki { ca, directory }
    }

    fn secret(&self, name: &str, san: rcgen::SanType) {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.subject_alt_names = vec![san];
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.ca).unwrap();
        let directory = self.directory.join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("tls.crt"), certificate.pem()).unwrap();
        std::fs::write(directory.join("tls.key"), key.serialize_pem()).unwrap();
        std::fs::write(directory.join("ca.crt"), self.ca.pem()).unwrap();
    }

    fn secrets(&self) -> Secrets {
        Secrets {
            directory: Some(self.directory.clone()),
            system_roots: None,
        }
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn uri(text: &str) -> rcgen::SanType {
    rcgen::SanType::URI(text.try_into().unwrap())
}

fn dns(text: &str) -> rcgen::SanType {
    rcgen::SanType::DnsName(text.try_into().unwrap())
}

/// The same routes behind mutual TLS with one accepted client name.
fn gateway(upstream: SocketAddr) -> Plan {
    let mut plan = plan(upstream);
    let ListenerKind::Plain(hosts) = &plan.listeners[0].kind else {
        unreachable!()
    };
    let server = TlsServer {
        gateway: DocumentId {
            kind: "Gateway",
            namespace: "test".into(),
            name: "web".into(),
            file: "test".into(),
        },
        names: vec![ServerName::Exact("web.test".into())],
        tls: ServerTls {
            certificate: Credential::Secret("gateway".into()),
            client: ClientCertificate::Required(vec!["spiffe://test/proxy".into()]),
            min: TlsVersion::V1_3,
            max: TlsVersion::V1_3,
            cipher_suites: Vec::new(),
        },
        hosts: hosts.clone(),
    };
    plan.listeners[0].kind = ListenerKind::Tls(vec![server]);
    plan
}

/// A plain listener whose upstream is the gateway, over mutual TLS.
fn egress(gateway: SocketAddr, certificate: &str, sni: &str, names: &[&str]) -> Plan {
    let mut plan = plan(gateway);
    let mut spec = (*plan.upstreams[0]).clone();
    spec.tls = Some(UpstreamTls {
        certificate: Some(Credential::Secret(certificate.into())),
        trust: Trust::Secret(certificate.into()),
        sni: Some(sni.into()),
        verify: VerifyName::AnyOf {
            names: names.iter().map(|name| (*name).into()).collect(),
            and_host: false,
        },
    });
    plan.upstreams[0] = Arc::new(spec);
    plan
}

/// Starts a process and tells its first listener and its admin address. It ends with the trigger.
fn start(settings: Settings) -> (SocketAddr, SocketAddr, chassis::shutdown::Trigger) {
    let bound = Bound::new(settings).unwrap();
    let addresses = bound.addresses();
    let (trigger, shutdown) = Shutdown::manual();
    tokio::spawn(bound.run(shutdown));
    (addresses.listeners[0].1, addresses.admin, trigger)
}

#[tokio::test]
async fn only_the_pinned_client_gets_through_mutual_tls_and_only_to_the_named_server() {
    let pki = Pki::new("mtls");
    pki.secret("gateway", dns("web.test"));
    pki.secret("client", uri("spiffe://test/proxy"));
    pki.secret("stranger", uri("spiffe://test/stranger"));
    let upstream = upstream().await;
    let (far, _, _gateway) = start(settings(move || gateway(upstream), pki.secrets()));
    let connect = |certificate: &'static str, sni: &'static str, name: &'static str| {
        let plan = move || egress(far, certificate, sni, &[name]);
        start(settings(plan, pki.secrets()))
    };

    let (address, admin, _trigger) = connect("client", "web.test", "web.test");
    let answer = get(address, "web.test").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let startup = get_path(admin, "/health/startup").await;
    assert!(startup.contains("started"), "an exchange proves it: {startup}");

    let (address, admin, _trigger) = connect("stranger", "web.test", "web.test");
    let answer = get(address, "web.test").await;
    assert!(
        answer.ends_with("reset reason: connection termination"),
        "{answer}"
    );
    let startup = get_path(admin, "/health/startup").await;
    assert!(startup.starts_with("HTTP/1.1 503"), "{startup}");

    for (sni, name) in [("web.test", "other.test"), ("unknown.test", "web.test")] {
        let (address, _, _trigger) = connect("client", sni, name);
        let answer = get(address, "web.test").await;
        assert!(
            answer.ends_with("reset reason: remote connection failure"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_key_of_another_certificate_stops_the_start_and_names_its_file() {
    let pki = Pki::new("fit");
    pki.secret("gateway", dns("web.test"));
    pki.secret("other", dns("web.test"));
    let key = pki.directory.join("gateway/tls.key");
    std::fs::copy(pki.directory.join("other/tls.key"), &key).unwrap();
    let plan = || gateway("127.0.0.1:1".parse().unwrap());
    let error = Bound::new(settings(plan, pki.secrets())).err().unwrap();
    let text = format!("{error:#}");
    assert!(text.starts_with("Gateway/web.test (test): "), "{text}");
    assert!(text.contains(&key.display().to_string()), "{text}");
    assert!(text.contains("does not belong to the certificate"), "{text}");
}

#[tokio::test]
async fn a_part_of_the_housekeeping_that_fails_does_not_end_it() {
    survive(|| panic!("a defect")).await;
    let done = Arc::new(std::sync::OnceLock::new());
    let told = done.clone();
    survive(move || told.set(()).unwrap()).await;
    assert!(done.get().is_some());
}
