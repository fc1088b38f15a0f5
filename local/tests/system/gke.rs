//! Everything behind one public gateway: pages open, the API for users, and no cookie that locks one out.

use reqwest::header::LOCATION;
use serde_json::json;

use crate::callers;
use crate::harness::System;
use crate::visitor::{MESSAGE, Visitor};

const SECRET: (u16, &str) = (200, r#"{"message":"Hello World"}"#);

async fn start() -> System {
    System::start(&["--topology", "gke"]).await
}

fn page(system: &System) -> Visitor {
    Visitor::of(system.url("gateway"))
}

#[tokio::test]
async fn the_pages_are_open_and_the_api_is_for_users() {
    let system = start().await;
    let mut visitor = page(&system);
    assert_eq!(visitor.get("/").await.0, 200);
    assert_eq!(visitor.get("/api/healthz").await, (200, "ok".to_owned()));
    for path in [
        "/api/secure.json",
        "/api",
        "/api/",
        "//api/secure.json",
        "/x/../api/secure.json",
    ] {
        assert_eq!(
            visitor.get(path).await,
            (403, "RBAC: access denied".to_owned()),
            "{path}"
        );
    }
    visitor.sign_in().await;
    assert!(visitor.get("/").await.1.contains(MESSAGE));
    let answer = visitor.get("/api/secure.json").await;
    assert_eq!(
        (answer.0, answer.1.as_str()),
        SECRET,
        "by the cookie that only goes to /api/"
    );

    let signed_out = visitor.post("/sign-out", &[]).await;
    assert_eq!(signed_out.headers()[LOCATION], "/");
    assert_eq!(visitor.cookie("acme_api_token"), None);
    assert_eq!(visitor.get("/api/secure.json").await.0, 403);
}

#[tokio::test]
async fn bad_tokens_are_refused_with_istios_words() {
    let system = start().await;
    let good = callers::sign_in(&system).await;
    let expired = callers::resigned(&system, &good, |claims| {
        claims["exp"] = json!(callers::now() - 120);
    });
    let another = callers::resigned(&system, &good, |claims| claims["aud"] = json!("another"));
    let client = callers::client().build().unwrap();
    for (path, token, status, body) in [
        ("/api/secure.json", &good, SECRET.0, SECRET.1),
        ("/api/secure.json", &expired, 401, "Jwt is expired"),
        ("/api/healthz", &expired, 401, "Jwt is expired"),
        ("/", &expired, 401, "Jwt is expired"),
        (
            "/api/secure.json",
            &another,
            403,
            "Audiences in Jwt are not allowed",
        ),
    ] {
        let request = client
            .get(format!("{}{path}", system.url("gateway")))
            .bearer_auth(token);
        let answer = request.send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.text().await.unwrap()),
            (status, body.to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_expired_or_broken_token_cookie_locks_nobody_out() {
    let system = start().await;
    let mut visitor = page(&system);
    visitor.sign_in().await;
    let good = visitor
        .cookie("acme_api_token")
        .expect("set with the session")
        .to_owned();
    let expired = callers::resigned(&system, &good, |claims| {
        claims["exp"] = json!(callers::now() - 120);
    });
    for bad in [expired.as_str(), "not-a-token"] {
        visitor.plant("acme_api_token", bad, "/api/");
        assert_eq!(visitor.get("/api/secure.json").await.0, 401, "{bad}");
        assert!(
            visitor.get("/").await.1.contains(MESSAGE),
            "the page is open and sets the cookie again"
        );
        assert_eq!(visitor.get("/api/secure.json").await.0, 200);
    }
}

#[tokio::test]
async fn a_session_of_private_goes_on_in_gke() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    let system = system.restart(&["--topology", "gke"]).await;
    let mut visitor = visitor.moved_to(system.url("gateway"));
    assert!(visitor.get("/").await.1.contains(MESSAGE));
    let answer = visitor.get("/api/secure.json").await;
    assert_eq!((answer.0, answer.1.as_str()), SECRET);
}

#[tokio::test]
async fn a_backend_that_is_gone_gives_the_front_ends_page_not_the_gateways_text() {
    let system = start().await;
    let mut visitor = page(&system);
    visitor.sign_in().await;
    system.kill("backend").await;
    let (status, text) = visitor.get("/").await;
    assert!(
        (500..600).contains(&status) && text.contains("<html"),
        "{status} {text}"
    );
}

/// A backend that accepts and never answers: the gateway gives up after 2 s, the front end shows its page.
#[tokio::test]
async fn a_backend_that_hangs_gives_the_front_ends_page() {
    let system = System::start(&["--topology", "gke", "--without", "backend"]).await;
    let silent = tokio::net::TcpListener::bind(system.address("backend"))
        .await
        .unwrap();
    let hold = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(silent.accept().await.unwrap());
        }
    });
    let mut visitor = page(&system);
    visitor.sign_in().await;
    let (status, text) = visitor.get("/").await;
    assert!(status == 504 && text.contains("<html"), "{status} {text}");
    hold.abort();
}
