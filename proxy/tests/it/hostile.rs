//! Requests that no honest client sends: refused, and nothing of them reaches the upstream.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::harness::{Documents, exchange, upstream};

#[tokio::test]
async fn requests_whose_end_is_ambiguous_are_refused() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    for (lines, status) in [
        ("content-length: 3\r\ncontent-length: 4", "400"),
        ("content-length: +3", "400"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity", "400"),
        ("transfer-encoding: gzip, chunked", "501"),
        ("connection: x-forwarded-for", "400"),
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: web.test\r\n{lines}\r\n\r\nabc");
        let answer = exchange(running.address, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{lines}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_with_its_own_status() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let long = "x".repeat(61 * 1024);
    let request = format!("GET / HTTP/1.1\r\nhost: web.test\r\nx-long: {long}\r\n\r\n");
    let answer = exchange(running.address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

/// Time stands still but for what is waited for: a deadline comes at once and others do not come before.
#[tokio::test]
async fn a_head_that_never_ends_costs_a_client_its_connection() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // one request whole, so that the connection is kept, and the next one begun
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: web.test\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 1024];
    while !String::from_utf8_lossy(&answer).contains("\r\n\r\nok") {
        assert_ne!(stream.read(&mut answer).await.unwrap(), 0);
    }
    stream.write_all(b"GET / HT").await.unwrap();
    let (begun, ended) = (Instant::now(), stream.read(&mut answer));
    tokio::time::sleep(Duration::from_millis(100)).await; // it was read
    tokio::time::pause();
    assert_eq!(ended.await.unwrap_or(0), 0);
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(14) && took < Duration::from_secs(3000),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_answered_with_408() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: web.test\r\ncontent-length: 10\r\n\r\nhalf")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await; // it is on its way
    tokio::time::pause();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nstream timeout"), "{answer}");
}
