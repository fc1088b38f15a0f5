//! Requests that no honest client sends: refused, and nothing of them reaches the upstream.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::harness::{DEADLINE, Documents, connector, exchange, tls_gateway, upstream};

#[tokio::test]
async fn requests_whose_end_is_ambiguous_are_refused() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    for (lines, status) in [
        ("content-length: 3\r\ncontent-length: 4", "400"),
        ("content-length: +3", "400"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity", "501"),
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

/// Each is refused behind other requests as it is alone, in pieces as in one, over TLS as without, and
/// nothing of it or behind it reaches the upstream.
#[tokio::test]
async fn what_two_parsers_could_end_at_different_places_is_not_sent_on() {
    let (upstream, seen) = recording().await;
    let documents = Documents::plain(upstream);
    documents.write("tls.yaml", &tls_gateway());
    let running = documents.start().await;
    let mut number = 0;
    for (head, status) in [
        ("content-length: 4\r\ncontent-length: 4\r\n\r\n", 400),
        (
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        ("transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501),
        ("transfer-encoding: gzip\r\n\r\n", 501),
        ("transfer-encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("transfer-encoding: chunked\r\n\r\n 1\r\nx\r\n0\r\n\r\n", 400),
        ("transfer-encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 400),
        ("x: y\rz: w\r\n\r\n", 400),
    ] {
        let bad = format!(
            "POST /bad HTTP/1.1\r\nhost: web.test\r\n{head}GET /smuggled HTTP/1.1\r\nhost: web.test\r\n\r\n"
        );
        for before in ["", GET, LENGTH, CHUNKED] {
            for (tls, piece) in [(false, usize::MAX), (false, 7), (true, usize::MAX)] {
                number += 1;
                let mut bad = &*bad;
                if piece == 7 {
                    // what comes behind a refusal may cost the client the answer
                    bad = &bad[..bad.find("\r\n\r\n").unwrap() + 4];
                    if head.starts_with("transfer-encoding: chunked\r\n\r\n") {
                        continue; // nothing is wrong with the head
                    }
                }
                let sent = format!("{}{bad}", before.replace("NUMBER", &number.to_string()));
                let address = if tls {
                    running.tls.unwrap()
                } else {
                    running.address
                };
                let answer = send(address, tls, sent.as_bytes(), piece).await;
                let statuses: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect();
                let mut wanted = if before.is_empty() {
                    vec![]
                } else {
                    vec!["200".to_owned()]
                };
                wanted.push(status.to_string());
                assert_eq!(
                    statuses, wanted,
                    "{sent:?}, TLS: {tls}, pieces of {piece}: {answer}"
                );
                let seen = std::mem::take(&mut *seen.lock().unwrap());
                let good = format!("/good-{number}");
                let wanted = if before.is_empty() { vec![] } else { vec![good] };
                assert_eq!(seen, wanted, "{sent:?}, TLS: {tls}");
            }
        }
    }
    assert!(running.admin("/metrics").await.contains("code=\"501\""));
    assert!(
        running
            .admin("/metrics")
            .await
            .contains("code=\"400\",flag=\"DPE\"")
    );
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

const GET: &str = "GET /good-NUMBER HTTP/1.1\r\nhost: web.test\r\n\r\n";
const LENGTH: &str = "POST /good-NUMBER HTTP/1.1\r\nhost: web.test\r\ncontent-length: 4\r\n\r\n\r\n\r\n";
const CHUNKED: &str = "POST /good-NUMBER HTTP/1.1\r\nhost: web.test\r\ntransfer-encoding: chunked\r\n\r\n\
                       00a;x\r\n0123456789\r\n1 \r\n\n\r\n0\r\nx: y\r\n\r\n";

/// An upstream that notes the path of each whole request.
async fn recording() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let noted = noted.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let noted = noted.clone();
                async move {
                    let path = request.uri().path().to_owned();
                    request.into_body().collect().await?;
                    noted.lock().unwrap().push(path);
                    Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from("ok"))))
                }
            });
            let serving = hyper::server::conn::http1::Builder::new();
            tokio::spawn(serving.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, seen)
}

/// Sends in pieces, and reads to the end of the connection.
async fn send(address: SocketAddr, tls: bool, bytes: &[u8], piece: usize) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let answer = async {
        if tls {
            talk(
                connector()
                    .connect("shop.test".try_into().unwrap(), stream)
                    .await
                    .unwrap(),
                bytes,
                piece,
            )
            .await
        } else {
            talk(stream, bytes, piece).await
        }
    };
    tokio::time::timeout(DEADLINE, answer).await.unwrap()
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8], piece: usize) -> String {
    for part in bytes.chunks(piece.min(bytes.len())) {
        if stream.write_all(part).await.is_err() {
            break; // it was refused before its end
        }
        if piece < bytes.len() {
            tokio::time::sleep(Duration::from_micros(200)).await; // mostly a packet of its own
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}
