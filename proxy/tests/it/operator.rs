//! What an operator sees: the access log, metrics, and the admin listener's pages, after real requests.

use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Documents, exchange, upstream};
use crate::pair::{Pair, SENDER};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn material(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Tokens of one issuer are verified, and without one nobody gets in.
fn users() -> String {
    let jwks = material("documents/shop.jwks.json");
    USERS.replace("JWKS", jwks.trim())
}

fn token() -> String {
    let tokens: Value = serde_json::from_str(&material("conformance/jwt/tokens.json")).unwrap();
    tokens["good"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_record_names_both_identities_the_route_the_upstream_and_the_trace() {
    let mut pair = Pair::start(upstream().await, &users()).await;
    let request = format!(
        "GET /slow?secret=1 HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n\
         authorization: Bearer {}\r\ntraceparent: 00-{TRACE}-b7ad6b7169203331-01\r\n\r\n",
        token()
    );
    let answer = exchange(pair.near.address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (near, far) = (pair.near_log.next().await, pair.far_log.next().await);
    assert_eq!((near.trace.as_str(), far.trace.as_str()), (TRACE, TRACE));
    assert_eq!(near.peer, None);
    assert_eq!(far.peer.as_deref(), Some(SENDER));
    assert_eq!(
        far.user.as_deref(),
        Some("https://securetoken.google.com/demo-acme/shopper-1")
    );
    for record in [near, far] {
        assert_eq!(
            (record.method.as_str(), record.status, record.bytes),
            ("GET", 200, 2)
        );
        assert_eq!(
            (record.host.as_str(), record.path.as_str()),
            ("web.test", "/slow")
        );
        assert_eq!(record.route.as_deref(), Some("test/web http[0]"));
        assert_eq!(record.upstream.as_deref(), Some("a.test:80"));
        assert_eq!((record.attempts, record.flag), (Some(1), None));
        assert!(record.endpoint.unwrap().starts_with("127.0.0.1:"));
        let upstream = record.upstream_micros.unwrap();
        assert!(
            (300_000..=record.micros).contains(&upstream),
            "{upstream} of {}",
            record.micros
        );
    }
}

#[tokio::test]
async fn a_refusal_names_its_rule_and_is_counted_by_its_reason() {
    let mut pair = Pair::start(upstream().await, &users()).await;
    assert_eq!(pair.near.status("/").await, 403);
    let (near, far) = (pair.near_log.next().await, pair.far_log.next().await);
    assert_eq!((near.refused_by, near.status), (None, 403));
    let by = far.refused_by.unwrap();
    assert!(by.contains("AuthorizationPolicy/users.test"), "{by}");
    let metrics = pair.far.admin("/metrics").await;
    // what the sender asked at its start was refused, too: an answer all the same
    line(&metrics, r#"proxy_refusals_total{reason="policy"} 2"#);
}

#[tokio::test]
async fn an_upstream_that_is_gone_is_told_by_flag_attempts_and_counters() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let documents = Documents::plain(gone);
    let (running, mut records) = documents.start_logged(&[]).await;
    assert_eq!(running.status("/").await, 503);
    let record = records.next().await;
    assert_eq!(record.flag.as_deref(), Some("URX,UF"));
    assert_eq!(record.attempts, Some(3), "Istio's default policy");
    let metrics = running.admin("/metrics").await;
    for wanted in [
        r#"proxy_requests_total{route="test/web http[0]",code="503",flag="URX,UF"} 1"#,
        r#"proxy_upstream_requests_total{upstream="a.test:80",code="503",flag="URX,UF"} 1"#,
        r#"proxy_upstream_retries_total{upstream="a.test:80"} 2"#,
        r#"proxy_upstream_failed_connections_total{upstream="a.test:80"} 3"#,
        r#"proxy_upstream_connections_total{upstream="a.test:80"} 0"#,
        r#"proxy_refusals_total{reason="remote connection failure"} 1"#,
    ] {
        line(&metrics, wanted);
    }
}

#[tokio::test]
async fn metrics_tell_of_requests_connections_handshakes_and_certificates() {
    let pair = Pair::start(upstream().await, "").await;
    assert_eq!(pair.near.status("/").await, 200);
    let (near, far) = (
        pair.near.admin("/metrics").await,
        pair.far.admin("/metrics").await,
    );
    // what the sender asked at its start is a request for the gateway
    for (metrics, requests) in [(&near, 1), (&far, 2)] {
        for wanted in [
            r#"proxy_requests_total{route="test/web http[0]",code="200",flag="-"} REQUESTS"#,
            r#"proxy_upstream_requests_total{upstream="a.test:80",code="200",flag="-"} REQUESTS"#,
            r#"proxy_request_seconds_count{route="test/web http[0]"} REQUESTS"#,
            r#"proxy_upstream_request_seconds_count{upstream="a.test:80"} REQUESTS"#,
            r#"proxy_route_active_requests{route="test/web http[0]"} 0"#,
            r#"proxy_upstream_active_requests{upstream="a.test:80"} 0"#,
            r#"proxy_upstream_failed_connections_total{upstream="a.test:80"} 0"#,
            r#"proxy_upstream_endpoints{upstream="a.test:80"} 1"#,
            "proxy_plan_generation 1",
            "proxy_failed_handshakes_total 0",
        ] {
            line(metrics, &wanted.replace("REQUESTS", &requests.to_string()));
        }
    }
    line(
        &near,
        r#"proxy_upstream_connections_total{upstream="a.test:80"} 1"#,
    );
    line(&far, "proxy_handshakes_total 1");
    let file = pair.pki.join("web/tls.crt").display().to_string();
    let expiry = format!(
        r#"proxy_certificate_expiry_seconds{{owner="Gateway/web.test ({})",kind="certificate",file="{file}"}} "#,
        pair.pki.with_file_name("gateway.yaml").display()
    );
    let seconds = far.lines().find_map(|line| line.strip_prefix(&expiry));
    assert!(
        seconds.is_some_and(|seconds| seconds.parse::<u64>().unwrap() > 86_400),
        "{far}"
    );
    line(&near, r#"proxy_ejections_total{upstream="a.test:80"} 0"#);
    line(&near, r#"proxy_ejected_endpoints{upstream="a.test:80"} 0"#);
}

#[tokio::test]
async fn certificates_in_use_are_listed_with_their_names_and_ends_and_without_keys() {
    let pair = Pair::start(upstream().await, "").await;
    let text = pair.near.admin("/certs").await;
    assert!(!text.contains("PRIVATE"), "{text}");
    let page: Value = serde_json::from_str(&text).unwrap();
    let upstream = &page["certificates"][0];
    assert_eq!(upstream["owner"], "upstream a.test:80");
    let (own, ca) = (&upstream["certificates"][0], &upstream["certificates"][1]);
    assert_eq!(own["kind"], "certificate");
    assert_eq!(own["file"], pair.pki.join("near/tls.crt").to_str().unwrap());
    assert_eq!(
        (&own["subject"], &own["issuer"]),
        (&"CN=near".into(), &ca["subject"])
    );
    assert_eq!(own["subject_alt_names"][0], format!("URI:{SENDER}"));
    assert_eq!(own["serial_number"], "5e1a");
    assert_eq!(own["valid_from"], "2020-01-01T00:00:00Z");
    assert_eq!(own["expiration_time"], "2099-01-01T00:00:00Z");
    assert!(own["days_until_expiration"].as_i64().unwrap() > 20_000);
    assert_eq!(ca["kind"], "ca");

    let page: Value = serde_json::from_str(&pair.far.admin("/certs").await).unwrap();
    let gateway = &page["certificates"][0];
    assert!(
        gateway["owner"].as_str().unwrap().starts_with("Gateway/web.test"),
        "{gateway}"
    );
    assert_eq!(gateway["certificates"][0]["subject_alt_names"][0], "DNS:web.test");
}

#[tokio::test]
async fn endpoints_are_listed_with_their_health_and_connections() {
    let failing = failing().await;
    let documents = Documents::plain(failing);
    documents.write("rule.yaml", RULE);
    let running = documents.start().await;
    let name = format!("a.test:80::{failing}");
    assert_eq!(running.status("/").await, 500);
    let text = running.admin("/clusters").await;
    line(&text, "a.test:80::tls::none");
    line(&text, "a.test:80::max_pending_requests::7");
    line(&text, &format!("{name}::health_flags::healthy"));
    line(&text, &format!("{name}::rq_active::0"));
    line(&text, &format!("{name}::cx_idle_http1::1"));
    assert_eq!(running.status("/").await, 500);
    let text = running.admin("/clusters").await;
    line(&text, &format!("{name}::health_flags::/failed_outlier_check"));
    let page: Value = serde_json::from_str(&running.admin("/clusters?format=json").await).unwrap();
    let endpoint = &page["clusters"][0]["endpoints"][0];
    assert_eq!(endpoint["address"], failing.to_string());
    assert_eq!(endpoint["health_flags"], "/failed_outlier_check");
    line(
        &running.admin("/metrics").await,
        r#"proxy_ejections_total{upstream="a.test:80"} 1"#,
    );
}

/// Exactly this line.
fn line(text: &str, wanted: &str) {
    assert!(
        text.lines().any(|line| line == wanted),
        "{wanted}\nis not in\n{text}"
    );
}

/// Answers every request with 500 and keeps its connections.
async fn failing() -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while stream.read_buf(&mut head).await.unwrap_or(0) > 0 {
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        let answer = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
                        let _ = stream.write_all(answer).await;
                    }
                }
            });
        }
    });
    address
}

