//! What a request meets that comes while the process has only just begun.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::harness::{DEADLINE, exchange};
use crate::pair::Pair;

#[tokio::test]
async fn the_first_request_waits_for_the_connection_that_the_startup_makes() {
    let (asked, answers) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let pair = Pair::begin(upstream(asked.clone(), answers.clone()).await, "").await;
    let soon = tokio::time::timeout(DEADLINE, asked.notified());
    soon.await.expect("the startup asks for its upstream");

    let get = "GET / HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n\r\n";
    let answer = tokio::spawn(exchange(pair.near.address, get));
    while !pair
        .near
        .admin("/metrics")
        .await
        .contains("\nproxy_active_requests 1\n")
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    answers.notify_one();
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 204 "));

    let metrics = pair.far.admin("/metrics").await;
    assert!(metrics.contains("\nproxy_handshakes_total 1\n"), "{metrics}");
}

/// Tells of the first HEAD and answers it when it may; answers all else at once.
async fn upstream(asked: Arc<Notify>, answers: Arc<Notify>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, asked.clone(), answers.clone()));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, asked: Arc<Notify>, answers: Arc<Notify>) {
    let mut head = Vec::new();
    while stream.read_buf(&mut head).await.unwrap_or(0) > 0 {
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        if head.starts_with(b"HEAD ") {
            asked.notify_one();
            answers.notified().await;
        }
        head.clear();
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
