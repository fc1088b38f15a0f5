//! The cookie: its names, its keys, its refresh, and the second cookie for `/api/`.

use crate::harness::{Answer, Key, Wishes, World, identity_rule, session_key};

const MESSAGE: &str = "The secret message is: Hello World";

#[tokio::test]
async fn a_tampered_cookie_means_signed_out_and_is_cleared() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    let (value, _) = browser.cookies.get_mut("session").unwrap();
    value.replace_range(30..31, if &value[30..31] == "A" { "B" } else { "A" });
    let page = browser.get("/").await;
    assert!(
        page.status == 200 && page.says("action=\"/sign-in\""),
        "{}",
        page.body
    );
    assert!(browser.cookies.is_empty());
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_new_key_signs_nobody_out_and_takes_over() {
    let (old, new) = (session_key(1), session_key(2));
    let before = World::with_env(&[("SESSION_KEYS", &old)]).await;
    let cookies = before.signed_in().await.cookies;

    let after = World::with_env(&[("SESSION_KEYS", &format!("{new},{old}"))]).await;
    let mut browser = after.browser();
    browser.cookies = cookies.clone();
    assert!(browser.get("/").await.says(MESSAGE));
    assert_ne!(browser.cookies, cookies, "sealed again with the new key");

    let later = World::with_env(&[("SESSION_KEYS", &new)]).await;
    let mut renewed = later.browser();
    renewed.cookies = browser.cookies;
    assert!(renewed.get("/").await.says(MESSAGE));
    let mut forgotten = later.browser();
    forgotten.cookies = cookies;
    assert!(forgotten.get("/").await.says("action=\"/sign-in\""));
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed_once_for_all_of_a_browsers_requests() {
    let world = World::start().await;
    world.identity.answers(identity_rule(Key::a(), 120, 3600));
    let mut browser = world.signed_in().await;
    let old = browser.cookies.clone();
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let mut browser = browser.clone();
            tokio::spawn(async move { browser.get("/").await })
        })
        .collect();
    for request in requests {
        let page = request.await.unwrap();
        assert!(page.says(MESSAGE), "{}", page.body);
        assert_eq!(page.set_cookies().len(), 1);
    }
    let asked = world.identity.asked("/v1/token");
    assert_eq!(asked.len(), 1, "single flight");
    assert_eq!(asked[0].body, "grant_type=refresh_token&refresh_token=refresh-1");

    browser.get("/").await;
    assert_ne!(browser.cookies, old);
    browser.get("/").await;
    assert_eq!(
        world.identity.asked("/v1/token").len(),
        1,
        "the new token is far from its end"
    );
}

#[tokio::test]
async fn identity_platforms_no_ends_the_session() {
    for (code, text) in [
        ("TOKEN_EXPIRED", "Your session has ended"),
        ("INVALID_REFRESH_TOKEN", "Your session has ended"),
        ("USER_NOT_FOUND", "Your session has ended"),
        ("USER_DISABLED", "turned off"),
    ] {
        let world = World::start().await;
        world.identity.answers(identity_rule(Key::a(), 120, 3600));
        let mut browser = world.signed_in().await;
        world.identity.says(Answer::refusal(400, code));
        let page = browser.get("/").await;
        assert!(page.status == 200 && page.says(text), "{code}: {}", page.body);
        assert!(
            page.says("action=\"/sign-in\"") && browser.cookies.is_empty(),
            "{code}"
        );
    }
}

#[tokio::test]
async fn identity_platforms_silence_does_not() {
    let deadline = Some(std::time::Duration::from_secs(4));
    let world = World::with(Wishes {
        deadline,
        ..Wishes::default()
    })
    .await;
    world.identity.answers(identity_rule(Key::a(), 120, 3600));
    let mut browser = world.signed_in().await;
    for answer in [Answer::plain(500, "down"), Answer::Hang] {
        world.identity.says(answer);
        let page = browser.get("/").await;
        assert!(page.says(MESSAGE), "the old token is still good: {}", page.body);
        assert_eq!(browser.get("/session").await.status, 200);
    }
}

