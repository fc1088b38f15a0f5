//! The second step: asked for after the password, added and removed on the account's page.

use serde_json::{Value, json};

use crate::harness::{Answer, Browser, EMAIL, Key, PASSWORD, Seen, World, identity_rule};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Identity Platform with one account that has a second step (`on`) or may add one. The right code is
/// 123456.
fn second_step(world: &World, on: bool) {
    let usual = identity_rule(Key::a(), 3600, 3600);
    let tokens = || json!({"idToken": Key::a().id_token(3600), "refreshToken": "refresh-second"});
    let factor = json!({"mfaEnrollmentId": "factor-1", "displayName": "Authenticator app", "totpInfo": {}});
    world.identity.answers(move |seen: &Seen| {
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let right = asked["totpVerificationInfo"]["verificationCode"] == "123456";
        match seen.uri.rsplit_once('/').unwrap().1 {
            "accounts:signInWithPassword" if on && asked["password"] == PASSWORD => Answer::json(
                200,
                &json!({"mfaPendingCredential": "pending-1", "mfaInfo": [factor]}),
            ),
            "mfaSignIn:finalize" if asked["mfaPendingCredential"] != "pending-1" => {
                Answer::refusal(400, "INVALID_MFA_PENDING_CREDENTIAL")
            }
            "mfaSignIn:finalize" | "mfaEnrollment:finalize" if !right => Answer::refusal(400, "INVALID_CODE"),
            "mfaSignIn:finalize" | "mfaEnrollment:finalize" | "mfaEnrollment:withdraw" => {
                Answer::json(200, &tokens())
            }
            "mfaEnrollment:start" => Answer::json(
                200,
                &json!({"totpSessionInfo": {"sharedSecretKey": SECRET, "sessionInfo": "info-1",
                    "verificationCodeLength": 6, "hashingAlgorithm": "SHA1", "periodSec": 30}}),
            ),
            "accounts:lookup" => {
                let factors = if on { json!([factor]) } else { json!([]) };
                Answer::json(
                    200,
                    &json!({"users": [{"email": EMAIL, "emailVerified": true, "mfaInfo": factors}]}),
                )
            }
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

async fn first_step(world: &World) -> Browser {
    let mut browser = world.browser();
    let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "/account")];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!((page.status, page.location()), (303, Some("/sign-in/code")));
    assert!(browser.cookie("session").is_none(), "nobody is signed in yet");
    browser
}

#[tokio::test]
async fn the_password_alone_signs_nobody_in_and_the_code_does() {
    let world = World::start().await;
    second_step(&world, true);
    let mut browser = first_step(&world).await;
    assert!(!browser.get("/").await.says("Hello World"));
    let page = browser.get("/sign-in/code").await;
    assert!(
        page.says("autocomplete=\"one-time-code\"") && page.says(EMAIL),
        "{}",
        page.body
    );
    for wrong in ["000000", "12", "abc"] {
        let page = browser.post("/sign-in/code", &[("code", wrong)]).await;
        assert!(
            page.status == 422 && page.says("That code is not right"),
            "{}",
            page.body
        );
    }
    assert_eq!(
        asked(&world, "mfaSignIn").len(),
        1,
        "what cannot be a code is not asked about"
    );
    let page = browser.post("/sign-in/code", &[("code", "123 456")]).await;
    assert_eq!((page.status, page.location()), (303, Some("/account")));
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["session"]);
    assert!(browser.get("/").await.says("The secret message is: Hello World"));
}

#[tokio::test]
async fn a_code_without_a_first_step_leads_back_to_the_form() {
    let world = World::start().await;
    second_step(&world, true);
    let mut stranger = world.browser();
    for page in [
        stranger.get("/sign-in/code").await,
        stranger.post("/sign-in/code", &[("code", "123456")]).await,
    ] {
        assert_eq!((page.status, page.location()), (303, Some("/")));
    }
    // the cookie of the first step is no session, whatever name it is given
    let mut browser = first_step(&world).await;
    let step = browser.cookies.remove("step").unwrap();
    browser.cookies.insert("session".into(), step);
    assert!(!browser.get("/").await.says("Hello World"));
    assert!(asked(&world, "mfaSignIn").is_empty());
}

#[tokio::test]
async fn a_first_step_that_is_too_old_starts_again() {
    let world = World::start().await;
    second_step(&world, true);
    let mut browser = first_step(&world).await;
    world
        .identity
        .says(Answer::refusal(400, "INVALID_MFA_PENDING_CREDENTIAL"));
    let page = browser.post("/sign-in/code", &[("code", "123456")]).await;
    assert!(
        page.status == 422 && page.says("That took too long") && !page.says("name=\"code\""),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn guessing_codes_is_paused() {
    let world = World::start().await;
    second_step(&world, true);
    let mut browser = first_step(&world).await;
    let mut last = 0;
    for _ in 0..20 {
        last = browser.post("/sign-in/code", &[("code", "000000")]).await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn a_second_step_is_added_with_a_picture_or_a_key() {
    let world = World::start().await;
    second_step(&world, false);
    let mut browser = world.signed_in().await;
    assert!(
        browser
            .get("/account")
            .await
            .says("href=\"/account/second-step\"")
    );
    let page = browser.get("/account/second-step").await;
    assert!(
        page.says("<svg class=\"qr\" role=\"img\"") && page.says("GEZD GNBV GY3T"),
        "{}",
        page.body
    );
    assert!(page.says(
        "otpauth://totp/Acme:shopper@acme.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&#38;issuer=Acme"
    ));
    assert!(!page.says("style="));
    let page = browser.post("/account/second-step", &[("code", "000000")]).await;
    assert!(
        page.status == 422 && page.says("GEZD GNBV"),
        "the same secret once more: {}",
        page.body
    );
    assert_eq!(asked(&world, "mfaEnrollment:start").len(), 1);
    let page = browser.post("/account/second-step", &[("code", "123456")]).await;
    assert_eq!((page.status, page.location()), (303, Some("/account")));
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["session"]);
    let finished = &asked(&world, "mfaEnrollment:finalize")[1];
    assert_eq!(finished["totpVerificationInfo"]["sessionInfo"], "info-1");
}

#[tokio::test]
async fn a_second_step_is_removed() {
    let world = World::start().await;
    second_step(&world, true);
    let mut browser = first_step(&world).await;
    browser.post("/sign-in/code", &[("code", "123456")]).await;
    let page = browser.get("/account").await;
    assert!(
        page.says("a code from an app") && page.says("value=\"factor-1\""),
        "{}",
        page.body
    );
    let page = browser
        .post("/account/second-step/remove", &[("id", "factor-1")])
        .await;
    assert_eq!((page.status, page.location()), (303, Some("/account")));
    assert_eq!(
        asked(&world, "mfaEnrollment:withdraw")[0]["mfaEnrollmentId"],
        "factor-1"
    );
}
