//! The account's page and what can be changed there; our own limits.

use serde_json::{Value, json};

use crate::harness::{Answer, EMAIL, Key, PASSWORD, Seen, World, identity_rule};

const NEW: &str = "Another-one-2027";

/// Identity Platform with the calls of a signed-in user.
fn account(world: &World) {
    let usual = identity_rule(Key::a(), 3600, 3600);
    world.identity.answers(move |seen: &Seen| {
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match seen.uri.rsplit_once('/').unwrap().1 {
            "accounts:lookup" => Answer::json(
                200,
                &json!({"users": [{"email": EMAIL, "emailVerified": false, "displayName": "<Shopper>",
                    "providerUserInfo": [{"providerId": "password"}]}]}),
            ),
            "accounts:update" if asked.get("password").is_some() => Answer::json(
                200,
                &json!({"idToken": Key::a().id_token(3600), "refreshToken": "refresh-new"}),
            ),
            "accounts:update" | "accounts:delete" | "accounts:sendOobCode" => Answer::json(200, &json!({})),
            _ => usual(seen),
        }
    });
}

fn asked(world: &World, call: &str) -> Vec<Value> {
    let calls = world.identity.asked(call);
    calls
        .iter()
        .map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect()
}

#[tokio::test]
async fn the_account_is_shown_and_its_name_changed() {
    let world = World::start().await;
    account(&world);
    let mut browser = world.signed_in().await;
    let page = browser.get("/account").await;
    assert!(
        page.status == 200 && page.says(EMAIL) && page.says("not yet"),
        "{}",
        page.body
    );
    assert!(
        page.says("value=\"&#60;Shopper&#62;\"") && page.says("up to an hour"),
        "{}",
        page.body
    );
    let page = browser
        .post("/account/name", &[("name", " New\u{7} Name ")])
        .await;
    assert_eq!((page.status, page.location()), (303, Some("/account")));
    browser.post("/account/name", &[("name", "")]).await;
    let calls = asked(&world, "accounts:update");
    assert_eq!(calls[0]["displayName"], "New Name");
    assert_eq!(calls[1]["deleteAttribute"], json!(["DISPLAY_NAME"]));
    let page = browser.post("/account/verify", &[]).await;
    assert!(
        page.status == 200 && page.says("Check your mail"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_new_password_brings_a_new_session() {
    let world = World::start().await;
    account(&world);
    let mut browser = world.signed_in().await;
    assert!(
        browser
            .get("/account/password")
            .await
            .says("autocomplete=\"new-password\"")
    );
    let page = browser.post("/account/password", &[("password", "short")]).await;
    assert!(
        page.status == 422 && page.says("at least 6 characters"),
        "{}",
        page.body
    );
    let before = browser.cookies["session"].clone();
    let page = browser.post("/account/password", &[("password", NEW)]).await;
    assert!(
        page.status == 200 && page.says("Your password is changed"),
        "{}",
        page.body
    );
    assert_ne!(browser.cookies["session"], before);
    assert_eq!(asked(&world, "accounts:update")[0]["password"], NEW);
}

#[tokio::test]
async fn deleting_the_account_signs_out() {
    let world = World::start().await;
    account(&world);
    let mut browser = world.signed_in().await;
    assert!(browser.get("/account/delete").await.says("Nobody can undo it"));
    assert!(
        asked(&world, "accounts:delete").is_empty(),
        "looking deletes nothing"
    );
    let page = browser.post("/account/delete", &[]).await;
    assert!(
        page.status == 200 && page.says("Your account is deleted"),
        "{}",
        page.body
    );
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn what_takes_an_account_over_asks_for_a_recent_sign_in() {
    let world = World::start().await;
    account(&world);
    let mut browser = world.signed_in().await;
    let usual = identity_rule(Key::a(), 3600, 3600);
    world
        .identity
        .answers(move |seen: &Seen| match seen.uri.contains("accounts:") {
            true if !seen.uri.contains("signIn") => Answer::refusal(400, "CREDENTIAL_TOO_OLD_LOGIN_AGAIN"),
            _ => usual(seen),
        });
    for (path, fields) in [
        ("/account/password", &[("password", NEW)][..]),
        ("/account/delete", &[]),
    ] {
        let page = browser.post(path, fields).await;
        assert!(
            page.says("Enter your password once more") && page.says(EMAIL),
            "{}",
            page.body
        );
        assert!(
            page.says(&format!("name=\"next\" value=\"{path}\"")),
            "{}",
            page.body
        );
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", path)];
        assert_eq!(browser.post("/sign-in", &fields).await.location(), Some(path));
    }
}

#[tokio::test]
async fn whoever_is_signed_out_signs_in_first_and_goes_on() {
    let world = World::start().await;
    account(&world);
    let mut browser = world.browser();
    let page = browser.get("/account").await;
    assert!(
        page.status == 200 && page.says("name=\"next\" value=\"/account\""),
        "{}",
        page.body
    );
    for (next, expected) in [
        ("/account", "/account"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
    ] {
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.post("/sign-in", &fields).await.location(), Some(expected));
    }
    assert!(asked(&world, "accounts:lookup").is_empty());
}

#[tokio::test]
async fn a_session_that_ended_elsewhere_ends_here() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    world.identity.says(Answer::refusal(400, "TOKEN_EXPIRED"));
    let page = browser.get("/account").await;
    assert!(
        page.says("Your session has ended") && browser.cookies.is_empty(),
        "{}",
        page.body
    );
    let mut browser = world.browser();
    world.identity.answers(identity_rule(Key::a(), 3600, 3600));
    browser.sign_in(EMAIL, PASSWORD).await;
    world.identity.says(Answer::plain(500, "down"));
    let page = browser.get("/account").await;
    assert!(page.status == 503 && !browser.cookies.is_empty(), "{}", page.body);
}

#[tokio::test]
async fn too_many_tries_on_one_account_are_paused_before_anybody_is_asked() {
    let world = World::start().await;
    for _ in 0..20 {
        assert_eq!(world.browser().sign_in(EMAIL, "wrong").await.status, 422);
    }
    let page = world.browser().sign_in(EMAIL, PASSWORD).await;
    assert!(page.status == 429 && page.says("Too many tries"), "{}", page.body);
    let seconds: u64 = page.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=301).contains(&seconds), "{seconds}");
    assert_eq!(world.identity.asked("signInWithPassword").len(), 20);
    assert_eq!(
        world
            .browser()
            .sign_in("other@acme.example", "wrong")
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn what_a_client_writes_about_its_address_does_not_count() {
    let world = World::start().await;
    for attempt in 0..201 {
        let address = format!("192.0.2.{attempt}");
        let mut browser = world.browser().sending("x-forwarded-for", &address);
        let page = browser
            .sign_in(&format!("user-{attempt}@acme.example"), "wrong")
            .await;
        assert_eq!(page.status, if attempt == 200 { 429 } else { 422 }, "{attempt}");
    }
}