#[tokio::test]
async fn a_token_that_ended_while_identity_platform_is_down_is_a_page_and_not_a_sign_out() {
    let world = World::start().await;
    world.identity.answers(identity_rule(Key::a(), 1, 3600));
    let mut browser = world.signed_in().await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await; // the token's own end is the event
    world.identity.says(Answer::plain(503, "down"));
    let page = browser.get("/").await;
    assert!(
        page.status == 503 && page.says("cannot be renewed right now"),
        "{}",
        page.body
    );
    assert_eq!(browser.get("/session").await.status, 503);
    assert!(browser.cookie("session").is_some(), "the session is kept");
    assert!(world.upstream.seen().is_empty(), "an expired token never leaves");

    world.identity.answers(identity_rule(Key::a(), 3600, 3600));
    assert!(browser.get("/").await.says(MESSAGE), "and it goes on by itself");
}

#[tokio::test]
async fn a_script_learns_whether_it_is_signed_in() {
    let world = World::start().await;
    let page = world.browser().get("/session").await;
    assert_eq!(
        (page.status, page.json()["error"].as_str()),
        (401, Some("signed_out"))
    );
    let page = world.signed_in().await.get("/session").await;
    assert_eq!(
        (page.status, page.json()["email"].as_str()),
        (200, Some(crate::harness::EMAIL))
    );
    let left = page.json()["expires"].as_u64().unwrap() - crate::harness::now();
    assert!((3500..=3600).contains(&left), "{left}");
}

#[tokio::test]
async fn on_https_the_cookie_has_its_prefix_and_is_secure() {
    let world = World::with_env(&[("TRUSTED_HOPS", "1")]).await;
    let mut browser = world.browser().sending("x-forwarded-proto", "https");
    let page = browser
        .sign_in(crate::harness::EMAIL, crate::harness::PASSWORD)
        .await;
    let cookie = page.set_cookies()[0];
    assert!(cookie.starts_with("__Host-session=v1."), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    assert!(browser.get("/").await.says(MESSAGE));

    let mut plain = world.browser();
    plain.cookies = browser.cookies;
    assert!(!plain.get("/").await.says(MESSAGE), "not read on http");
    let world = World::start().await;
    let mut untrusted = world.browser().sending("x-forwarded-proto", "https");
    let page = untrusted
        .sign_in(crate::harness::EMAIL, crate::harness::PASSWORD)
        .await;
    assert!(
        page.set_cookies()[0].starts_with("session="),
        "nobody's word for it but a trusted hop's"
    );
}

#[tokio::test]
async fn the_api_cookie_follows_the_session_and_carries_the_id_token() {
    let gke = [("API_TOKEN_COOKIE", "acme_api_token"), ("PROXY_AUDIENCE", "")];
    let private = World::start().await.signed_in().await;
    let world = World::with_env(&gke).await;
    let mut browser = world.browser();
    browser.cookies = private.cookies; // signed in before the cookie was switched on
    let page = browser.get("/").await;
    let lines = page.set_cookies();
    assert_eq!(lines.len(), 1);
    let (pair, attributes) = lines[0].split_once("; ").unwrap();
    let token = pair.strip_prefix("acme_api_token=").unwrap();
    let call = &world.upstream.asked("/api/secure.json")[0];
    assert_eq!(
        call.header("authorization"),
        Some(format!("Bearer {token}").as_str())
    );
    assert_eq!(call.header("x-serverless-authorization"), None);
    let age = attributes
        .strip_prefix("Path=/api/; HttpOnly; SameSite=Strict; Max-Age=")
        .unwrap();
    assert!(
        (3500..=3540).contains(&age.parse::<u64>().unwrap()),
        "{attributes}"
    );
    assert!(!page.says(token), "in no page");

    assert_eq!(
        browser.get("/session").await.set_cookies().len(),
        1,
        "again on GET /session"
    );
    browser.post("/sign-out", &[]).await;
    assert!(
        browser.cookies.is_empty(),
        "sign-out clears both: {:?}",
        browser.cookies.keys()
    );
}

#[tokio::test]
async fn an_orphaned_api_cookie_is_cleared() {
    let world = World::with_env(&[("API_TOKEN_COOKIE", "acme_api_token")]).await;
    let mut browser = world.browser();
    // a real jar sends it below /api/ only; here it is enough that the session's end clears it
    browser
        .cookies
        .insert("session".into(), ("v1.bad.value".into(), "/".into()));
    browser
        .cookies
        .insert("acme_api_token".into(), ("stale".into(), "/api/".into()));
    browser.get("/").await;
    assert!(browser.cookies.is_empty());
}
