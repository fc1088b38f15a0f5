//! A route's timeout spans the whole answer: what is not complete by then is cut, as with Envoy.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{DEADLINE, Documents, exchange};

/// The one route, with one of its limits.
fn route(limit: &str) -> String {
    ROUTE.replace("LIMIT", limit)
}

/// An answer of a hundred bytes: ten at once and then one every so often, or none.
async fn dripping(every: Option<Duration>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await?;
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789")
                    .await?;
                loop {
                    match every {
                        Some(every) => tokio::time::sleep(every).await,
                        None => std::future::pending().await,
                    }
                    stream.write_all(b"x").await?;
                }
                #[allow(unreachable_code, reason = "it names the type of the errors")]
                Ok::<_, std::io::Error>(())
            });
        }
    });
    address
}

const GET: &str = "GET / HTTP/1.1\r\nhost: web.test\r\n\r\n"; // would keep its connection open

#[tokio::test]
async fn an_answer_that_stops_or_drips_is_cut_at_the_timeout_and_counted() {
    for limit in ["timeout: 0.3s", "retries: {attempts: 1, perTryTimeout: 0.3s}"] {
        for every in [None, Some(Duration::from_millis(20))] {
            let documents = Documents::plain(dripping(every).await);
            documents.write("routes.yaml", &route(limit));
            let running = documents.start().await;
            let begun = Instant::now();
            let answer = exchange(running.address, GET).await;
            let took = begun.elapsed();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{limit}: {answer}");
            assert!(answer.contains("\r\n\r\n0123456789"), "{limit}: {answer}");
            assert!(took > Duration::from_millis(290), "{limit}, {every:?}: {took:?}");
            let metrics = running.admin("/metrics").await;
            assert!(metrics.contains("code=\"200\",flag=\"UT\""), "{limit}: {metrics}");
        }
    }
}

#[tokio::test]
async fn over_http2_the_stream_is_reset_and_the_connection_stays() {
    let documents = Documents::plain(dripping(None).await);
    documents.write("routes.yaml", &route("timeout: 0.2s"));
    let running = documents.start().await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let request = Request::get("http://web.test/")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let rest = tokio::time::timeout(DEADLINE, answer.into_body().collect());
        assert!(rest.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn the_timeout_begins_when_the_request_is_complete() {
    let documents = Documents::plain(dripping(None).await);
    documents.write("routes.yaml", &route("timeout: 0.2s"));
    let running = documents.start().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: web.test\r\ncontent-length: 2\r\n\r\na";
    stream.write_all(head).await.unwrap();
    let mut answer = [0; 1024];
    let mut read = 0;
    while !answer[..read].ends_with(b"0123456789") {
        read += stream.read(&mut answer[read..]).await.unwrap();
    }
    let waits = tokio::time::timeout(Duration::from_millis(400), stream.read(&mut answer));
    assert!(waits.await.is_err(), "the request is not complete");
    stream.write_all(b"b").await.unwrap();
    let ended = tokio::time::timeout(DEADLINE, stream.read(&mut answer))
        .await
        .unwrap();
    assert_eq!(ended.unwrap_or(0), 0);
}

const ROUTE: &str = r#"
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
    LIMIT
"#;
