//! Editing documents under a running proxy.

use crate::harness::{Documents, upstream};

const POLICY: &str = r#"
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: open
  namespace: test
spec:
  selector:
    matchLabels:
      istio: ingress
  rules:
  - to:
    - operation:
        paths:
        - /open
"#;

#[tokio::test]
async fn a_policy_counts_from_the_next_request_and_until_it_is_gone() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    assert_eq!(running.status("/closed").await, 200);
    documents.write("policy.yaml", POLICY);
    running.reloaded(2).await;
    assert_eq!(running.status("/closed").await, 403);
    assert_eq!(running.status("/open").await, 200);
    documents.remove("policy.yaml");
    running.reloaded(3).await;
    assert_eq!(running.status("/closed").await, 200);
}

#[tokio::test]
async fn a_broken_edit_changes_nothing_until_it_is_mended() {
    let documents = Documents::plain(upstream().await);
    documents.write("policy.yaml", POLICY);
    let running = documents.start().await;
    documents.write("policy.yaml", &POLICY.replace("operation", "opration"));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await; // several polls
    assert_eq!(running.status("/closed").await, 403);
    documents.write("policy.yaml", &POLICY.replace("/open", "/closed"));
    running.reloaded(2).await;
    assert_eq!(running.status("/closed").await, 200);
    assert_eq!(running.status("/open").await, 403);
}
