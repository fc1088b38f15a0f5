//! Sessions that are long in bytes or in time, and those that end while something is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::sync::Semaphore;

use crate::harness::{Answer, EMAIL, Key, PASSWORD, Seen, Wishes, World, id_claims, identity_rule};

const MESSAGE: &str = "The secret message is: Hello World";

/// Identity Platform whose ID tokens have as many bytes more as told.
fn long_tokens(world: &World) -> Arc<AtomicUsize> {
    let (size, key) = (Arc::new(AtomicUsize::new(0)), Key::a());
    let (more, jwks) = (size.clone(), json!({"keys": [key.jwk()]}));
    world.identity.answers(move |seen: &Seen| {
        if seen.uri.contains("/jwk/") {
            return Answer::json(200, &jwks);
        }
        let mut claims = id_claims(3600);
        claims["claim"] = "x".repeat(more.load(Ordering::Relaxed)).into();
        Answer::json(200, &json!({"idToken": key.sign(&claims), "refreshToken": "r"}))
    });
    size
}

#[tokio::test]
async fn a_session_of_more_than_4_kb_stands_in_several_cookies() {
    let world = World::with_env(&[("TRUSTED_HOPS", "1")]).await;
    let size = long_tokens(&world);
    size.store(5000, Ordering::Relaxed);
    let mut browser = world.browser().sending("x-forwarded-proto", "https");
    let page = browser.sign_in(EMAIL, PASSWORD).await;
    let names: Vec<_> = browser.cookies.keys().cloned().collect();
    assert_eq!(names, ["__Host-session", "__Host-session-1", "__Host-session-2"]);
    for cookie in page.set_cookies() {
        assert!(cookie.len() <= 4096 && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
    }
    assert!(browser.get("/").await.says(MESSAGE));
    let mut without = browser.clone();
    without.cookies.remove("__Host-session-1");
    assert!(
        without.get("/").await.says("action=\"/sign-in\""),
        "a part is missing"
    );
    assert!(without.cookies.is_empty(), "{:?}", without.cookies.keys());

    // a shorter session of the same browser: what the longer one left is deleted, and never mixed in
    let longer = browser.cookies.clone();
    size.store(0, Ordering::Relaxed);
    browser.sign_in(EMAIL, PASSWORD).await;
    assert_eq!(browser.cookies.len(), 1);
    for (name, cookie) in longer {
        browser.cookies.entry(name).or_insert(cookie);
    }
    assert!(browser.get("/").await.says(MESSAGE));
    browser.post("/sign-out", &[]).await;
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies.keys());
}

#[tokio::test]
async fn a_session_that_no_browser_would_keep_is_told_as_such() {
    let world = World::start().await;
    long_tokens(&world).store(14_000, Ordering::Relaxed);
    let mut browser = world.browser();
    let page = browser.sign_in(EMAIL, PASSWORD).await;
    assert!(page.status == 500 && page.says("does not fit"), "{}", page.body);
    assert!(browser.cookies.is_empty());
}

const DAY: u64 = 24 * 3600;

/// A clock per test; each runs on by itself.
macro_rules! clock {
    ($name:ident) => {{
        static AHEAD: AtomicU64 = AtomicU64::new(0);
        fn $name() -> SystemTime {
            SystemTime::now() + Duration::from_secs(AHEAD.load(Ordering::Relaxed))
        }
        (&AHEAD, $name as fn() -> SystemTime)
    }};
}

