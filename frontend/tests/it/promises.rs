//! What no single flow shows: that tokens stay where no script can read them, and that a sign-in ages however
//! often its tokens are renewed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::harness::{Answer, EMAIL, Key, PASSWORD, Seen, Wishes, World, id_claims, identity_rule};

/// Identity Platform with a user who may do everything.
fn account(world: &World) {
    let usual = identity_rule(Key::a(), 3600, 3600);
    world
        .identity
        .answers(move |seen: &Seen| match seen.uri.rsplit_once('/').unwrap().1 {
            "accounts:lookup" => {
                Answer::json(200, &json!({"users": [{"email": EMAIL, "emailVerified": true}]}))
            }
            "mfaEnrollment:start" => Answer::json(
                200,
                &json!({"totpSessionInfo": {"sharedSecretKey": "GEZDGNBVGY3TQOJQ", "sessionInfo": "info-1"}}),
            ),
            _ => usual(seen),
        });
}

#[tokio::test]
async fn no_answer_holds_a_token_where_a_script_could_read_it() {
    let world = World::start().await;
    account(&world);
    let mut browser = world.browser();
    let mut answers = vec![browser.sign_in(EMAIL, PASSWORD).await];
    for path in [
        "/",
        "/account",
        "/account/password",
        "/account/second-step",
        "/account/delete",
        "/session",
        "/api/secure.json",
        "/nowhere",
    ] {
        answers.push(browser.get(path).await);
    }
    answers.push(browser.post("/account/name", &[("name", "Shopper")]).await);
    answers.push(browser.post("/sign-out", &[]).await);
    let cookies: Vec<_> = answers.iter().flat_map(|answer| answer.set_cookies()).collect();
    assert!(cookies.iter().any(|line| line.starts_with("session=")));
    for line in &cookies {
        assert!(line.contains("; HttpOnly"), "{line}");
    }
    for answer in &answers {
        let everything = format!("{:?}{}", answer.headers, answer.body);
        // every token of these tests is a JWT or begins with this word
        assert!(
            !everything.contains("eyJ") && !everything.contains("refresh-"),
            "{everything}"
        );
    }
}

/// The clock of the one test that moves it.
static AHEAD: AtomicU64 = AtomicU64::new(0);

#[tokio::test]
async fn a_renewed_token_makes_no_sign_in_recent() {
    let world = World::with(Wishes {
        clock: Some(|| SystemTime::now() + Duration::from_secs(AHEAD.load(Ordering::Relaxed))),
        ..Wishes::default()
    })
    .await;
    let usual = identity_rule(Key::a(), 3600, 3600);
    world.identity.answers(move |seen: &Seen| {
        let path = seen.uri.rsplit_once('/').unwrap().1;
        if path == "accounts:lookup" {
            return Answer::json(200, &json!({"users": [{"email": EMAIL, "emailVerified": true}]}));
        }
        if !seen.uri.contains("/v1/token") {
            return usual(seen);
        }
        let mut claims: Value = id_claims(3600);
        let later = claims["exp"].as_u64().unwrap() + AHEAD.load(Ordering::Relaxed);
        claims["exp"] = later.into();
        Answer::json(
            200,
            &json!({"id_token": Key::a().sign(&claims), "refresh_token": "refresh-2"}),
        )
    });
    let mut browser = world.signed_in().await;
    let sensitive = ["/account/password", "/account/second-step", "/account/delete"];
    for path in sensitive {
        let page = browser.get(path).await;
        assert!(!page.says("name=\"next\""), "a moment ago: {path}: {}", page.body);
    }
    AHEAD.store(3600, Ordering::Relaxed);
    assert_eq!(browser.get("/session").await.status, 200);
    assert_eq!(
        world.identity.asked("/v1/token").len(),
        1,
        "the token is a new one"
    );
    for path in sensitive {
        let page = browser.get(path).await;
        let next = format!("name=\"next\" value=\"{path}\"");
        assert!(
            page.says("once more") && page.says(&next),
            "{path}: {}",
            page.body
        );
        let posted = browser
            .post(path, &[("password", "Another-one-2027"), ("code", "123456")])
            .await;
        assert!(posted.says(&next), "{path}: {}", posted.body);
    }
    for call in ["accounts:update", "accounts:delete", "mfaEnrollment:finalize"] {
        assert!(world.identity.asked(call).is_empty(), "{call}");
    }
    assert_eq!(
        browser.get("/account").await.status,
        200,
        "what takes nothing over goes on"
    );
}
