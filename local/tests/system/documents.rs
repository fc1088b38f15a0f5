//! Policies edited, removed and broken while the system runs: the next request meets the new rule, or the
//! old one and a message. Each test works on a copy of `istio/`.

use std::path::{Path, PathBuf};

use crate::callers::{self, ask, change};
use crate::harness::System;

const SECRET: &str = "/api/secure.json";

/// The system with documents of its own.
async fn start() -> (System, PathBuf) {
    let system = System::start_with_own_documents(&[]).await;
    let documents = system.documents();
    (system, documents)
}

/// The original tutorial's two checks, without a restart in between.
#[tokio::test]
async fn without_the_policy_anybody_reads_the_message_and_with_it_nobody() {
    let (system, istio) = start().await;
    let (policy, away) = (istio.join("private/policy.yaml"), istio.join("policy.away"));
    let proxy = callers::as_proxy(&system);
    assert_eq!(ask(&system, &proxy, SECRET, None).await.0, 403);

    change(&system, || std::fs::rename(&policy, &away).unwrap()).await;
    assert_eq!(
        ask(&system, &proxy, SECRET, None).await,
        (200, r#"{"message":"Hello World"}"#.to_owned())
    );
    // the terminal names what is open now
    system
        .line(|line| line.contains("AuthorizationPolicy") && line.contains("users"))
        .await;

    change(&system, || std::fs::rename(&away, &policy).unwrap()).await;
    assert_eq!(
        ask(&system, &proxy, SECRET, None).await,
        (403, "RBAC: access denied".to_owned())
    );
}

#[tokio::test]
async fn an_edited_path_holds_for_the_next_request() {
    let (system, istio) = start().await;
    let proxy = callers::as_proxy(&system);
    let policy = istio.join("private/policy.yaml");
    let text = std::fs::read_to_string(&policy).unwrap();
    change(&system, || {
        write(&policy, &text.replace("- /api/healthz", "- /api/secure.json"));
    })
    .await;
    assert_eq!(ask(&system, &proxy, SECRET, None).await.0, 200);
    assert_eq!(ask(&system, &proxy, "/api/healthz", None).await.0, 403);
}

#[tokio::test]
async fn a_broken_edit_keeps_the_old_rules_and_says_why() {
    let (system, istio) = start().await;
    let proxy = callers::as_proxy(&system);
    let policy = istio.join("private/policy.yaml");
    let text = std::fs::read_to_string(&policy).unwrap();
    write(&policy, &text.replace("paths:", "path:"));
    let line = system
        .line(|line| line.contains("policy.yaml") && line.contains("path"))
        .await;
    assert!(
        line.contains("spec.rules[0].to[0].operation.path"),
        "the field is named: {line}"
    );
    assert_eq!(
        ask(&system, &proxy, SECRET, None).await.0,
        403,
        "the old rules hold"
    );
    change(&system, || {
        write(
            &policy,
            &text.replace("- /api/healthz", "- /api/healthz\n        - /api/open"),
        );
    })
    .await;
    assert_eq!(ask(&system, &proxy, SECRET, None).await.0, 403);
    assert_eq!(
        ask(&system, &proxy, "/api/open", None).await.0,
        404,
        "the mended edit holds"
    );
}

/// A pin that changes holds on connections that were admitted under the old one, too.
#[tokio::test]
async fn a_changed_pin_holds_at_once() {
    let (system, istio) = start().await;
    let proxy = callers::as_proxy(&system); // keeps its connection open
    assert_eq!(ask(&system, &proxy, "/api/healthz", None).await.0, 200);
    let gateway = istio.join("private/gateway.yaml");
    let text = std::fs::read_to_string(&gateway).unwrap();
    change(&system, || {
        write(&gateway, &text.replace("sa/proxy", "sa/another"));
    })
    .await;
    assert_ne!(
        callers::status(&system, &proxy, "/api/healthz").await,
        Some(200),
        "the old connection"
    );
    assert_eq!(
        callers::status(&system, &callers::as_proxy(&system), "/api/healthz").await,
        None,
        "a new one"
    );
    change(&system, || write(&gateway, &text)).await;
    assert_eq!(
        ask(&system, &callers::as_proxy(&system), "/api/healthz", None)
            .await
            .0,
        200
    );
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
