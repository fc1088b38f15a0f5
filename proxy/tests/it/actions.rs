//! What a route does beside sending on: faults, CORS, copies, as a client and the upstreams see them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::harness::{DEADLINE, Documents, exchange, upstream};

/// The one route, with more to do.
fn routes(more: &str) -> String {
    format!(
        r#"
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
{more}
"#
    )
}

async fn answer_to(more: &str, method: &str, lines: &str) -> String {
    let documents = Documents::plain(upstream().await);
    documents.write("routes.yaml", &routes(more));
    let running = documents.start().await;
    let request = format!("{method} / HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n{lines}\r\n");
    exchange(running.address, &request).await
}

const CORS: &str = r#"
    corsPolicy:
      allowOrigins:
      - exact: https://shop.test
      allowMethods:
      - GET
"#;

#[tokio::test]
async fn a_preflight_is_answered_by_the_proxy_and_an_ordinary_request_by_the_upstream() {
    let origin = "origin: https://shop.test\r\n";
    let preflight = format!("{origin}access-control-request-method: GET\r\n");
    let answer = answer_to(CORS, "OPTIONS", &preflight).await;
    assert!(
        answer.contains("access-control-allow-methods: GET\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let answer = answer_to(CORS, "GET", origin).await;
    assert!(
        answer.contains("access-control-allow-origin: https://shop.test\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
}

#[tokio::test]
async fn an_injected_abort_comes_after_its_delay_and_before_the_upstream() {
    let fault = r#"
    fault:
      delay:
        fixedDelay: 0.2s
        percentage:
          value: 100
      abort:
        httpStatus: 418
        percentage:
          value: 100
"#;
    let began = Instant::now();
    let answer = answer_to(fault, "GET", "").await;
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
    assert!(answer.ends_with("fault filter abort"), "{answer}");
}

#[tokio::test]
async fn a_copy_with_its_body_reaches_the_mirror_whose_silence_delays_nobody() {
    let (destination, _) = takes_one("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let (silent, copy) = takes_one("").await;
    let documents = Documents::plain(destination);
    documents.write("routes.yaml", &routes("    mirror:\n      host: b.test\n"));
    documents.write("mirror.yaml", &MIRROR.replace("PORT", &silent.port().to_string()));
    let running = documents.start().await;
    let request = "POST /x HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello";
    let answer = exchange(running.address, request).await;
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    let copy = tokio::time::timeout(DEADLINE, copy).await.unwrap().unwrap();
    assert!(copy.contains("x-envoy-internal: true\r\n"), "{copy}");
    assert!(copy.ends_with("\r\n\r\nhello"), "{copy}");
}

#[tokio::test]
async fn a_request_that_is_too_large_to_be_kept_has_no_copy_and_that_is_counted() {
    let (destination, _) = takes_one("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let documents = Documents::plain(destination);
    documents.write("routes.yaml", &routes("    mirror:\n      host: b.test\n"));
    documents.write("mirror.yaml", &MIRROR.replace("PORT", "1"));
    let running = documents.start().await;
    let body = "x".repeat(1024 * 1024) + "hello";
    let request = format!(
        "POST /x HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(running.address, &request).await;
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    let metrics = running.admin("/metrics").await;
    assert!(
        metrics.contains("proxy_mirror_copies_dropped_total 1\n"),
        "{metrics}"
    );
}

/// Takes one request whose body ends in `hello`, gives this answer, and keeps the connection.
async fn takes_one(answer: &'static str) -> (SocketAddr, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, request) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"hello") {
            stream.read_buf(&mut request).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        let _ = seen.send(String::from_utf8(request).unwrap());
        let _ = stream.read_buf(&mut Vec::new()).await; // until the proxy closes it
    });
    (address, request)
}

const MIRROR: &str = r#"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: b
  namespace: test
spec:
  hosts:
  - b.test
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