const RULE: &str = r#"
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: test}
spec:
  host: a.test
  trafficPolicy:
    connectionPool:
      http: {http1MaxPendingRequests: 7}
    outlierDetection: {consecutive5xxErrors: 2, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 100}
"#;

const USERS: &str = r#"
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: users, namespace: test}
spec:
  selector: {matchLabels: {istio: ingress}}
  jwtRules:
  - issuer: https://securetoken.google.com/demo-acme
    audiences: [demo-acme]
    jwks: 'JWKS'
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: users, namespace: test}
spec:
  selector: {matchLabels: {istio: ingress}}
  rules:
  - from:
    - source:
        requestPrincipals: ["*"]
"#;

/// As a whole process: the log is its stderr.
#[tokio::test]
async fn a_certificate_of_which_few_days_are_left_is_warned_about() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let documents = Documents::plain("127.0.0.1:9".parse().unwrap());
    let mut parameters = rcgen::CertificateParams::new(vec!["shop.test".to_owned()]).unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let days = std::time::Duration::from_hours(24 * 5 + 1);
    parameters.not_after = rcgen::date_time_ymd(1970, 1, 1) + now + days;
    let key = rcgen::KeyPair::generate().unwrap();
    documents.write("tls.crt", &parameters.self_signed(&key).unwrap().pem());
    documents.write("tls.key", &key.serialize_pem());
    let folder = documents.path().to_str().unwrap();
    documents.write("gateway.yaml", &SIMPLE.replace("FOLDER", folder));
    let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_proxy"))
        .args([
            "--config",
            folder,
            "--labels",
            "istio=ingress",
            "--namespace",
            "test",
        ])
        .args([
            "--bind",
            "127.0.0.1",
            "--admin",
            "127.0.0.1:0",
            "--port-map",
            "443:0",
        ])
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let warned = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("WARN") && line.contains("its certificate ends in 5 days") {
                return line;
            }
        }
        panic!("it ended without a warning");
    };
    let line = tokio::time::timeout(crate::harness::DEADLINE, warned)
        .await
        .unwrap();
    assert!(line.contains("Gateway/web.test"), "{line}");
}

const SIMPLE: &str = r#"
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: test}
spec:
  selector: {istio: ingress}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.test]
    tls: {mode: SIMPLE, serverCertificate: FOLDER/tls.crt, privateKey: FOLDER/tls.key}
"#;
