//! The pass-through: what leaves, what does not, and what comes back.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Answer, World};

#[tokio::test]
async fn nothing_of_a_browsers_own_identity_is_forwarded() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    let forged = [
        "x-serverless-authorization",
        "x-forwarded-client-cert",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "forwarded",
        "x-real-ip",
        "x-goog-authenticated-user-email",
        "x-envoy-original-path",
        "proxy-authorization",
        "x-invented-later",
    ];
    let page = browser
        .ask(Method::GET, "/api/secure.json?a=1&b=%2F", |mut request| {
            for name in forged {
                request = request.header(name, "forged");
            }
            request
                .header("authorization", "Bearer forged")
                .header("accept", "application/json")
        })
        .await;
    assert_eq!(
        (page.status, page.body.as_str()),
        (200, r#"{"message":"Hello World"}"#)
    );
    let call = &world.upstream.seen()[0];
    assert_eq!(call.uri, "/api/secure.json?a=1&b=%2F", "the query is kept");
    assert_eq!(call.header("accept"), Some("application/json"));
    for (name, value) in &call.headers {
        assert!(!value.to_str().unwrap().contains("forged"), "{name}");
    }
    for name in [
        "cookie",
        "x-forwarded-for",
        "x-forwarded-client-cert",
        "x-invented-later",
    ] {
        assert!(call.header(name).is_none(), "{name}");
    }
    assert!(call.header("authorization").unwrap().starts_with("Bearer ey"));
    assert!(
        call.header("x-serverless-authorization")
            .unwrap()
            .starts_with("Bearer ey")
    );
}

#[tokio::test]
async fn a_script_without_a_session_gets_401_as_json_and_health_is_open() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get("/api/secure.json").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (401, Some("application/json"))
    );
    assert_eq!(page.json()["error"], "signed_out");
    assert_eq!(page.json()["sign_in"], "/", "where to go");
    assert!(world.upstream.seen().is_empty());

    let page = browser.get("/api/healthz").await;
    assert_eq!((page.status, page.body.as_str()), (200, "ok"));
    let call = &world.upstream.seen()[0];
    assert!(call.header("authorization").is_none() && call.header("x-serverless-authorization").is_some());
}

#[tokio::test]
async fn paths_that_two_servers_could_read_differently_are_refused() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    browser.get("/").await;
    let before = world.upstream.seen().len();
    let cookie = format!("session={}", browser.cookie("session").unwrap());
    for path in [
        "/api/../admin",
        "/api/%2e%2e/admin",
        "/api/.%2E/x",
        "/api/a%2fb",
        "/api/a%5cb",
        "/api/a\\b",
        "/api/.",
    ] {
        // by hand: a URL library would resolve them before they leave
        let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
    }
    assert_eq!(world.upstream.seen().len(), before);
}

#[tokio::test]
async fn methods_and_bodies_pass_and_cookies_do_not_come_back() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    world.upstream.answers(|seen| {
        Answer::json(
            201,
            &serde_json::json!({"got": String::from_utf8_lossy(&seen.body)}),
        )
        .with("set-cookie", "session=planted; Path=/")
        .with("x-envoy-upstream-service-time", "7")
        .with("x-custom", "kept")
    });
    let page = browser
        .ask(Method::PUT, "/api/things/1", |request| request.body("a body"))
        .await;
    assert_eq!((page.status, page.json()["got"].as_str()), (201, Some("a body")));
    assert_eq!(page.header("x-custom"), Some("kept"));
    assert!(page.set_cookies().is_empty() && page.header("x-envoy-upstream-service-time").is_none());
    let call = &world.upstream.seen()[0];
    assert_eq!(
        (call.method.as_str(), call.header("content-length")),
        ("PUT", Some("6"))
    );

    let page = browser
        .ask(Method::HEAD, "/api/secure.json", |request| request)
        .await;
    assert_eq!((page.status, page.body.as_str()), (201, ""));
}

#[tokio::test]
async fn the_meshs_word_reaches_the_script_and_the_front_doors_does_not() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    let refusal = "RBAC: access denied";
    world.upstream.says(Answer::plain(403, refusal));
    let page = browser.get("/api/secure.json").await;
    assert_eq!((page.status, page.body.as_str()), (403, refusal));
    for (answer, status, error) in [
        (Answer::html(401), 502, "service_identity_refused"),
        (Answer::html(403), 502, "service_identity_refused"),
        (Answer::html(503), 503, "no_proxy"),
    ] {
        world.upstream.says(answer);
        let page = browser.get("/api/secure.json").await;
        assert_eq!(
            (page.status, page.json()["error"].as_str()),
            (status, Some(error))
        );
    }
}

#[tokio::test]
async fn a_post_from_another_site_never_reaches_the_api() {
    let world = World::start().await;
    let mut browser = world.signed_in().await.sending("sec-fetch-site", "same-site");
    let page = browser.post("/api/things", &[("a", "b")]).await;
    assert_eq!(
        (page.status, page.json()["error"].as_str()),
        (403, Some("cross_site"))
    );
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_body_is_streamed_before_it_is_complete() {
    let world = World::start().await;
    let cookie = format!("session={}", world.signed_in().await.cookie("session").unwrap());
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = World::with_env(&[("PROXY_URL", &format!("http://{}", slow.local_addr().unwrap()))]).await;
    let mut client = tokio::net::TcpStream::connect(other.address).await.unwrap();
    let head =
        format!("POST /api/x HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\ntransfer-encoding: chunked\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(b"5\r\nfirst\r\n").await.unwrap();
    let (mut upstream, _) = slow.accept().await.unwrap();
    read_until(&mut upstream, "first").await;
    client.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut upstream, "last").await;
    upstream
        .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        .await
        .unwrap();
    read_until(&mut client, "one").await;
    upstream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut client, "two").await;
}

async fn read_until(stream: &mut tokio::net::TcpStream, text: &str) {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        assert_ne!(
            count,
            0,
            "ended without {text}: {}",
            String::from_utf8_lossy(&read)
        );
        read.extend_from_slice(&part[..count]);
    }
}
