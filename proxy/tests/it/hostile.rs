//! Requests that no honest client sends: refused, and nothing of them reaches the upstream.

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
