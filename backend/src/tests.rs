//! The backend over a real socket, as the gateway calls it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use chassis::access::{AccessLog, Record};
use chassis::env::Env;
use chassis::shutdown::{Shutdown, Trigger};

use super::*;

struct Running {
    addresses: Addresses,
    records: mpsc::Receiver<Record>,
    _trigger: Trigger,
}

fn start() -> Running {
    let env = Env::from_iter([
        ("PORT", "0"),
        ("LISTEN_ADDRESS", "127.0.0.1"),
        ("METRICS_ADDRESS", "127.0.0.1:0"),
    ]);
    let mut config = Config::new(&Arguments::default(), &env).unwrap();
    let (sender, records) = mpsc::channel();
    config.access_log = AccessLog::to(move |record| sender.send(record.clone()).unwrap_or_default());
    let (trigger, shutdown) = Shutdown::manual();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let bound = build(config).unwrap();
            tell.send(bound.addresses().unwrap()).unwrap();
            bound.run(shutdown).await;
        });
    });
    Running {
        addresses: told.recv().unwrap(),
        records,
        _trigger: trigger,
    }
}

fn ask(address: SocketAddr, request_line: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{request_line} HTTP/1.1\r\nhost: api.test\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_two_routes_answer_as_designed_and_are_never_stored() {
    let running = start();
    let secure = ask(running.addresses.public, "GET /api/secure.json");
    assert!(
        secure.starts_with("HTTP/1.1 200 ") && secure.ends_with("\r\n\r\n{\"message\":\"Hello World\"}"),
        "{secure}"
    );
    assert!(secure.contains("content-type: application/json\r\n"), "{secure}");
    let health = ask(running.addresses.public, "GET /api/healthz");
    assert!(
        health.starts_with("HTTP/1.1 200 ") && health.ends_with("\r\n\r\nok"),
        "{health}"
    );
    for answer in [secure, health] {
        assert!(answer.contains("cache-control: no-store\r\n"), "{answer}");
    }
}

#[test]
fn methods_and_paths_are_answered_as_http_says() {
    let running = start();
    let status = |line: &str| ask(running.addresses.public, line)[9..12].to_owned();
    for (line, expected) in [
        ("HEAD /api/secure.json", "200"),
        ("OPTIONS /api/secure.json", "204"),
        ("POST /api/secure.json", "405"),
        ("DELETE /api/healthz", "405"),
        ("GET /api/secure", "404"),
        ("GET /", "404"),
        ("GET /metrics", "404"),
        ("GET /health/live", "200"),
        ("GET /health/ready", "200"),
        ("GET /health/startup", "200"),
        ("GET /health/other", "404"),
    ] {
        assert_eq!(status(line), expected, "{line}");
    }
    let head = ask(running.addresses.public, "HEAD /api/secure.json");
    assert!(
        head.contains("content-length: 25\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let refused = ask(running.addresses.public, "POST /api/healthz");
    assert!(refused.contains("allow: GET, HEAD, OPTIONS\r\n"), "{refused}");
}

#[test]
fn a_request_leaves_a_record_and_a_metric() {
    let running = start();
    ask(running.addresses.public, "GET /api/secure.json?token=secret");
    let record = running.records.recv().unwrap();
    assert_eq!(
        (record.path.as_str(), record.status, record.service.as_str()),
        ("/api/secure.json", 200, "backend")
    );
    assert!(!format!("{record:?}").contains("secret"));
    let metrics = ask(running.addresses.metrics.unwrap(), "GET /metrics");
    let expected = r#"backend_http_requests_total{route="/api/secure.json",code="200"} 1"#;
    assert!(metrics.contains(expected), "{metrics}");
}

#[test]
fn every_bad_variable_is_named() {
    let env = Env::from_iter([
        ("PORT", "80a"),
        ("LISTEN_ADDRESS", "here"),
        ("METRICS_ADDRESS", "9464"),
    ]);
    let error = Config::new(&Arguments::default(), &env).unwrap_err().to_string();
    for name in ["PORT", "LISTEN_ADDRESS", "METRICS_ADDRESS"] {
        assert!(error.contains(name), "{error}");
    }
}
