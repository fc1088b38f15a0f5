//! The golden journey as a person makes it: real Chromium, the real system, with and without JavaScript.
//!
//! `./test --only browser` installs Chromium and ChromeDriver and runs this; plain `cargo test` leaves it
//! out, because it needs more than Rust. `SCREENSHOTS=docs` writes the two pictures that the README shows.
#![allow(clippy::unwrap_used, clippy::panic, reason = "panicking is how tests fail")]

use std::path::PathBuf;
use std::time::Duration;

use thirtyfour::prelude::*;

#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod harness;

#[path = "../it/authenticator.rs"]
mod authenticator;

mod chromium;

mod federated;

mod pages;

mod provider;

use chromium::{Browser, Scripts};
use harness::System;

const EMAIL: &str = "shopper@acme.example";
const PASSWORD: &str = "Acme-demo-2026";
const MESSAGE: &str = "The secret message is: Hello World";

#[tokio::test]
async fn a_person_signs_in_reads_the_message_and_signs_out() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::On).await;
    let pictures = std::env::var_os("SCREENSHOTS").map(|folder| harness::workspace().join(folder));
    journey(&system, &browser, pictures).await;
    browser.quit().await;
}

#[tokio::test]
async fn the_same_without_javascript() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::Off).await;
    journey(&system, &browser, None).await;
    browser.quit().await;
}

#[tokio::test]
async fn the_same_with_everything_behind_one_public_gateway() {
    let system = System::start(&["--topology", "gke"]).await;
    let browser = Browser::start(Scripts::On).await;
    journey(&system, &browser, None).await;
    browser.quit().await;
}

/// The pages fit a narrow phone in the dark and in the light: nothing is cut off at the side.
#[tokio::test]
async fn nothing_overflows_on_a_narrow_screen() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::On).await;
    let page = &browser.driver;
    page.set_window_rect(0, 0, 500, 900).await.unwrap(); // as narrow as a desktop window gets
    page.goto(system.page()).await.unwrap();
    fits(page).await;
    sign_in(page, PASSWORD).await;
    browser.shows(MESSAGE).await;
    fits(page).await;
    browser.quit().await;
}

async fn fits(page: &WebDriver) {
    let script = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]";
    let widths: (i64, i64) = page.execute(script, vec![]).await.unwrap().convert().unwrap();
    assert!(
        widths.0 <= widths.1,
        "the page is {} wide, the window {}",
        widths.0,
        widths.1
    );
}

async fn journey(system: &System, browser: &Browser, pictures: Option<PathBuf>) {
    let page = &browser.driver;
    let picture = async |name: &str| {
        if let Some(folder) = &pictures {
            page.screenshot(&folder.join(name)).await.unwrap();
        }
    };
    page.goto(system.page()).await.unwrap();
    browser.shows("Sign in").await;
    picture("sign-in.png").await;

    // the wrong password: the form again, with a reason, and what was typed as the address
    sign_in(page, "not-the-password").await;
    browser.shows("not right").await;
    let email = page.find(By::Name("email")).await.unwrap();
    assert_eq!(email.prop("value").await.unwrap().as_deref(), Some(EMAIL));
    let password = page.find(By::Name("password")).await.unwrap();
    assert_eq!(
        password.prop("value").await.unwrap().as_deref(),
        Some(""),
        "a password is not sent back"
    );

    sign_in(page, PASSWORD).await;
    browser.shows(MESSAGE).await;
    browser.shows(EMAIL).await;
    picture("signed-in.png").await;

    page.refresh().await.unwrap();
    browser.shows(MESSAGE).await;
    let cookies = page.get_all_cookies().await.unwrap();
    let session = cookies
        .iter()
        .find(|cookie| cookie.name == "session")
        .expect("a session cookie");
    assert!(
        !session.value.contains("eyJ"),
        "no token can be read from the session"
    );

    click(page, "form[action='/sign-out'] button").await;
    browser.shows("Sign in").await;
    page.refresh().await.unwrap();
    browser.shows("Sign in").await;
}

async fn sign_in(page: &WebDriver, password: &str) {
    // with scripts off an element asked for right after a navigation may not be there yet: poll
    let email = page
        .query(By::Name("email"))
        .wait(PATIENCE, POLL)
        .first()
        .await
        .unwrap();
    email.clear().await.unwrap();
    email.send_keys(EMAIL).await.unwrap();
    page.find(By::Name("password"))
        .await
        .unwrap()
        .send_keys(password)
        .await
        .unwrap();
    click(page, "form[action='/sign-in'] button").await;
}

async fn click(page: &WebDriver, selector: &str) {
    let element = page
        .query(By::Css(selector))
        .wait(PATIENCE, POLL)
        .first()
        .await
        .unwrap();
    element.click().await.unwrap();
}

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
