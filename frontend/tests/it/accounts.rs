//! Signing up, and what mails lead to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, EMAIL, Key, Page, Seen, World, identity_rule};

const GOOD: &str = "Acme-demo-2026";

/// Identity Platform with a policy, one taken address and one code for each purpose; `used` holds what was
/// done with codes.
fn accounts(world: &World) -> Arc<Mutex<Vec<Value>>> {
    let used = Arc::new(Mutex::new(Vec::new()));
    let (seen_codes, usual) = (used.clone(), identity_rule(Key::a(), 3600, 3600));
    world.identity.answers(move |seen: &Seen| {
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let (_, call) = seen.uri.rsplit_once('/').unwrap();
        match call {
            "passwordPolicy" => Answer::json(
                200,
                &json!({"customStrengthOptions": {"minPasswordLength": 8, "containsNumericCharacter": true}}),
            ),
            "accounts:signUp" if asked["email"] == EMAIL => Answer::refusal(400, "EMAIL_EXISTS"),
            "accounts:signUp" => Answer::json(
                200,
                &json!({"idToken": Key::a().id_token(3600), "refreshToken": "refresh-1"}),
            ),
            "accounts:sendOobCode" => Answer::json(200, &json!({})),
            "accounts:resetPassword" | "accounts:update" => {
                let kind = match asked["oobCode"].as_str().unwrap() {
                    "reset" => "PASSWORD_RESET",
                    "verify" => "VERIFY_EMAIL",
                    "change" => "VERIFY_AND_CHANGE_EMAIL",
                    "old" => return Answer::refusal(400, "EXPIRED_OOB_CODE"),
                    _ => return Answer::refusal(400, "INVALID_OOB_CODE"),
                };
                if call == "accounts:update" || asked.get("newPassword").is_some() {
                    seen_codes.lock().unwrap().push(asked);
                }
                Answer::json(
                    200,
                    &json!({"requestType": kind, "email": EMAIL, "newEmail": "new@acme.example"}),
                )
            }
            _ => usual(seen),
        }
    });
    used
}

async fn sign_up(world: &World, email: &str, password: &str) -> Page {
    let fields = [("email", email), ("password", password)];
    world.browser().post("/sign-up", &fields).await
}

fn sent(world: &World) -> Vec<Value> {
    let calls = world.identity.asked("sendOobCode");
    calls
        .iter()
        .map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect()
}

#[tokio::test]
async fn the_rules_for_passwords_are_shown_before_anybody_types_one() {
    let world = World::start().await;
    accounts(&world);
    for _ in 0..3 {
        let page = world.browser().get("/sign-up").await;
        assert!(page.says("at least 8 characters, a digit."), "{}", page.body);
        assert!(page.says("autocomplete=\"new-password\" minlength=\"8\""));
    }
    assert_eq!(world.identity.asked("passwordPolicy").len(), 1, "it is cached");
    let page = sign_up(&world, "new@acme.example", "password").await;
    assert!(
        page.status == 422 && page.says("It lacks: a digit."),
        "{}",
        page.body
    );
    assert!(page.says("value=\"new@acme.example\"") && !page.says("value=\"password\""));
    assert!(world.identity.asked("signUp").is_empty(), "told without asking");
}

