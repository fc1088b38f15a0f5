//! Identity Platform's stand-in: mails, the codes in them, the rules for passwords.

use serde_json::{Value, json};

use crate::part::{Part, client, code, get, post, sign_in};

const EMAIL: &str = "shopper@acme.example";
const OLD: &str = "Acme-demo-2026";
const NEW: &str = "Another-one-2027";

async fn call(part: &Part, name: &str, body: Value) -> (u16, Value) {
    post(&format!("{}/v1/accounts:{name}?key=demo-key", part.url), body).await
}

/// The codes that can still be used.
async fn codes(part: &Part) -> Vec<Value> {
    let url = format!("{}/emulator/v1/projects/demo-acme/oobCodes", part.url);
    get(&url).await["oobCodes"].as_array().unwrap().clone()
}

/// The code of the newest mail.
async fn newest(part: &Part) -> String {
    codes(part).await.last().unwrap()["oobCode"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn id_token(part: &Part, password: &str) -> String {
    sign_in(&part.url, password).await.1["idToken"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_reset_code_can_be_looked_at_often_and_used_once() {
    let part = Part::start("identity", &[]).await;
    let before = sign_in(&part.url, OLD).await;
    let asked = json!({ "requestType": "PASSWORD_RESET", "email": EMAIL });
    assert_eq!(call(&part, "sendOobCode", asked).await.0, 200);
    let oob = newest(&part).await;
    for _ in 0..2 {
        let shown = call(&part, "resetPassword", json!({ "oobCode": oob })).await;
        assert_eq!(
            (&shown.1["email"], &shown.1["requestType"]),
            (&json!(EMAIL), &json!("PASSWORD_RESET"))
        );
    }
    let weak = json!({ "oobCode": oob, "newPassword": "lowercase" });
    assert_eq!(
        code(&call(&part, "resetPassword", weak).await),
        "400 PASSWORD_DOES_NOT_MEET_REQUIREMENTS"
    );
    let set = json!({ "oobCode": oob, "newPassword": NEW });
    assert_eq!(
        call(&part, "resetPassword", set.clone()).await.0,
        200,
        "a weak one did not use it up"
    );
    assert_eq!(
        code(&call(&part, "resetPassword", set).await),
        "400 INVALID_OOB_CODE"
    );
    assert_eq!(
        code(&sign_in(&part.url, OLD).await),
        "400 INVALID_LOGIN_CREDENTIALS"
    );
    assert_eq!(sign_in(&part.url, NEW).await.0, 200);
    let refresh = json!({ "grantType": "refresh_token", "refreshToken": before.1["refreshToken"] });
    let refreshed = post(&format!("{}/v1/token?key=demo-key", part.url), refresh).await;
    assert_eq!(code(&refreshed), "400 TOKEN_EXPIRED", "earlier sign-ins are over");
}

#[tokio::test]
async fn a_code_ends_with_its_time() {
    let part = Part::start("identity", &[]).await;
    call(
        &part,
        "sendOobCode",
        json!({ "requestType": "PASSWORD_RESET", "email": EMAIL }),
    )
    .await;
    let oob = newest(&part).await;
    let clock = format!("{}/emulator/v1/clock", part.url);
    post(&clock, json!({ "advance": 3590 })).await;
    assert_eq!(
        call(&part, "resetPassword", json!({ "oobCode": oob })).await.0,
        200
    );
    post(&clock, json!({ "advance": 20 })).await;
    let set = json!({ "oobCode": oob, "newPassword": NEW });
    assert_eq!(
        code(&call(&part, "resetPassword", set).await),
        "400 EXPIRED_OOB_CODE"
    );
    assert!(codes(&part).await.is_empty());
    assert_eq!(sign_in(&part.url, OLD).await.0, 200, "tokens do not age with it");
}

#[tokio::test]
async fn nobody_learns_from_a_reset_who_has_an_account() {
    let part = Part::start("identity", &[]).await;
    let unknown = json!({ "requestType": "PASSWORD_RESET", "email": "nobody@acme.example" });
    let answer = call(&part, "sendOobCode", unknown).await;
    assert_eq!(
        (answer.0, &answer.1["email"]),
        (200, &json!("nobody@acme.example"))
    );
    assert!(codes(&part).await.is_empty());
}

#[tokio::test]
async fn an_address_is_verified_changed_and_taken_back() {
    let part = Part::start("identity", &[]).await;
    let new = json!({ "email": "new@acme.example", "password": NEW });
    let token = call(&part, "signUp", new).await.1["idToken"].clone();
    call(
        &part,
        "sendOobCode",
        json!({ "requestType": "VERIFY_EMAIL", "idToken": token }),
    )
    .await;
    let verified = call(&part, "update", json!({ "oobCode": newest(&part).await })).await;
    assert_eq!(verified.1["emailVerified"], true);

    let change = |to: &str, token: &Value| json!({ "requestType": "VERIFY_AND_CHANGE_EMAIL", "idToken": token, "newEmail": to });
    assert_eq!(call(&part, "sendOobCode", change(EMAIL, &token)).await.0, 200);
    assert!(
        codes(&part).await.is_empty(),
        "a taken address gets no mail, and the answer is the same"
    );
    call(&part, "sendOobCode", change("newer@acme.example", &token)).await;
    let changed = call(&part, "update", json!({ "oobCode": newest(&part).await })).await;
    assert_eq!(changed.1["email"], "newer@acme.example");
    let back = call(&part, "update", json!({ "oobCode": newest(&part).await })).await;
    assert_eq!(
        back.1["email"], "new@acme.example",
        "the old address was told and can undo it"
    );
}

#[tokio::test]
async fn a_code_does_what_it_is_for_and_nothing_else() {
    let part = Part::start("identity", &[]).await;
    let token = id_token(&part, OLD).await;
    call(
        &part,
        "sendOobCode",
        json!({ "requestType": "VERIFY_EMAIL", "idToken": token }),
    )
    .await;
    let set = json!({ "oobCode": newest(&part).await, "newPassword": NEW });
    assert_eq!(
        code(&call(&part, "resetPassword", set).await),
        "400 INVALID_OOB_CODE"
    );
    call(
        &part,
        "sendOobCode",
        json!({ "requestType": "PASSWORD_RESET", "email": EMAIL }),
    )
    .await;
    let apply = json!({ "oobCode": newest(&part).await });
    assert_eq!(code(&call(&part, "update", apply).await), "400 INVALID_OOB_CODE");
}

#[tokio::test]
async fn the_outbox_is_a_page_with_links_to_the_front_end() {
    let part = Part::start("identity", &[]).await;
    let asked = json!({ "requestType": "EMAIL_SIGNIN", "email": "<b>@acme.example" });
    assert_eq!(call(&part, "sendOobCode", asked).await.0, 200);
    let page = client()
        .get(format!("{}/emulator/outbox", part.url))
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    assert!(
        page.contains("href=\"http://localhost:8080/auth/action?mode=signIn&amp;oobCode="),
        "{page}"
    );
    assert!(
        page.contains("&lt;b&gt;@acme.example") && !page.contains("<b>"),
        "{page}"
    );
}

#[tokio::test]
async fn the_rules_for_passwords_are_published() {
    let part = Part::start("identity", &[]).await;
    let policy = get(&format!("{}/v2/passwordPolicy?key=demo-key", part.url)).await;
    assert_eq!(policy["customStrengthOptions"]["minPasswordLength"], 8);
    assert_eq!(policy["enforcementState"], "ENFORCE");
    let without_key = client()
        .get(format!("{}/v2/passwordPolicy", part.url))
        .send()
        .await
        .unwrap();
    assert_eq!(without_key.status(), 403);
}
