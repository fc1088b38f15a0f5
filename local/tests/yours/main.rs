//! What README's section "Make it yours" promises, in a checkout in which its edits were made.
//!
//! `./test --only yours` makes such a copy, applies every diff and command of the section, and runs this
//! there. In the checkout itself these tests would fail, as they should.

#![allow(clippy::unwrap_used, clippy::panic, reason = "panicking is how tests fail")]

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

#[path = "../system/callers.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod callers;
#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod harness;
#[path = "../system/visitor.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod visitor;

use harness::{System, workspace};
use visitor::{MESSAGE, Visitor};

#[tokio::test]
async fn the_new_route_is_for_users_and_the_message_still_comes() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    assert_eq!(visitor.get("/api/orders.json").await.0, 401);
    visitor.sign_in().await;
    assert_eq!(visitor.get("/api/orders.json").await, (200, "[1,2,3]".to_owned()));
    assert!(
        visitor.get("/").await.1.contains(MESSAGE),
        "under the new host name"
    );
}

#[tokio::test]
async fn the_new_service_is_reached_while_the_gateway_runs_and_the_new_rule_holds() {
    let system = System::start(&[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let service = Router::new().route("/api/reports/{name}", get(|| async { "a report" }));
    tokio::spawn(async move { axum::serve(listener, service).await });

    let document = block("yaml").replace("9001", &port);
    std::fs::write(system.state().join("registry/reports.yaml"), document).unwrap();
    system
        .line(|line| line.contains("configuration 2 is in use"))
        .await;

    let token = callers::sign_in(&system).await;
    let proxy = callers::as_proxy(&system);
    let ask = async |token: Option<&str>| callers::ask(&system, &proxy, "/api/reports/june", token).await;
    assert_eq!(ask(Some(&token)).await, (200, "a report".to_owned()));
    assert_eq!(ask(None).await.0, 403);
    let another = callers::resigned(&system, &token, |claims| {
        claims["firebase"]["sign_in_provider"] = "phone".into();
    });
    assert_eq!(ask(Some(&another)).await, (403, "RBAC: access denied".to_owned()));
}

#[test]
fn no_trace_of_the_old_host_name_is_left_in_the_documents() {
    for file in [
        "istio/egress/routes.yaml",
        "istio/egress/upstream.yaml",
        "istio/private/gateway.yaml",
    ] {
        let text = std::fs::read_to_string(workspace().join(file)).unwrap();
        let old = ["acme", "internal"].join("."); // in pieces, or the command would have changed it here, too
        assert!(
            text.contains("services.example.internal") && !text.contains(&old),
            "{file}"
        );
    }
}

/// The first fenced block of a language in the section.
fn block(language: &str) -> String {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with("Make it yours"))
        .unwrap();
    let (_, rest) = section.split_once(&format!("```{language}\n")).unwrap();
    rest.split("```").next().unwrap().to_owned()
}
