//! A process on port 0 from documents in a directory of its own, an upstream, and a client of few words.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chassis::access::{AccessLog, Record};
use chassis::env::Env;
use chassis::shutdown::{Shutdown, Trigger};
use clap::Parser;
use proxy::{Arguments, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// Whatever a test waits for takes no longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// Documents on disk, gone with the test.
pub(crate) struct Documents(PathBuf);

/// A running proxy.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// Where the server with port 443 listens, if there is one.
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) admin: SocketAddr,
    pub(crate) trigger: Trigger,
    pub(crate) task: JoinHandle<()>,
}

impl Documents {
    /// One plain listener whose every request goes to the upstream.
    pub(crate) fn plain(upstream: SocketAddr) -> Documents {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("proxy-it-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let documents = Documents(directory);
        documents.write("gateway.yaml", GATEWAY);
        documents.write("routes.yaml", ROUTES);
        documents.upstream(upstream);
        documents
    }

    /// Where requests go from now on.
    pub(crate) fn upstream(&self, address: SocketAddr) {
        let text = REGISTRY.replace("PORT", &address.port().to_string());
        self.write("registry.yaml", &text);
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.join(name)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Starts a proxy for them.
    pub(crate) async fn start(&self) -> Running {
        self.start_with(&[], AccessLog::off()).await
    }

    /// Starts a proxy for them that writes its access records to a channel.
    pub(crate) async fn start_logged(&self, more: &[&str]) -> (Running, Records) {
        let (sender, records) = tokio::sync::mpsc::unbounded_channel();
        let log = AccessLog::to(move |record| {
            let _ = sender.send(record.clone());
        });
        (self.start_with(more, log).await, Records(records))
    }

    /// Starts a proxy for them whose listeners have so many connections at most.
    pub(crate) async fn start_small(&self, connections: usize) -> Running {
        let mut config = self.config(&[]);
        config.connections = connections;
        run(config)
    }

    async fn start_with(&self, more: &[&str], access_log: AccessLog) -> Running {
        let mut config = self.config(more);
        config.access_log = access_log;
        run(config)
    }

    fn config(&self, more: &[&str]) -> Config {
        let path = self.path().to_str().unwrap();
        let arguments = [
            "proxy",
            "--config",
            path,
            "--labels",
            "istio=ingress",
            "--namespace",
            "test",
            "--bind",
            "127.0.0.1",
            "--admin",
            "127.0.0.1:0",
            "--port-map",
            "80:0,443:0",
        ];
        let arguments = Arguments::parse_from(arguments.iter().chain(more));
        let mut config = Config::new(&arguments, &Env::default()).unwrap();
        config.access_log = AccessLog::off();
        config.reload_interval = Duration::from_millis(10);
        config
    }
}

fn run(config: Config) -> Running {
    let bound = proxy::build(config).unwrap();
    let addresses = bound.addresses();
    let (trigger, shutdown) = Shutdown::manual();
    let listening = |port: u16| {
        let mut all = addresses.listeners.iter();
        all.find(|(number, _)| *number == port).map(|(_, at)| *at)
    };
    Running {
        address: listening(80).unwrap_or(addresses.listeners[0].1),
        tls: listening(443),
        admin: addresses.admin,
        trigger,
        task: tokio::spawn(bound.run(shutdown)),
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Running {
    /// Waits until another configuration than this one is in use.
    pub(crate) async fn reloaded(&self, generation: u64) {
        let wanted = format!("\"generation\":{generation},");
        let reloaded = async {
            while !exchange(
                self.admin,
                "GET /config HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            )
            .await
            .contains(&wanted)
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, reloaded).await.unwrap();
    }

    /// Waits until its startup is over.
    pub(crate) async fn started(&self) {
        let request = "GET /health/startup HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let started = async {
            while !exchange(self.admin, request).await.starts_with("HTTP/1.1 200 ") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, started).await.unwrap();
    }

    /// The body that the admin listener has at a path.
    pub(crate) async fn admin(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let answer = exchange(self.admin, &request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        body.to_owned()
    }

    /// The status of a GET.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        let request = format!("GET {path} HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n\r\n");
        exchange(self.address, &request).await[9..12].parse().unwrap()
    }
}

/// Access records in the order in which requests ended.
pub(crate) struct Records(tokio::sync::mpsc::UnboundedReceiver<Record>);

impl Records {
    /// The next one.
    pub(crate) async fn next(&mut self) -> Record {
        tokio::time::timeout(DEADLINE, self.0.recv())
            .await
            .unwrap()
            .unwrap()
    }
}

/// A file of the recorded cases' certificates.
pub(crate) fn pki(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/conformance/pki")
        .join(name)
}

/// A gateway with TLS on 443 and the same route.
pub(crate) fn tls_gateway() -> String {
    TLS.replace("PKI", pki("").to_str().unwrap())
}

/// A client that trusts the CA of these certificates.
pub(crate) fn connector() -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    let all = CertificateDer::pem_file_iter(pki("ca.crt")).unwrap();
    roots.add_parsable_certificates(all.map(Result::unwrap));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// Sends bytes and reads to the end of the connection.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(DEADLINE, read).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Answers requests with `ok`, those below `/slow` after a moment.
pub(crate) async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    while stream.read_buf(&mut head).await.unwrap_or(0) > 0 {
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        if head.starts_with(b"GET /slow") {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        head.clear();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

const GATEWAY: &str = r#"
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: web
  namespace: test
spec:
  selector:
    istio: ingress
  servers:
  - port:
      number: 80
      name: http
      protocol: HTTP
    hosts:
    - "*"
"#;

const ROUTES: &str = r#"
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: web
  namespace: test
spec:
  hosts:
  - "*"
  gateways:
  - web
  http:
  - route:
    - destination:
        host: a.test
"#;

const REGISTRY: &str = r#"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: a
  namespace: test
spec:
  hosts:
  - a.test
  location: MESH_EXTERNAL
  resolution: STATIC
  ports:
  - number: 80
    name: http
    protocol: HTTP
  endpoints:
  - address: 127.0.0.1
    ports:
      http: PORT
"#;

const TLS: &str = r#"
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: tls
  namespace: test
spec:
  selector:
    istio: ingress
  servers:
  - port:
      number: 443
      name: https
      protocol: HTTPS
    hosts:
    - "*"
    tls:
      mode: SIMPLE
      serverCertificate: PKI/gateway.crt
      privateKey: PKI/gateway.key
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: tls
  namespace: test
spec:
  hosts:
  - "*"
  gateways:
  - tls
  http:
  - route:
    - destination:
        host: a.test
"#;
