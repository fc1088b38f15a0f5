//! The golden journey, through the one published port: in Chromium, and by HTTP.

use std::time::Duration;

use thirtyfour::prelude::*;

use crate::chromium::{Browser, Scripts};
use crate::engine::System;
use crate::visitor::{MESSAGE, Visitor};

#[tokio::test]
async fn sign_in_read_the_message_and_sign_out() {
    let system = System::start();
    by_http(&system).await;
    let browser = Browser::start(Scripts::On).await;
    in_chromium(&system, &browser).await;
    browser.quit().await;
}

async fn by_http(system: &System) {
    let mut visitor = Visitor::of(system.page());
    assert_eq!(visitor.get("/api/secure.json").await.0, 401);
    assert_eq!(visitor.get("/api/healthz").await, (200, "ok".to_owned()));

    visitor.sign_in().await;
    let (status, page) = visitor.get("/").await;
    assert!(status == 200 && page.contains(MESSAGE), "{page}");
    let answer = visitor.get("/api/secure.json").await;
    assert_eq!(answer, (200, r#"{"message":"Hello World"}"#.to_owned()));

    assert_eq!(visitor.post("/sign-out", &[]).await.status(), 303);
    assert!(!visitor.get("/").await.1.contains(MESSAGE));
}

async fn in_chromium(system: &System, browser: &Browser) {
    let page = &browser.driver;
    page.goto(system.page()).await.unwrap();
    browser.shows("Sign in").await;
    element(page, "[name=email]")
        .await
        .send_keys("shopper@acme.example")
        .await
        .unwrap();
    element(page, "[name=password]")
        .await
        .send_keys("Acme-demo-2026")
        .await
        .unwrap();
    element(page, "form[action='/sign-in'] button")
        .await
        .click()
        .await
        .unwrap();
    browser.shows(MESSAGE).await;
    element(page, "form[action='/sign-out'] button")
        .await
        .click()
        .await
        .unwrap();
    browser.shows("Sign in").await;
}

async fn element(page: &WebDriver, selector: &str) -> WebElement {
    let wait = page.query(By::Css(selector)).wait(PATIENCE, POLL);
    wait.first().await.unwrap()
}

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