#[tokio::test]
async fn five_minutes_after_the_sign_in_the_account_is_kept_from_whoever_sits_down_at_the_desk() {
    let (ahead, clock) = clock!(desk);
    let clock = Some(clock);
    let world = World::with(Wishes {
        clock,
        ..Wishes::default()
    })
    .await;
    world.identity.answers(identity_rule(Key::a(), DAY, DAY));
    let mut browser = world.signed_in().await;
    let once_more = "Enter your password once more";
    assert!(!browser.get("/account/delete").await.says(once_more));
    ahead.store(301, Ordering::Relaxed);
    assert!(browser.get("/").await.says(MESSAGE), "the session goes on");
    for path in ["/account/password", "/account/delete"] {
        assert!(browser.get(path).await.says(once_more), "{path}");
        let page = browser.post(path, &[("password", "Another-one-2027")]).await;
        assert!(page.says(once_more), "{path}: {}", page.body);
    }
    for call in ["accounts:update", "accounts:delete"] {
        assert!(
            world.identity.asked(call).is_empty(),
            "{call} was not even asked for"
        );
    }
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let (ahead, clock) = clock!(idle);
    let clock = Some(clock);
    let world = World::with(Wishes {
        clock,
        ..Wishes::default()
    })
    .await;
    world
        .identity
        .answers(identity_rule(Key::a(), 60 * DAY, 60 * DAY));
    let mut browser = world.signed_in().await;
    ahead.store(3 * DAY - 60, Ordering::Relaxed);
    assert!(browser.get("/").await.says(MESSAGE));
    ahead.store(3 * DAY + 60, Ordering::Relaxed);
    assert!(browser.get("/").await.says("action=\"/sign-in\""));
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a_session_that_is_used_every_day_ends_after_two_weeks() {
    let (ahead, clock) = clock!(used);
    let clock = Some(clock);
    let world = World::with(Wishes {
        clock,
        ..Wishes::default()
    })
    .await;
    let usual = identity_rule(Key::a(), 3600, 3600);
    world.identity.answers(move |seen: &Seen| {
        if !seen.uri.contains("/v1/token") {
            return usual(seen);
        }
        let ahead = ahead.load(Ordering::Relaxed);
        let token = Key::a().id_token(3600 + ahead);
        let refresh = format!("refresh-of-{ahead}");
        Answer::json(200, &json!({"id_token": token, "refresh_token": refresh}))
    });
    let mut browser = world.signed_in().await;
    for day in 1..14 {
        ahead.store(day * DAY, Ordering::Relaxed);
        assert!(browser.get("/").await.says(MESSAGE), "day {day}");
    }
    ahead.store(14 * DAY + 60, Ordering::Relaxed);
    assert!(browser.get("/").await.says("action=\"/sign-in\""));
}

#[tokio::test]
async fn a_refresh_that_comes_back_after_the_sign_out_brings_no_session_back() {
    let world = World::start().await;
    let (go, usual) = (Arc::new(Semaphore::new(0)), identity_rule(Key::a(), 120, 3600));
    let held = go.clone();
    world
        .identity
        .answers(move |seen: &Seen| match seen.uri.contains("/v1/token") {
            true => Answer::Held(held.clone(), Box::new(usual(seen))),
            false => usual(seen),
        });
    let mut browser = world.signed_in().await;
    let before = browser.cookies.clone();
    let mut tab = browser.clone();
    let page = tokio::spawn(async move { (tab.get("/").await, tab) });
    while world.identity.asked("/v1/token").is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(browser.post("/sign-out", &[]).await.status, 303);
    go.add_permits(1);
    let (page, tab) = page.await.unwrap();
    assert!(!page.says(MESSAGE) && tab.cookies.is_empty(), "{}", page.body);
    browser.cookies = before;
    assert!(
        browser.get("/").await.says("action=\"/sign-in\""),
        "nor does a kept cookie"
    );
}

#[tokio::test]
async fn signing_out_everywhere_is_asked_for_in_the_services_own_name() {
    let world = World::start().await;
    let usual = identity_rule(Key::a(), 3600, 3600);
    world
        .identity
        .answers(move |seen: &Seen| match seen.uri.contains("/projects/") {
            true => Answer::json(200, &json!({"localId": "user-1"})),
            false => usual(seen),
        });
    let mut browser = world.signed_in().await;
    let page = browser.post("/account/sign-out", &[]).await;
    assert!(
        page.status == 200 && page.says("signed out everywhere"),
        "{}",
        page.body
    );
    assert!(browser.cookies.is_empty());
    let asked = &world.identity.asked("/v1/projects/demo-acme/accounts:update")[0];
    assert_eq!(asked.header("authorization"), Some("Bearer owner"));
    let asked: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    let since: u64 = asked["validSince"].as_str().unwrap().parse().unwrap();
    assert_eq!(asked["localId"], "user-1");
    assert!(crate::harness::now().abs_diff(since) < 5);

    let world = World::with_env(&[("SIGN_OUT_EVERYWHERE", "false")]).await;
    let page = world.signed_in().await.post("/account/sign-out", &[]).await;
    assert_eq!(
        page.status, 404,
        "without the right there is no button and no way"
    );
}
