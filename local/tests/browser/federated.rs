//! Sign-in with a provider inside Identity Platform as a person makes it: without JavaScript, and every page of it
//! as axe-core sees it.

use thirtyfour::prelude::*;

use crate::chromium::{Browser, Scripts};
use crate::click;
use crate::harness::System;
use crate::pages::check;
use crate::{EMAIL, MESSAGE, PASSWORD};

const CONTINUE: &str = "a[href='/sign-in/federated/google.com']";

/// Types an account into the provider's page, and whether the provider has verified its address.
async fn choose(page: &WebDriver, email: &str, verified: bool) {
    let field = async |id: &str| page.query(By::Id(id)).first().await.unwrap();
    field("email").await.clear().await.unwrap();
    field("email").await.send_keys(email).await.unwrap();
    field("name").await.send_keys("Somebody").await.unwrap();
    let box_of = field("verified").await;
    if box_of.is_selected().await.unwrap() != verified {
        box_of.click().await.unwrap();
    }
    click(page, "form button:not(.choice):not(.quiet)").await;
}

async fn type_password(page: &WebDriver, password: &str) {
    let field = page.query(By::Name("password")).first().await.unwrap();
    field.send_keys(password).await.unwrap();
}

#[tokio::test]
async fn a_person_continues_with_a_provider_without_javascript() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::Off).await;
    let page = &browser.driver;
    page.goto(system.page()).await.unwrap();
    click(page, CONTINUE).await;
    browser.shows("Sign in with Google").await;
    click(page, "button.quiet").await;
    browser.shows("The sign-in was not finished").await;
    click(page, CONTINUE).await;
    browser.shows("Sign in with Google").await;
    click(page, "form:nth-of-type(1) button.choice").await;
    browser.shows(MESSAGE).await;
    browser.shows("ada@provider.example").await;
    browser.quit().await;
}

#[tokio::test]
async fn an_account_is_connected_without_javascript() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::Off).await;
    let page = &browser.driver;
    page.goto(system.page()).await.unwrap();
    click(page, CONTINUE).await;
    choose(page, EMAIL, false).await;
    browser.shows("has an account already").await;
    type_password(page, PASSWORD).await;
    click(page, "main form button").await;
    browser.shows(MESSAGE).await;
    page.goto(format!("{}/account", system.page())).await.unwrap();
    click(page, "form[action='/account/providers/remove'] button").await;
    click(page, "a[href='/account/providers/google.com']").await;
    choose(page, EMAIL, false).await;
    browser.shows("Connected: Google").await;
    browser.quit().await;
}

#[tokio::test]
async fn the_pages_of_a_federated_sign_in_are_accessible() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::On).await;
    let page = &browser.driver;
    page.goto(system.page()).await.unwrap();
    click(page, CONTINUE).await;
    browser.shows("Sign in with Google").await;
    click(page, "button.quiet").await;
    browser.shows("The sign-in was not finished").await;
    check(page, "a sign-in from which somebody turned back").await;
    click(page, CONTINUE).await;
    choose(page, EMAIL, false).await;
    browser.shows("has an account already").await;
    check(page, "whose account is it").await;
    type_password(page, "not it").await;
    click(page, "main form button").await;
    browser.shows("not right").await;
    check(page, "whose account is it, with a wrong password").await;
    page.goto(system.page()).await.unwrap();
    click(page, CONTINUE).await;
    choose(page, "grace@provider.example", true).await;
    browser.shows(MESSAGE).await;
    page.goto(format!("{}/account", system.page())).await.unwrap();
    check(page, "an account with a provider and no password").await;
    click(page, "form[action='/account/providers/remove'] button").await;
    browser.shows("This is your last way in").await;
    check(page, "the last way in").await;
    click(page, "a[href='/account/password']").await;
    browser.shows("Add a password").await;
    check(page, "a first password").await;
    browser.quit().await;
}
