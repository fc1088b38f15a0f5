//! Signing in by mail.

use serde_json::{Value, json};

use crate::harness::{Answer, EMAIL, Key, Seen, World, identity_rule};

/// Identity Platform that sends mails; `good` is the code in them.
fn mails(world: &World) {
    let usual = identity_rule(Key::a(), 3600, 3600);
    world.identity.answers(move |seen: &Seen| {
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match seen.uri.rsplit_once('/').unwrap().1 {
            "accounts:sendOobCode" => Answer::json(200, &json!({})),
            "accounts:resetPassword" => Answer::json(200, &json!({"requestType": "EMAIL_SIGNIN"})),
            "accounts:signInWithEmailLink" if asked["oobCode"] != "good" => {
                Answer::refusal(400, "INVALID_OOB_CODE")
            }
            "accounts:signInWithEmailLink" if asked["email"] != EMAIL => {
                Answer::refusal(400, "INVALID_EMAIL : does not match")
            }
            "accounts:signInWithEmailLink" => Answer::json(
                200,
                &json!({"idToken": Key::a().id_token(3600), "refreshToken": "r"}),
            ),
            _ => usual(seen),
        }
    });
}

#[tokio::test]
async fn the_browser_that_asked_is_signed_in_by_the_link() {
    let world = World::start().await;
    mails(&world);
    let mut browser = world.browser();
    assert!(browser.get("/").await.says("href=\"/sign-in/link\""));
    assert!(browser.get("/sign-in/link").await.says("Sign in by mail"));
    let page = browser.post("/sign-in/link", &[("email", EMAIL)]).await;
    assert!(
        page.status == 200 && page.says("Check your mail"),
        "{}",
        page.body
    );
    let asked: Value = serde_json::from_slice(&world.identity.asked("sendOobCode")[0].body).unwrap();
    assert_eq!(
        (&asked["requestType"], &asked["canHandleCodeInApp"]),
        (&json!("EMAIL_SIGNIN"), &json!(true))
    );
    assert_eq!(asked["continueUrl"], format!("http://{}/", world.address));
    let page = browser
        .get("/auth/action?mode=signIn&oobCode=good&apiKey=k")
        .await;
    assert!(
        page.status == 200 && page.says(&format!("value=\"{EMAIL}\"")),
        "{}",
        page.body
    );
    assert!(
        world.identity.asked("EmailLink").is_empty(),
        "opening a link uses nothing"
    );
    let fields = [("oobCode", "good"), ("email", EMAIL)];
    let page = browser.post("/sign-in/link/finish", &fields).await;
    assert_eq!((page.status, page.location()), (303, Some("/")));
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["session"]);
}

#[tokio::test]
async fn another_browser_has_to_name_the_address() {
    let world = World::start().await;
    mails(&world);
    let mut browser = world.browser();
    assert!(!browser.get("/auth/action?oobCode=good").await.says(EMAIL));
    for (code, email, text) in [
        ("good", "other@acme.example", "Check the e-mail address"),
        ("good", "", "Check the e-mail address"),
        ("used", EMAIL, "used or too old"),
    ] {
        let page = browser
            .post("/sign-in/link/finish", &[("oobCode", code), ("email", email)])
            .await;
        assert!(page.status == 422 && page.says(text), "{}", page.body);
        assert!(browser.cookies.is_empty());
    }
    let page = browser.post("/auth/action", &[("oobCode", "good")]).await;
    assert_eq!(page.status, 422, "not without the address");
}

#[tokio::test]
async fn asking_for_a_link_looks_the_same_and_takes_the_same_time_for_everybody() {
    let world = World::start().await;
    let mut pages = Vec::new();
    for answer in [
        Answer::json(200, &json!({})),
        Answer::refusal(400, "EMAIL_NOT_FOUND"),
        Answer::refusal(400, "USER_DISABLED"),
    ] {
        world.identity.says(answer);
        let began = tokio::time::Instant::now();
        let page = world.browser().post("/sign-in/link", &[("email", EMAIL)]).await;
        let time = began.elapsed();
        assert!(time >= std::time::Duration::from_millis(690), "{time:?}");
        assert_eq!(page.status, 200);
        pages.push(page.body);
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
}
