//! WebSocket in raw bytes: the handshake, the tunnel, and its end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{DEADLINE, Documents, exchange, upstream};

const HANDSHAKE: &str =
    "GET /chat HTTP/1.1\r\nhost: web.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";

#[tokio::test]
async fn bytes_go_both_ways_beyond_the_timeout_of_the_route_and_the_end_is_passed_on() {
    let documents = Documents::plain(echo().await);
    documents.write("routes.yaml", ROUTES);
    let running = documents.start().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // some clients do not wait for the answer
    let early = format!("{HANDSHAKE}early");
    stream.write_all(early.as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "early").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("\r\nconnection: upgrade\r\n"), "{head}");
    tokio::time::sleep(Duration::from_millis(200)).await; // the route's timeout is 100 ms
    stream.write_all(b"late").await.unwrap();
    assert_eq!(read_until(&mut stream, "late").await, "late");
    stream.shutdown().await.unwrap();
    assert_eq!(read_until(&mut stream, "goodbye").await, "goodbye");
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_drain_waits_for_a_tunnel() {
    let documents = Documents::plain(echo().await);
    let running = documents.start().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(HANDSHAKE.as_bytes()).await.unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    running.trigger.stop();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await; // until nothing new is accepted
    }
    stream.write_all(b"still here").await.unwrap();
    assert_eq!(read_until(&mut stream, "still here").await, "still here");
    drop(stream);
    tokio::time::timeout(DEADLINE, running.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn an_upstream_that_refuses_the_handshake_answers_and_the_connection_ends() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let answer = exchange(running.address, HANDSHAKE).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let some = tokio::time::timeout(DEADLINE, stream.read_buf(&mut read)).await;
        assert_ne!(some.unwrap().unwrap(), 0, "{}", String::from_utf8_lossy(&read));
    }
    String::from_utf8(read).unwrap()
}

/// Switches protocols, sends everything back, and says goodbye.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_until(&mut stream, "\r\n\r\n").await;
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        let (mut read, mut write) = stream.split();
        if tokio::io::copy(&mut read, &mut write).await.is_ok() {
            let _ = write.write_all(b"goodbye").await;
        }
    });
    address
}

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
  - timeout: 0.1s
    route:
    - destination:
        host: a.test
"#;