#[tokio::test]
async fn without_a_policy_the_form_is_there_with_the_one_rule_that_always_holds() {
    let world = World::start().await;
    let page = world.browser().get("/sign-up").await;
    assert!(
        page.status == 200 && page.says("at least 6 characters."),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn whether_an_address_is_new_can_be_learned_neither_from_the_page_nor_from_its_time() {
    let world = World::start().await;
    accounts(&world);
    let mut pages = Vec::new();
    for email in ["new@acme.example", EMAIL] {
        let began = tokio::time::Instant::now();
        let page = sign_up(&world, email, GOOD).await;
        assert!(
            began.elapsed() >= Duration::from_millis(690),
            "{:?}",
            began.elapsed()
        );
        assert_eq!((page.status, page.set_cookies()), (200, vec![]));
        pages.push(page.body.replace(email, "it"));
    }
    assert_eq!(pages[0], pages[1]);
    assert!(pages[0].contains("Check your mail") && pages[0].contains("/emulator/outbox"));
    let mails = sent(&world);
    assert_eq!(mails[0]["requestType"], "VERIFY_EMAIL");
    assert_eq!(mails[1], json!({"requestType": "PASSWORD_RESET", "email": EMAIL}));
}

#[tokio::test]
async fn a_sign_up_that_is_refused_says_why() {
    let world = World::start().await;
    let table = [
        ("ADMIN_ONLY_OPERATION", 503, "not set up correctly"),
        ("TOO_MANY_ATTEMPTS_TRY_LATER", 429, "Too many tries"),
        (
            "PASSWORD_DOES_NOT_MEET_REQUIREMENTS : Missing password requirements: [Password must contain an upper case character]",
            422,
            "It lacks: an upper-case letter.",
        ),
        (
            "BLOCKING_FUNCTION_ERROR_RESPONSE : error: {\"error\":{\"message\":\"<b>Staff</b> only\"}}",
            422,
            "&#60;b&#62;Staff&#60;/b&#62; only",
        ),
    ];
    for (message, status, text) in table {
        world.identity.says(Answer::refusal(400, message));
        let page = sign_up(&world, "new@acme.example", GOOD).await;
        assert_eq!(page.status, status, "{message}");
        assert!(
            page.says(text) && page.says("name=\"password\""),
            "{message}: {}",
            page.body
        );
        assert_eq!(page.header("retry-after").is_some(), status == 429);
    }
    let page = sign_up(&world, "nobody", GOOD).await;
    assert!(page.status == 422 && page.says("Check the e-mail address"));
}

#[tokio::test]
async fn asking_for_a_new_password_looks_the_same_for_everybody() {
    let world = World::start().await;
    let ask = async |email: &str| {
        let began = tokio::time::Instant::now();
        let page = world.browser().post("/reset-password", &[("email", email)]).await;
        let settled = began.elapsed() >= Duration::from_millis(690);
        assert!(settled || page.status != 200, "{:?}", began.elapsed());
        page
    };
    world.identity.says(Answer::json(200, &json!({})));
    let known = ask(EMAIL).await;
    assert!(known.status == 200 && known.says("If there is an account with this address"));
    for code in ["EMAIL_NOT_FOUND", "USER_DISABLED", "RESET_PASSWORD_EXCEED_LIMIT"] {
        world.identity.says(Answer::refusal(400, code));
        assert_eq!(ask(EMAIL).await.body, known.body, "{code}");
    }
    world.identity.says(Answer::plain(500, "down"));
    assert_eq!(ask(EMAIL).await.status, 503, "that is about everybody");
    assert_eq!(ask("nobody").await.status, 422);
    assert_eq!(
        sent(&world)[0],
        json!({"requestType": "PASSWORD_RESET", "email": EMAIL})
    );
}

#[tokio::test]
async fn opening_a_link_uses_nothing_and_the_button_does() {
    let world = World::start().await;
    let used = accounts(&world);
    let mut browser = world.browser();
    for (code, title) in [
        ("verify", "Verify your address"),
        ("reset", "Choose a new password"),
        ("change", "Change your address"),
    ] {
        let page = browser
            .get(&format!("/auth/action?mode=any&oobCode={code}&apiKey=k&lang=en"))
            .await;
        assert!(
            page.status == 200 && page.says(title) && page.says(EMAIL),
            "{}",
            page.body
        );
    }
    assert!(
        used.lock().unwrap().is_empty(),
        "a scanner that follows links uses no code"
    );

    let page = browser.post("/auth/action", &[("oobCode", "verify")]).await;
    assert!(
        page.status == 200 && page.says("Your address is verified"),
        "{}",
        page.body
    );
    let page = browser
        .post("/auth/action", &[("oobCode", "reset"), ("password", "short")])
        .await;
    assert!(
        page.status == 422 && page.says("at least 8 characters"),
        "{}",
        page.body
    );
    assert!(page.says("value=\"reset\""), "the code is still good");
    let page = browser
        .post("/auth/action", &[("oobCode", "reset"), ("password", GOOD)])
        .await;
    assert!(
        page.status == 200 && page.says("Your password is changed"),
        "{}",
        page.body
    );
    let used = used.lock().unwrap().clone();
    assert_eq!(
        used,
        [
            json!({"oobCode": "verify"}),
            json!({"oobCode": "reset", "newPassword": GOOD})
        ]
    );
}

#[tokio::test]
async fn a_link_that_is_over_offers_a_new_mail() {
    let world = World::start().await;
    accounts(&world);
    for query in ["?oobCode=old", "?oobCode=unknown", "?oobCode=", ""] {
        let page = world.browser().get(&format!("/auth/action{query}")).await;
        assert!(
            page.status == 422 && page.says("used or too old"),
            "{query}: {}",
            page.body
        );
        assert!(page.says("href=\"/reset-password\""));
    }
    let page = world
        .browser()
        .post("/auth/action", &[("oobCode", "old"), ("password", GOOD)])
        .await;
    assert_eq!(page.status, 422);
}

#[tokio::test]
async fn after_its_address_is_verified_a_session_gets_a_token_that_says_so() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    accounts(&world);
    let before = browser.cookies["session"].clone();
    browser.post("/auth/action", &[("oobCode", "verify")]).await;
    assert_eq!(world.identity.asked("/v1/token").len(), 1);
    assert_ne!(browser.cookies["session"], before);
}
