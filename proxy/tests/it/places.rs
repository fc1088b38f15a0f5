//! `connectionPool.tcp.maxConnections`: nobody waits for a place that an idle connection keeps.

use crate::harness::{DEADLINE, Documents, upstream};

#[tokio::test]
async fn an_idle_connection_to_one_endpoint_makes_room_for_one_to_another() {
    let documents = Documents::plain(upstream().await);
    let (one, other) = (upstream().await, upstream().await);
    let both = REGISTRY
        .replace("ONE", &one.port().to_string())
        .replace("OTHER", &other.port().to_string());
    documents.write("registry.yaml", &both);
    documents.write("rule.yaml", RULE);
    let running = documents.start().await;
    // they are asked in turn, and their connections are kept
    for _ in 0..6 {
        let status = tokio::time::timeout(DEADLINE, running.status("/")).await;
        assert_eq!(status.ok(), Some(200), "it waits for a place that nobody uses");
    }
    // one that is in use keeps its place, and whoever comes second waits for it
    let both = tokio::join!(running.status("/slow"), running.status("/"));
    assert_eq!(both, (200, 200));
}

const REGISTRY: &str = r#"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a, namespace: test}
spec:
  hosts: [a.test]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports:
  - {number: 80, name: http, protocol: HTTP}
  endpoints:
  - {address: 127.0.0.1, ports: {http: ONE}}
  - {address: 127.0.0.1, ports: {http: OTHER}}
"#;

const RULE: &str = r#"
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: test}
spec:
  host: a.test
  trafficPolicy:
    loadBalancer: {simple: ROUND_ROBIN}
    connectionPool:
      tcp: {maxConnections: 1}
"#;
