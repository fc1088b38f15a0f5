//! The stand-in's own pages: the one that plays a provider, the outbox, and what a mail leads to where there is no
//! front end. As axe-core sees them, and without JavaScript.

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::chromium::{Browser, Scripts};
use crate::harness::System;
use crate::pages::check;
use crate::{EMAIL, click};

async fn call(system: &System, name: &str, body: Value) -> Value {
    let url = format!("{}/v1/accounts:{name}?key=demo-key", system.url("identity"));
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    answer.json().await.unwrap()
}

/// The page's address; it leads back to the front end.
async fn authorization(system: &System, provider: &str) -> String {
    let back = format!("{}/back", system.page());
    let asked = json!({ "providerId": provider, "continueUri": back, "sessionId": "the browser's",
        "authFlowType": "CODE_FLOW", "customParameter": { "login_hint": "hint@provider.example" } });
    let answer = call(system, "createAuthUri", asked).await;
    answer["authUri"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_stand_ins_own_pages_are_accessible() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::On).await;
    let page = &browser.driver;
    page.goto(authorization(&system, "google.com").await)
        .await
        .unwrap();
    browser.shows("Sign in with Google").await;
    check(page, "the provider's page").await;
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        let picture = crate::harness::workspace().join(folder).join("provider.png");
        page.screenshot(&picture).await.unwrap();
    }
    let email = page.find(By::Id("email")).await.unwrap();
    assert_eq!(
        email.prop("value").await.unwrap().as_deref(),
        Some("hint@provider.example")
    );
    // a browser's own check lets this through
    email.clear().await.unwrap();
    email.send_keys("a@b").await.unwrap();
    page.execute("document.querySelector('#email').type = 'text'", vec![])
        .await
        .unwrap();
    email.clear().await.unwrap();
    email.send_keys("nobody").await.unwrap();
    click(page, "form button:not(.choice):not(.quiet)").await;
    browser.shows("Write an e-mail address").await;
    check(page, "the provider's page with a mistake").await;
    let identity = system.url("identity");
    page.goto(format!("{identity}/emulator/idp/authorize?state=old"))
        .await
        .unwrap();
    browser.shows("This sign-in is over").await;
    check(page, "a sign-in that is over").await;

    page.goto(format!("{identity}/emulator/outbox")).await.unwrap();
    browser.shows("No mail has been sent").await;
    check(page, "an empty outbox").await;
    call(
        &system,
        "sendOobCode",
        json!({ "requestType": "PASSWORD_RESET", "email": EMAIL }),
    )
    .await;
    page.refresh().await.unwrap();
    browser.shows("Choose a new password").await;
    check(page, "the outbox").await;
    let link = page.find(By::Css("article a")).await.unwrap();
    let link = link.attr("href").await.unwrap().unwrap();
    let (_, query) = link.split_once('?').unwrap();
    page.goto(format!("{identity}/emulator/action?{query}"))
        .await
        .unwrap();
    browser.shows("New password").await;
    check(page, "a new password").await;
    browser.quit().await;
}

#[tokio::test]
async fn a_provider_is_chosen_and_cancelled_without_javascript() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::Off).await;
    let page = &browser.driver;
    let finish = async || {
        browser.shows("There is no such page").await; // the front end's: nothing is at /back
        let back = page.current_url().await.unwrap();
        let asked =
            json!({ "requestUri": back.as_str(), "sessionId": "the browser's", "returnSecureToken": true });
        call(&system, "signInWithIdp", asked).await
    };
    page.goto(authorization(&system, "google.com").await)
        .await
        .unwrap();
    click(page, "form:nth-of-type(1) button.choice").await;
    let done = finish().await;
    assert_eq!(
        (&done["email"], &done["emailVerified"]),
        (&json!("ada@provider.example"), &json!(true)),
        "{done}"
    );
    page.goto(authorization(&system, "oidc.acme").await)
        .await
        .unwrap();
    let field = async |id: &str| page.query(By::Id(id)).first().await.unwrap();
    field("email").await.clear().await.unwrap();
    field("email")
        .await
        .send_keys("own@choice.example")
        .await
        .unwrap();
    field("name").await.send_keys("Own Choice").await.unwrap();
    field("verified").await.click().await.unwrap();
    click(page, "form button:not(.choice):not(.quiet)").await;
    let done = finish().await;
    assert_eq!(
        (&done["email"], &done["displayName"], &done["emailVerified"]),
        (&json!("own@choice.example"), &json!("Own Choice"), &json!(false)),
        "{done}"
    );
    page.goto(authorization(&system, "google.com").await)
        .await
        .unwrap();
    click(page, "button.quiet").await;
    let message = finish().await["error"]["message"].clone();
    assert!(
        message.as_str().unwrap().starts_with("USER_CANCELLED"),
        "{message}"
    );
    browser.quit().await;
}
