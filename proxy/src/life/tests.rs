//! A whole process from a plan made by hand: one listener, one upstream.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::plan::DocumentId;
use crate::plan::listener::{Listener, ListenerKind, VirtualHost, VirtualHosts};
use crate::plan::route::{Action, Destination, Forward, Headers, RequestMatch, Route};
use crate::plan::upstream::{Address, Balance, Endpoint, Endpoints, PoolLimits, Protocol, UpstreamSpec};

fn plan(upstream: SocketAddr) -> Plan {
    let document = DocumentId {
        kind: "VirtualService",
        namespace: "test".into(),
        name: "web".into(),
        file: "test".into(),
    };
    let destination = Destination {
        weight: 1,
        upstream: Some(0),
        name: "a.test:80".into(),
        headers: Headers::default(),
        authority: None,
        hash: None,
    };
    let forward = Forward {
        destinations: vec![destination],
        timeout: None,
        retry: None,
        path_rewrite: None,
        authority_rewrite: None,
        headers: Headers::default(),
        cors: None,
        fault: None,
        mirrors: Vec::new(),
    };
    let route = Route {
        document,
        name: "http[0]".into(),
        matches: RequestMatch::default(),
        action: Arc::new(Action::Forward(Box::new(forward))),
    };
    let host = VirtualHost {
        https_redirect: false,
        routes: vec![route],
    };
    let hosts = VirtualHosts {
        exact: HashMap::from([("web.test".into(), Arc::new(host))]),
        ..VirtualHosts::default()
    };
    Plan {
        listeners: vec![Listener {
            server_port: 80,
            address: "127.0.0.1:0".parse().unwrap(),
            kind: ListenerKind::Plain(Arc::new(hosts)),
        }],
        upstreams: vec![Arc::new(UpstreamSpec {
            host: "a.test".into(),
            port: 80,
            subset: None,
            endpoints: Endpoints::Static(vec![Endpoint {
                address: Address::Ip(upstream),
                weight: 1,
            }]),
            protocol: Protocol::Http1,
            tls: None,
            connect_timeout: Duration::from_secs(1),
            limits: PoolLimits::default(),
            balance: Balance::default(),
            outlier: None,
        })],
        ..Plan::default()
    }
}

/// Answers every request with the number of the connection that it came on.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while stream.read_buf(&mut head).await.unwrap_or(0) > 0 {
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

async fn get(address: SocketAddr, host: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_goes_through_and_the_upstream_connection_is_used_again() {
    let upstream = upstream().await;
    let bound = Bound::new(Settings {
        admin: "127.0.0.1:0".parse().unwrap(),
        secrets: Secrets::default(),
        documents: Documents {
            paths: Vec::new(),
            load: Arc::new(move || Ok(plan(upstream))),
        },
        poll: Duration::from_secs(60),
        access: AccessLog::off(),
        service: "proxy".into(),
    })
    .unwrap();
    let addresses = bound.addresses();
    let (trigger, shutdown) = Shutdown::manual();
    let running = tokio::spawn(bound.run(shutdown));
    let address = addresses.listeners[0].1;
    for _ in 0..3 {
        let answer = get(address, "web.test").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("server: istio-envoy\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n1"), "{answer}");
    }
    let answer = get(address, "other.test").await;
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    assert!(answer.contains("content-length: 0\r\n"), "{answer}");
    let metrics = get_path(addresses.admin, "/metrics").await;
    assert!(
        metrics.contains(r#"proxy_requests_total{route="test/web http[0]",code="200",flag="-"} 3"#),
        "{metrics}"
    );
    trigger.stop();
    running.await.unwrap();
}

async fn get_path(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
