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

/// A gateway may be written a moment before its secret is there: the change waits for it.
#[tokio::test]
async fn a_change_that_waits_for_a_certificate_is_tried_again() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let (certificate, key) = (documents.path().join("tls.crt"), documents.path().join("tls.key"));
    let text = TLS_GATEWAY
        .replace("CERTIFICATE", certificate.to_str().unwrap())
        .replace("KEY", key.to_str().unwrap());
    documents.write("tls.yaml", &(text + "---" + POLICY));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await; // several polls
    assert_eq!(
        running.status("/closed").await,
        200,
        "nothing of it is in use yet"
    );
    let signed = rcgen::generate_simple_self_signed(["shop.test".to_owned()]).unwrap();
    documents.write("tls.key", &signed.signing_key.serialize_pem());
    documents.write("tls.crt", &signed.cert.pem());
    running.reloaded(2).await;
    assert_eq!(running.status("/closed").await, 403);
}

const TLS_GATEWAY: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: tls, namespace: test}
spec:
  selector: {istio: ingress}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.test]
    tls: {mode: SIMPLE, serverCertificate: CERTIFICATE, privateKey: KEY}
";
