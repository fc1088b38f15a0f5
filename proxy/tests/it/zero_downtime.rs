//! What a change of documents and a stop cost the clients: nothing.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::{DEADLINE, Documents, exchange, upstream};

/// Between two looks at what is waited for.
const PAUSE: Duration = Duration::from_millis(5);
const GET: &str = "GET / HTTP/1.1\r\nhost: web.test\r\n\r\n";

/// Routes, timeouts and the upstream itself change while clients ask on old and new connections.
#[tokio::test]
async fn a_reload_under_load_loses_no_request() {
    let upstreams = [upstream().await, upstream().await];
    let documents = Documents::plain(upstreams[0]);
    let running = documents.start().await;
    let address = running.address;
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let (over, answered) = (over.clone(), answered.clone());
            let asks = if number % 2 == 0 { 50 } else { 1 };
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    keep_asking(address, asks, &answered).await;
                }
            })
        })
        .collect();
    for generation in 2..8 {
        documents.upstream(upstreams[generation % 2]);
        documents.write(
            "policy.yaml",
            &POLICY.replace("GENERATION", &generation.to_string()),
        );
        running.reloaded(generation as u64).await;
        let before = answered.load(Ordering::Relaxed);
        while answered.load(Ordering::Relaxed) < before + 20 {
            tokio::time::sleep(PAUSE).await;
        }
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        tokio::time::timeout(DEADLINE, client).await.unwrap().unwrap();
    }
}

/// One connection, so many requests; each must be answered.
async fn keep_asking(address: SocketAddr, asks: usize, answered: &AtomicUsize) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..asks {
        stream.write_all(GET.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            let read = stream.read_buf(&mut answer).await.unwrap();
            assert_ne!(read, 0, "cut: {}", String::from_utf8_lossy(&answer));
        }
        assert!(
            answer.starts_with(b"HTTP/1.1 200 "),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// As a whole process, stopped as Kubernetes and Cloud Run stop one.
#[tokio::test]
async fn sigterm_turns_readiness_off_finishes_what_is_in_flight_and_exits_with_0() {
    let gate = Gate::new().await;
    let documents = Documents::plain(gate.address);
    let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_proxy"))
        .arg("--config")
        .arg(documents.path())
        .args([
            "--labels",
            "istio=ingress",
            "--namespace",
            "test",
            "--bind",
            "127.0.0.1",
        ])
        .args(["--admin", "127.0.0.1:0", "--port-map", "80:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut told = async |begin: &str| -> SocketAddr {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, address)) = line.split_once(begin) {
                return address.parse().unwrap();
            }
        }
        panic!("it ended before it said {begin:?}");
    };
    let address = told("port 80 of the documents listens on ").await;
    let admin = told("on http://").await;
    let ready = "GET /health/ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    while !exchange(admin, ready).await.starts_with("HTTP/1.1 200 ") {
        tokio::time::sleep(PAUSE).await;
    }

    let in_flight = tokio::spawn(exchange(address, GET)); // would keep its connection open
    gate.reached().await;
    let pid = process.id().unwrap();
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -TERM {pid}")])
        .status();
    assert!(status.unwrap().success());
    let off = async {
        while !exchange(admin, ready).await.starts_with("HTTP/1.1 503 ") {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(DEADLINE, off).await.unwrap();
    gate.open();
    let answer = in_flight.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    let exit = tokio::time::timeout(DEADLINE, process.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(exit.code(), Some(0));
}

#[tokio::test]
async fn an_http2_client_is_told_to_go_and_gets_its_answer_first() {
    let gate = Gate::new().await;
    let documents = Documents::plain(gate.address);
    let running = documents.start().await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get("http://web.test/").body(()).unwrap();
    let (answer, _) = client.send_request(request, true).unwrap();
    gate.reached().await;
    running.trigger.stop();
    let told = async {
        while client.clone().ready().await.is_ok() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let told = tokio::time::timeout(DEADLINE, told).await;
    told.expect("GOAWAY: no other request on this connection");
    gate.open();
    assert_eq!(answer.await.unwrap().status(), 200);
    drop(client);
    tokio::time::timeout(DEADLINE, connection)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    tokio::time::timeout(DEADLINE, running.task)
        .await
        .unwrap()
        .unwrap();
}

/// An upstream that answers when it is told to.
struct Gate {
    address: SocketAddr,
    reached: watch::Receiver<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    async fn new() -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, reached) = watch::channel(0);
        let (open, opened) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (count, mut opened) = (count.clone(), opened.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    count.send_modify(|count| *count += 1);
                    let _ = opened.wait_for(|open| *open).await;
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                        .await;
                });
            }
        });
        Gate {
            address,
            reached,
            open,
        }
    }

    /// Until a request is there.
    async fn reached(&self) {
        let mut reached = self.reached.clone();
        let wait = reached.wait_for(|count| *count > 0);
        tokio::time::timeout(DEADLINE, wait).await.unwrap().unwrap();
    }

    fn open(&self) {
        self.open.send_replace(true);
    }
}

const POLICY: &str = r#"
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: open, namespace: test}
spec:
  selector: {matchLabels: {istio: ingress}}
  rules:
  - to:
    - operation: {paths: ["/", "/GENERATION"]}
"#;
