//! Parts that die, hang and come back: the user gets a page that says what is wrong, within 5 s, and
//! everything recovers by itself.

use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::harness::System;
use crate::visitor::{MESSAGE, Visitor};

/// Kills a part, expects a page with these words, brings it back and expects the message.
async fn dies_and_comes_back(part: &str, words: &[&str]) {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    assert!(visitor.get("/").await.1.contains(MESSAGE));

    system.kill(part).await;
    let line = system.line(|line| line.contains(&format!("run {part}"))).await;
    assert!(
        line.contains("cargo run -- run"),
        "the command that starts it again: {line}"
    );
    let asked = Instant::now();
    let (status, page) = visitor.get("/").await;
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{part}: the page took {:?}",
        asked.elapsed()
    );
    assert!((500..600).contains(&status), "{part}: {status}");
    for word in words {
        assert!(
            page.contains(word),
            "{part}: {word:?} is not on the page:\n{page}"
        );
    }

    let again = system.run_again(part).await;
    recovers(&mut visitor).await;
    drop(again);
}

async fn recovers(visitor: &mut Visitor) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let page = visitor.get("/").await.1;
        if page.contains(MESSAGE) {
            return;
        }
        assert!(Instant::now() < deadline, "no recovery; the last page:\n{page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_backend_dies() {
    dies_and_comes_back("backend", &["backend"]).await;
}

#[tokio::test]
async fn the_gateway_dies() {
    dies_and_comes_back("gateway", &["gateway"]).await;
}

#[tokio::test]
async fn the_proxy_dies() {
    dies_and_comes_back("proxy", &["proxy"]).await;
}

#[tokio::test]
async fn the_front_door_dies() {
    dies_and_comes_back("front-door", &["proxy"]).await;
}

/// The service token is cached: the page goes on without the metadata server.
#[tokio::test]
async fn the_metadata_server_dies_and_nobody_notices() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    assert!(visitor.get("/").await.1.contains(MESSAGE));
    system.kill("metadata").await;
    assert!(visitor.get("/").await.1.contains(MESSAGE));
}

/// Who is signed in stays so; who wants to sign in is told.
#[tokio::test]
async fn identity_platform_dies() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    assert!(visitor.get("/").await.1.contains(MESSAGE));
    system.kill("identity").await;
    assert!(
        visitor.get("/").await.1.contains(MESSAGE),
        "a valid token needs nobody"
    );

    let mut stranger = Visitor::of(system.url("frontend"));
    let fields = [("email", "shopper@acme.example"), ("password", "Acme-demo-2026")];
    let answer = stranger.post("/sign-in", &fields).await;
    assert_eq!(answer.status(), 503);
    let again = system.run_again("identity").await;
    stranger.sign_in().await;
    assert!(stranger.get("/").await.1.contains(MESSAGE));
    drop(again);
}

/// Left out from the start, its address is whoever's: here a listener that accepts and never answers.
#[tokio::test]
async fn a_backend_that_hangs_is_given_up_on() {
    let system = System::start(&["--without", "backend"]).await;
    let silent = TcpListener::bind(system.address("backend")).await.unwrap();
    let hold = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut stream, _) = silent.accept().await.unwrap();
            let mut some = [0; 1024];
            let _ = stream.read(&mut some).await;
            held.push(stream);
        }
    });
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    let asked = Instant::now();
    let (status, page) = visitor.get("/").await;
    assert_eq!(status, 504, "{page}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(page.contains("backend"), "{page}");
    hold.abort();
}
