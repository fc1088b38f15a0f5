//! Sign in, read the message, sign out: by HTTP, as a browser does it.

use crate::callers;
use crate::harness::System;
use crate::visitor::{MESSAGE, Visitor};

#[tokio::test]
async fn sign_in_read_the_message_and_sign_out() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let (status, page) = visitor.get("/").await;
    assert!(status == 200 && page.contains("name=\"password\""), "{page}");
    assert!(
        page.contains("shopper@acme.example"),
        "the demo's login is on the page: {page}"
    );

    let fields = [("email", "shopper@acme.example"), ("password", "wrong")];
    let refused = visitor.post("/sign-in", &fields).await;
    assert_eq!(refused.status(), 422);
    assert_eq!(visitor.cookie("session"), None);

    visitor.sign_in().await;
    let (status, page) = visitor.get("/").await;
    assert!(
        status == 200 && page.contains(MESSAGE) && page.contains("shopper@acme.example"),
        "{page}"
    );
    assert_eq!(
        visitor.get("/api/secure.json").await,
        (200, r#"{"message":"Hello World"}"#.to_owned())
    );
    assert_eq!(visitor.get("/session").await.0, 200);
    assert!(
        !visitor.cookie("session").unwrap().contains("eyJ"),
        "the tokens are encrypted"
    );

    assert_eq!(visitor.post("/sign-out", &[]).await.status(), 303);
    assert_eq!(visitor.cookie("session"), None);
    assert_eq!(visitor.get("/api/secure.json").await.0, 401);
    assert!(!visitor.get("/").await.1.contains(MESSAGE));
}

/// The terminal tells the story of each request: the hops, and the document and rule that refused.
#[tokio::test]
async fn the_terminal_tells_each_requests_hops_and_who_refused() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    visitor.get("/api/secure.json").await;
    let line = system
        .line(|line| line.contains("/api/secure.json") && line.contains("200"))
        .await;
    for hop in ["frontend", "front-door", "proxy", "gateway", "backend"] {
        assert!(line.contains(hop), "{hop} is missing: {line}");
    }
    let proxy = callers::as_proxy(&system);
    callers::ask(&system, &proxy, "/api/secure.json", None).await;
    let line = system
        .line(|line| line.contains("/api/secure.json") && line.contains("403"))
        .await;
    assert!(
        line.contains("AuthorizationPolicy") && line.contains("users"),
        "{line}"
    );
}

#[tokio::test]
async fn a_restart_of_everything_signs_nobody_out() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    let system = system.restart(&[]).await;
    let mut visitor = visitor.moved_to(system.url("frontend"));
    assert!(visitor.get("/").await.1.contains(MESSAGE));
}
