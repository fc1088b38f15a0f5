//! `connectionPool.tcp.maxConnections`: nobody waits for a place or a connection that is there and not used.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::harness::{DEADLINE, Documents, Running, exchange, upstream};

#[tokio::test]
async fn an_idle_connection_to_one_endpoint_makes_room_for_one_to_another() {
    let (running, _documents) = start(upstream().await, upstream().await, 1).await;
    // they are asked in turn, and their connections are kept
    for _ in 0..6 {
        let status = tokio::time::timeout(DEADLINE, running.status("/")).await;
        assert_eq!(status.ok(), Some(200), "it waits for a place that nobody uses");
    }
    // one that is in use keeps its place, and whoever comes second waits for it
    let both = tokio::join!(running.status("/slow"), running.status("/"));
    assert_eq!(both, (200, 200));
}

/// Two endpoints have a place each, both in use, and behind each waits one request. Who waits longer is told of the
/// connection that comes back, and it is the other's.
#[tokio::test]
async fn who_cannot_use_the_connection_that_came_back_tells_the_next() {
    let (holds, mut held) = mpsc::unbounded_channel();
    let releases = [Arc::new(Notify::new()), Arc::new(Notify::new())];
    let one = holding(0, holds.clone(), releases[0].clone()).await;
    let other = holding(1, holds, releases[1].clone()).await;
    let (running, _documents) = start(one, other, 2).await;
    let mut holders = Vec::new();
    let mut places = Vec::new();
    for _ in 0..2 {
        holders.push(ask(&running, "/hold"));
        let place = tokio::time::timeout(DEADLINE, held.recv()).await;
        places.push(place.ok().flatten().expect("it is asked"));
    }
    assert_ne!(places[0], places[1], "they are asked in turn");
    let first = ask(&running, "/");
    active(&running, 3).await;
    let second = ask(&running, "/");
    active(&running, 4).await;

    releases[places[1]].notify_one();
    let served = tokio::time::timeout(DEADLINE, second).await;
    assert!(served.is_ok(), "its connection is there and it sleeps");
    assert!(!first.is_finished(), "its connection is still in use");
    releases[places[0]].notify_one();
    for answer in holders.into_iter().chain([first]) {
        let answer = tokio::time::timeout(DEADLINE, answer).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

/// As a WebSocket does, or a stream of events.
#[tokio::test]
async fn an_answer_without_end_does_not_keep_its_endpoint_from_others_while_places_idle() {
    let (holds, mut held) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let one = holding(0, holds.clone(), release.clone()).await;
    let other = holding(1, holds, release.clone()).await;
    let (running, _documents) = start(one, other, 2).await;
    let holder = ask(&running, "/hold");
    let place = tokio::time::timeout(DEADLINE, held.recv()).await;
    place.ok().flatten().expect("it is asked");
    // in turn: the other endpoint, which keeps its connection, and the one that is in use
    for _ in 0..2 {
        let status = tokio::time::timeout(DEADLINE, running.status("/")).await;
        assert_eq!(status.ok(), Some(200), "it waits for the answer without end");
    }
    release.notify_one();
    let answer = tokio::time::timeout(DEADLINE, holder).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// With two endpoints and so many places.
async fn start(one: SocketAddr, other: SocketAddr, places: u32) -> (Running, Documents) {
    let documents = Documents::plain(one);
    let both = REGISTRY
        .replace("ONE", &one.port().to_string())
        .replace("OTHER", &other.port().to_string());
    documents.write("registry.yaml", &both);
    documents.write("rule.yaml", &RULE.replace("PLACES", &places.to_string()));
    (documents.start().await, documents)
}

fn ask(running: &Running, path: &str) -> JoinHandle<String> {
    let address = running.address;
    let request = format!("GET {path} HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n\r\n");
    tokio::spawn(async move { exchange(address, &request).await })
}

/// Waits until so many requests are being answered.
async fn active(running: &Running, count: u32) {
    let wanted = format!("\nproxy_active_requests {count}\n");
    let reached = async {
        while !running.admin("/metrics").await.contains(&wanted) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(DEADLINE, reached).await.unwrap();
}

/// An upstream that tells when it is asked for `/hold`, and answers that when it is released.
async fn holding(place: usize, held: mpsc::UnboundedSender<usize>, release: Arc<Notify>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(hold(stream, place, held.clone(), release.clone()));
        }
    });
    address
}

async fn hold(mut stream: TcpStream, place: usize, held: mpsc::UnboundedSender<usize>, release: Arc<Notify>) {
    let mut head = Vec::new();
    while stream.read_buf(&mut head).await.unwrap_or(0) > 0 {
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        if head.starts_with(b"GET /hold ") {
            let _ = held.send(place);
            release.notified().await;
        }
        head.clear();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

const REGISTRY: &str = r#"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a, namespace: test}
spec:
  hosts: [a.test]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports:
  - {number: 80, name: http, protocol: HTTP}
  endpoints:
  - {address: 127.0.0.1, ports: {http: ONE}}
  - {address: 127.0.0.1, ports: {http: OTHER}}
"#;

const RULE: &str = r#"
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: test}
spec:
  host: a.test
  trafficPolicy:
    loadBalancer: {simple: ROUND_ROBIN}
    connectionPool:
      tcp: {maxConnections: PLACES}
"#;
