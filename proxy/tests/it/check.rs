//! `proxy check` as a pipeline runs it: every problem at once, each with its place.

use std::process::Command;

use crate::harness::Documents;

#[test]
fn every_problem_of_every_file_is_told_in_one_run_with_file_line_document_and_field() {
    let documents = Documents::plain("127.0.0.1:9".parse().unwrap());
    documents.write("gateway.yaml", GATEWAY);
    documents.write("routes.yaml", ROUTES);
    let folder = documents.path().display().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_proxy"))
        .args([
            "check",
            "--namespace",
            "test",
            "--labels",
            "istio=ingress",
            &folder,
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "no plan is made of half of it");
    let said = String::from_utf8(output.stderr).unwrap();
    for wanted in [
        "gateway.yaml:9: Gateway/web.test: spec.servers[0].tlss: unknown field",
        "gateway.yaml:7: Gateway/web.test: spec.servers[0].port.protocol: HTTPX is not supported",
        "routes.yaml:8: VirtualService/web.test: spec.http[0].timeout: \"soon\" is no duration",
        "routes.yaml:18: AuthorizationPolicy/p.test: spec.rules[0].to[0].operation.path: unknown field",
    ] {
        let whole = format!("error: {folder}/{wanted}");
        assert!(
            said.lines().any(|line| line.starts_with(&whole)),
            "{whole}\nis not in\n{said}"
        );
    }
}

#[test]
fn documents_without_a_problem_come_out_as_the_plan_that_a_start_would_use() {
    let documents = Documents::plain("127.0.0.1:9".parse().unwrap());
    let folder = documents.path().to_str().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_proxy"))
        .args([
            "check",
            "--strict",
            "--namespace",
            "test",
            "--labels",
            "istio=ingress",
            folder,
        ])
        .output()
        .unwrap();
    let plan = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(plan.contains("listener 0.0.0.0:80 (port 80) HTTP"), "{plan}");
    assert!(plan.contains("a.test"), "{plan}");
}

const GATEWAY: &str = r#"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: test}
spec:
  selector: {istio: ingress}
  servers:
  - port: {number: 80, name: http, protocol: HTTPX}
    hosts: ["*"]
    tlss: {mode: SIMPLE}
"#;

const ROUTES: &str = r#"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: test}
spec:
  hosts: ["*"]
  gateways: [web]
  http:
  - timeout: soon
    route:
    - destination: {host: a.test}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: test}
spec:
  rules:
  - to:
    - operation: {path: ["/x"]}
"#;
