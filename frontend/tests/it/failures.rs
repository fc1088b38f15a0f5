//! Everything behind the page broken once: each has its own page, and each recovers by itself.

use std::time::{Duration, Instant};

use crate::harness::{Answer, EMAIL, Wishes, World, nowhere};

const MESSAGE: &str = "The secret message is: Hello World";

#[tokio::test]
async fn every_answer_from_the_way_has_its_own_page() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    let table = [
        (
            Answer::html(401),
            502,
            "service_identity_refused",
            "This site was not let in",
        ),
        (
            Answer::html(403),
            502,
            "service_identity_refused",
            "This site was not let in",
        ),
        (
            Answer::plain(401, "Jwt is expired"),
            403,
            "user_token_refused",
            "too old",
        ),
        (
            Answer::plain(401, "Jwt verification fails"),
            403,
            "user_token_refused",
            "was not accepted",
        ),
        (
            Answer::plain(403, "RBAC: access denied"),
            403,
            "policy_refused",
            "You may not see this",
        ),
        (Answer::html(503), 503, "no_proxy", "The proxy is not running"),
        (
            Answer::plain(503, "upstream connect error"),
            503,
            "gateway_unreachable",
            "The gateway cannot be reached",
        ),
        (
            Answer::plain(504, "upstream request timeout"),
            504,
            "gateway_unreachable",
            "The gateway cannot be reached",
        ),
        (
            Answer::plain(504, "upstream request timeout").with("x-envoy-upstream-service-time", "2001"),
            504,
            "backend_failed",
            "The private service does not answer",
        ),
        (
            Answer::plain(429, "Rate exceeded."),
            503,
            "busy",
            "Too many people",
        ),
        (
            Answer::plain(301, "").with("location", "https://other"),
            502,
            "unexpected_answer",
            "strange answer",
        ),
        (
            Answer::plain(200, "not json"),
            502,
            "unexpected_answer",
            "strange answer",
        ),
    ];
    for (answer, status, code, title) in table {
        let label = format!("{answer:?}");
        world.upstream.says(answer);
        let page = browser.get("/").await;
        assert_eq!(page.status, status, "{label}");
        assert!(
            page.says(&format!("<code>{code}</code>")) && page.says(title),
            "{label}: {}",
            page.body
        );
        assert!(
            page.says(EMAIL) && page.says("action=\"/sign-out\""),
            "still signed in: {label}"
        );
        assert!(!page.says("Hello World"), "{label}");
    }
    world
        .upstream
        .says(Answer::json(200, &serde_json::json!({"message": "Hello World"})));
    assert!(browser.get("/").await.says(MESSAGE), "and it recovers by itself");
}

#[tokio::test]
async fn in_gke_the_gateway_is_called_the_gateway() {
    let world = World::with_env(&[("PROXY_AUDIENCE", "")]).await;
    let mut browser = world.signed_in().await;
    assert!(browser.get("/").await.says("This front end, on GKE"));
    world.upstream.says(Answer::plain(503, "no healthy upstream"));
    let page = browser.get("/").await;
    assert!(
        page.status == 503 && page.says("The private service cannot be reached"),
        "{}",
        page.body
    );
    assert!(world.metadata.seen().is_empty(), "no service token is asked for");
}

#[tokio::test]
async fn no_proxy_at_all_is_a_page() {
    let world = World::with_env(&[("PROXY_URL", &format!("http://{}", nowhere()))]).await;
    let page = world.signed_in().await.get("/").await;
    assert!(
        page.status == 502 && page.says("The proxy cannot be reached"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_metadata_server_that_does_not_help_is_a_page() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    world.metadata.says(Answer::plain(404, "no such account"));
    let page = browser.get("/").await;
    assert!(
        page.status == 503 && page.says("cannot prove who it is"),
        "{}",
        page.body
    );
    assert!(
        world.upstream.seen().is_empty(),
        "the user's token does not leave without the service's"
    );

    let nobody = World::with_env(&[("GCE_METADATA_HOST", &nowhere().to_string())]).await;
    let page = nobody.signed_in().await.get("/").await;
    assert!(
        page.status == 503 && page.says("cannot prove who it is"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn identity_platform_down_is_told_in_the_form() {
    let host = nowhere().to_string();
    let world = World::with_env(&[("FIREBASE_AUTH_EMULATOR_HOST", &host)]).await;
    let page = world.browser().sign_in(EMAIL, "secret-typed").await;
    assert!(
        page.status == 503 && page.says("not available right now"),
        "{}",
        page.body
    );
    assert!(page.says(EMAIL) && !page.says("secret-typed"), "{}", page.body);
}

#[tokio::test]
async fn whoever_hangs_a_page_comes_before_the_deadline() {
    let deadline = Duration::from_millis(500);
    let wishes = || Wishes {
        deadline: Some(deadline),
        ..Wishes::default()
    };
    let within = |started: Instant| assert!(started.elapsed() < deadline * 3, "{:?}", started.elapsed());

    let world = World::with(wishes()).await;
    let mut browser = world.signed_in().await;
    world.upstream.says(Answer::Hang);
    let started = Instant::now();
    let page = browser.get("/").await;
    assert!(page.status == 504 && page.says("takes too long"), "{}", page.body);
    within(started);
    let started = Instant::now();
    let page = browser.get("/api/secure.json").await;
    assert_eq!(
        (page.status, page.json()["error"].as_str()),
        (504, Some("too_slow"))
    );
    within(started);

    let world = World::with(wishes()).await;
    let mut browser = world.signed_in().await;
    world.metadata.says(Answer::Hang);
    let started = Instant::now();
    assert_eq!(browser.get("/").await.status, 503);
    within(started);

    world.identity.says(Answer::Hang);
    let started = Instant::now();
    assert_eq!(world.browser().sign_in(EMAIL, "x").await.status, 503);
    within(started);
}

#[tokio::test]
async fn the_record_says_who_and_why_and_no_token() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    world.upstream.says(Answer::plain(403, "RBAC: access denied"));
    browser.get("/?secret=1").await;
    let records: Vec<_> = (0..2)
        .map(|_| world.records.recv_timeout(Duration::from_secs(5)).unwrap())
        .collect();
    let page = &records[1];
    assert_eq!(
        (page.service.as_str(), page.path.as_str(), page.status),
        ("frontend", "/", 403)
    );
    assert_eq!(
        page.user.as_deref(),
        Some("https://securetoken.google.com/demo-acme/user-1")
    );
    assert!(page.detail.as_deref().unwrap().contains("RBAC: access denied"));
    assert!(page.bytes > 500 && page.micros > 0 && page.trace.len() == 32);
    assert_eq!(page.route.as_deref(), Some("/"));
    let all = format!("{records:?}");
    assert!(!all.contains("secret=1") && !all.contains("eyJ"), "{all}");
}
