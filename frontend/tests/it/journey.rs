//! The golden journey: form, wrong password, right password, message, reload, sign out.

use crate::harness::{Answer, EMAIL, Key, PASSWORD, Seen, World, identity_rule};

const MESSAGE: &str = "The secret message is: Hello World";

#[tokio::test]
async fn a_person_signs_in_reads_the_message_reloads_and_signs_out() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get("/").await;
    assert_eq!(page.status, 200);
    assert!(
        page.says("<form method=\"post\" action=\"/sign-in\">") && !page.says("Hello World"),
        "{}",
        page.body
    );

    let page = browser.sign_in(EMAIL, "wrong").await;
    assert_eq!(page.status, 422);
    assert!(
        page.says("E-mail or password is not right") && page.says("role=\"alert\""),
        "{}",
        page.body
    );
    assert!(
        page.says(&format!("value=\"{EMAIL}\"")),
        "what was typed is still there"
    );
    assert!(!page.says("wrong"), "the password is not");
    assert!(browser.cookies.is_empty());

    let page = browser.sign_in(EMAIL, PASSWORD).await;
    assert_eq!((page.status, page.location()), (303, Some("/")));
    for _ in ["first view", "reload"] {
        let page = browser.get("/").await;
        assert_eq!(page.status, 200);
        assert!(page.says(MESSAGE) && page.says(EMAIL), "{}", page.body);
    }

    let page = browser.post("/sign-out", &[]).await;
    assert_eq!((page.status, page.location()), (303, Some("/")));
    assert!(browser.cookies.is_empty());
    assert!(!browser.get("/").await.says("Hello World"));
}

#[tokio::test]
async fn the_call_carries_both_identities_and_the_trace() {
    let world = World::start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let mut browser = world.signed_in().await.sending("traceparent", trace);
    browser.get("/").await;
    browser.get("/").await;
    let calls = world.upstream.asked("/api/secure.json");
    assert_eq!(calls.len(), 2);
    let token = calls[0]
        .header("authorization")
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap();
    assert_eq!(token.split('.').count(), 3);
    assert_ne!(
        calls[0].header("x-serverless-authorization").unwrap(),
        format!("Bearer {token}")
    );
    assert!(
        calls[0]
            .header("traceparent")
            .unwrap()
            .contains("0af7651916cd43dd8448eb211c80319c")
    );
    assert!(calls[0].header("cookie").is_none());

    let metadata = world.metadata.seen();
    assert_eq!(metadata.len(), 1, "the service token is cached");
    let audience = format!(
        "audience=http%3A%2F%2F127.0.0.1%3A{}",
        world.upstream.address.port()
    );
    assert!(
        metadata[0].uri.contains(&audience) && metadata[0].uri.ends_with("&format=full"),
        "{}",
        metadata[0].uri
    );
    let asked = world.identity.asked("signInWithPassword");
    assert_eq!(asked[0].header("x-goog-api-key"), Some("demo-key"));
    assert!(!asked[0].uri.contains("key="), "not in the URL");
}

#[tokio::test]
async fn every_refusal_has_its_own_text() {
    let world = World::start().await;
    let table = [
        (400, "EMAIL_NOT_FOUND", 422, "E-mail or password is not right"),
        (
            400,
            "TOO_MANY_ATTEMPTS_TRY_LATER : Try again later.",
            429,
            "Too many tries",
        ),
        (400, "USER_DISABLED", 422, "turned off"),
        (400, "INVALID_EMAIL", 422, "Check the e-mail address"),
        (400, "OPERATION_NOT_ALLOWED", 503, "not set up correctly"),
        (
            400,
            "API key not valid. Please pass a valid API key.",
            503,
            "not set up correctly",
        ),
        (400, "SOMETHING_NEW : secret detail", 422, "does not know"),
        (500, "INTERNAL", 503, "not available right now"),
    ];
    for (status, message, expected, text) in table {
        world.identity.says(Answer::refusal(status, message));
        let page = world.browser().sign_in(EMAIL, PASSWORD).await;
        assert_eq!(page.status, expected, "{message}");
        assert!(
            page.says(text) && !page.says("secret detail"),
            "{message}: {}",
            page.body
        );
        assert!(page.says("name=\"password\""), "the form is there again");
    }
    let second = serde_json::json!({"mfaPendingCredential": "pending", "mfaInfo": []});
    world.identity.says(Answer::json(200, &second));
    let page = world.browser().sign_in(EMAIL, PASSWORD).await;
    assert!(page.status == 422 && page.says("second factor"), "{}", page.body);
}

#[tokio::test]
async fn fields_that_cannot_be_right_are_told_without_asking() {
    let world = World::start().await;
    let page = world.browser().sign_in("nobody", PASSWORD).await;
    assert!(
        page.status == 422 && page.says("Check the e-mail address"),
        "{}",
        page.body
    );
    assert!(page.says("aria-invalid=\"true\" aria-describedby=\"problem\""));
    let page = world.browser().sign_in(EMAIL, "").await;
    assert!(
        page.status == 422 && page.says("Enter your password"),
        "{}",
        page.body
    );
    assert!(world.identity.seen().is_empty());
}

#[tokio::test]
async fn an_id_token_that_is_not_signed_by_the_issuer_signs_nobody_in() {
    let world = World::start().await;
    for key in [Key::b(), Key::b().named("key-a")] {
        world.identity.answers(identity_rule(key, 3600, 3600));
        let mut browser = world.browser();
        let page = browser.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(page.status, 502, "{}", page.body);
        assert!(page.says("could not be confirmed") && browser.cookies.is_empty());
    }
}

#[tokio::test]
async fn a_new_sign_in_replaces_whatever_was_planted() {
    let world = World::start().await;
    let mut browser = world.browser();
    let planted = ("v1.planted.cookie".to_owned(), "/".to_owned());
    browser.cookies.insert("session".to_owned(), planted.clone());
    browser.sign_in(EMAIL, PASSWORD).await;
    let first = browser.cookies["session"].clone();
    assert_ne!(first, planted);
    browser.sign_in(EMAIL, PASSWORD).await;
    assert_ne!(browser.cookies["session"], first);
}

#[tokio::test]
async fn a_key_that_the_issuer_has_just_added_is_fetched_once() {
    let world = World::start().await;
    world.signed_in().await;
    let fetched = || world.identity.asked("/jwk/").len();
    assert_eq!(fetched(), 1);
    let both = serde_json::json!({"keys": [Key::a().jwk(), Key::b().jwk()]});
    let rotated = |key: Key, keys: serde_json::Value| {
        let sign = identity_rule(key, 3600, 3600);
        move |seen: &Seen| match seen.uri.contains("/jwk/") {
            true => Answer::json(200, &keys),
            false => sign(seen),
        }
    };
    world.identity.answers(rotated(Key::b(), both.clone()));
    world.signed_in().await;
    assert_eq!(fetched(), 2);
    world.identity.answers(rotated(Key::b().named("nobody's"), both));
    for _ in 0..3 {
        assert_eq!(world.browser().sign_in(EMAIL, PASSWORD).await.status, 502);
    }
    assert_eq!(fetched(), 2, "once a minute at most");
}
