//! A person with Chromium: there, back, the message, a session that is renewed on the way, and out again at
//! both ends. With and without JavaScript.

use std::time::Duration;

use thirtyfour::prelude::*;

use crate::chromium::{Browser, Scripts};
use crate::harness::System;
use crate::issuer::Printed;
use crate::provider::Provider;
use crate::visitor::MESSAGE;

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// So short that the front end renews the ID token for every page.
const LIFETIME: u32 = 200;

#[tokio::test]
async fn a_person_signs_in_with_the_provider_and_out_again() {
    there_and_back(Scripts::On).await;
}

#[tokio::test]
async fn the_same_without_javascript() {
    there_and_back(Scripts::Off).await;
}

async fn there_and_back(scripts: Scripts) {
    let mut provider = Provider::start();
    let printed = Printed::read("private", &provider.issuer);
    let providers = provider.variable(&printed.providers);
    let system = System::start_told(&[], &[("OIDC_PROVIDERS", &providers)]).await;
    let page = system.page();
    provider.register(page.trim_end_matches('/'), LIFETIME); // before the gateway asks for its keys
    let checkout = system.documents();
    let checkout = checkout.parent().unwrap();
    crate::callers::change(&system, || {
        printed.rule.apply(checkout);
        printed.principal.apply(checkout);
    })
    .await;
    let browser = Browser::start(scripts).await;
    let driver = &browser.driver;
    driver.goto(&page).await.unwrap();
    click(driver, "a[href='/sign-in/with/staff']").await;
    for (field, value) in [("login", "ada"), ("password", "any")] {
        found(driver, &format!("input[name='{field}']"))
            .await
            .send_keys(value)
            .await
            .unwrap();
    }
    click(driver, "button[type='submit']").await;
    click(driver, "input[name='prompt'][value='consent'] ~ button").await;
    browser.shows(MESSAGE).await;
    browser.shows("ada@provider.example").await;

    let before = session(driver).await;
    driver.refresh().await.unwrap();
    browser.shows(MESSAGE).await;
    assert_ne!(session(driver).await, before, "the page was given a new ID token");

    click(driver, "form[action='/sign-out'] button").await;
    browser.shows("You are signed out here").await;
    click(driver, &format!("form[action^='{}'] button", provider.issuer)).await;
    click(driver, "button[name='logout']").await;
    browser.shows("Sign in with").await;
    driver.refresh().await.unwrap();
    browser.shows("Sign in with").await;
    browser.quit().await;
}

/// The cookie, which nobody but the front end can read.
async fn session(driver: &WebDriver) -> String {
    let cookies = driver.get_all_cookies().await.unwrap();
    let session = cookies.into_iter().find(|cookie| cookie.name == "session");
    session.expect("a session").value
}

async fn click(driver: &WebDriver, selector: &str) {
    found(driver, selector).await.click().await.unwrap();
}

/// The element, once the page that has it is there.
async fn found(driver: &WebDriver, selector: &str) -> WebElement {
    let found = driver.query(By::Css(selector)).wait(PATIENCE, POLL).first().await;
    match found {
        Ok(element) => element,
        Err(_) => panic!("no {selector} in\n{}", driver.source().await.unwrap_or_default()),
    }
}
