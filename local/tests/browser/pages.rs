//! Every main page as axe-core sees it (WCAG 2.2 AA, zero violations): light, dark and from right to left;
//! at 320 px, which is also 400 % zoom of a usual window; and what a script adds.

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::chromium::{Browser, Scripts};
use crate::harness::{self, System};
use crate::{EMAIL, MESSAGE, PASSWORD, click, fits, sign_in};

#[tokio::test]
async fn every_main_page_is_accessible_and_fits_320_pixels() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::On).await;
    let page = &browser.driver;
    let open = async |path: &str, shows: &str| {
        page.goto(format!("{}{path}", system.page())).await.unwrap();
        browser.shows(shows).await;
        check(page, path).await;
    };
    open("/", "Sign in").await;
    open("/sign-up", "It needs: at least 8 characters").await;
    open("/reset-password", "Reset your password").await;
    open("/sign-in/link", "Sign in by mail").await;
    open("/nowhere", "There is no such page").await;
    open("/auth/action?oobCode=old", "This link is used or too old").await;

    page.goto(system.page()).await.unwrap();
    sign_in(page, "not-the-password").await;
    browser.shows("not right").await;
    check(page, "a refused sign-in").await;

    page.goto(format!("{}/reset-password", system.page()))
        .await
        .unwrap();
    type_into(page, "email", EMAIL).await;
    click(page, "form[action='/reset-password'] button").await;
    browser.shows("Check your mail").await;
    check(page, "check your mail").await;
    let codes = format!(
        "{}/emulator/v1/projects/demo-acme/oobCodes",
        system.url("identity")
    );
    let codes: Value = reqwest::get(codes).await.unwrap().json().await.unwrap();
    let link = codes["oobCodes"][0]["oobLink"].as_str().unwrap().to_owned();
    let path = link.strip_prefix(&system.page()).unwrap();
    open(path, "Choose a new password").await;

    page.goto(system.page()).await.unwrap();
    sign_in(page, PASSWORD).await;
    browser.shows(MESSAGE).await;
    click(page, "summary").await;
    browser.shows("has no authentication code").await;
    check(page, "the message").await;
    open("/account", "Your account").await;
    open("/account/password", "Change the password").await;
    open("/account/delete", "Delete the account?").await;
    open("/account/second-step", "authenticator app").await;
    second_step(&browser).await;
    browser.quit().await;
}

/// A second step is added with the text of the page, and asked for at the next sign-in.
async fn second_step(browser: &Browser) {
    let page = &browser.driver;
    let secret = page.find(By::Id("secret")).await.unwrap().text().await.unwrap();
    type_into(page, "code", &crate::authenticator::code(&secret, 0)).await;
    click(page, "form[action='/account/second-step'] button").await;
    browser.shows("a code from an app").await;
    check(page, "an account with a second step").await;
    click(page, "form[action='/sign-out'] button").await;
    browser.shows("Forgot your password?").await;
    sign_in(page, PASSWORD).await;
    browser.shows("One more step").await;
    check(page, "the second step").await;
    type_into(page, "code", &crate::authenticator::code(&secret, 1)).await;
    click(page, "form[action='/sign-in/code'] button").await;
    browser.shows(MESSAGE).await;
}

#[tokio::test]
async fn a_script_judges_fields_as_they_are_left() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::On).await;
    let page = &browser.driver;
    page.goto(system.page()).await.unwrap();
    type_into(page, "email", "nobody").await;
    type_into(page, "password", "x").await;
    page.query(By::Id("email-wrong")).first().await.unwrap();
    let email = page.find(By::Name("email")).await.unwrap();
    let described = email.attr("aria-describedby").await.unwrap();
    assert_eq!(described.as_deref(), Some("email-wrong"));
    check(page, "a field that cannot be right").await;
    type_into(page, "email", "@acme.example").await;
    page.query(By::Id("email-wrong")).not_exists().await.unwrap();
    browser.quit().await;
}

#[tokio::test]
async fn the_message_is_asked_for_again_in_its_place() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::On).await;
    let page = &browser.driver;
    // a minute passes in a tenth of a second; everything else of the page's script is its own
    let faster =
        "const usual = window.setInterval; window.setInterval = (call, time) => usual(call, time / 600)";
    let script = json!({ "source": faster });
    let tools = page.cdp();
    tools
        .send_raw("Page.addScriptToEvaluateOnNewDocument", script)
        .await
        .unwrap();
    page.goto(system.page()).await.unwrap();
    sign_in(page, PASSWORD).await;
    browser.shows(MESSAGE).await;
    let stale = "document.getElementById('message').textContent = 'old'; window.here = true";
    page.execute(stale, vec![]).await.unwrap();
    browser.shows(MESSAGE).await;
    let here = page.execute("return window.here === true", vec![]).await.unwrap();
    assert!(here.convert::<bool>().unwrap(), "the page was not loaded again");
    browser.quit().await;
}

#[tokio::test]
async fn signing_out_in_one_tab_reaches_the_others() {
    let system = System::start(&[]).await;
    let browser = Browser::start(Scripts::On).await;
    let page = &browser.driver;
    page.goto(system.page()).await.unwrap();
    sign_in(page, PASSWORD).await;
    browser.shows(MESSAGE).await;
    let first = page.window().await.unwrap();
    let second = page.new_tab().await.unwrap();
    page.switch_to_window(second).await.unwrap();
    page.goto(format!("{}/account", system.page())).await.unwrap();
    click(page, "form[action='/sign-out'] button").await;
    browser.shows("Forgot your password?").await;
    page.switch_to_window(first).await.unwrap();
    browser.shows("Forgot your password?").await;
    browser.quit().await;
}

/// In the light, in the dark, from right to left, and on a narrow screen.
pub(crate) async fn check(page: &WebDriver, what: &str) {
    let tools = page.cdp();
    for (scheme, direction) in [("light", "ltr"), ("dark", "ltr"), ("light", "rtl")] {
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" } ] });
        let media = tools.send_raw("Emulation.setEmulatedMedia", features).await;
        media.unwrap();
        turn(page, direction).await;
        let violations = axe(page).await;
        assert!(
            violations.is_empty(),
            "{what}, {scheme}, {direction}:\n{violations:#?}"
        );
        let narrow = json!({ "width": 320, "height": 640, "deviceScaleFactor": 4, "mobile": false });
        tools
            .send_raw("Emulation.setDeviceMetricsOverride", narrow)
            .await
            .unwrap();
        fits(page).await;
        tools
            .send_raw("Emulation.clearDeviceMetricsOverride", json!({}))
            .await
            .unwrap();
    }
    turn(page, "ltr").await;
}

async fn turn(page: &WebDriver, direction: &str) {
    let script = "document.documentElement.dir = arguments[0]";
    page.execute(script, vec![json!(direction)]).await.unwrap();
}

async fn axe(page: &WebDriver) -> Vec<Value> {
    let path = harness::workspace().join("target/test-node/node_modules/axe-core/axe.min.js");
    let source = std::fs::read_to_string(path);
    let source = source.expect("axe-core is there: ./test --only browser brings it");
    page.execute(format!("{source}; window.axe = axe"), vec![])
        .await
        .unwrap();
    let run = "const done = arguments[0]; const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', \
               'best-practice']; axe.run({ runOnly }).then(found => done(found.violations.map(violation => ({ \
               rule: violation.id, nodes: violation.nodes.map(node => node.html + ' ' + node.failureSummary) }))))";
    page.execute_async(run, vec![]).await.unwrap().convert().unwrap()
}

async fn type_into(page: &WebDriver, name: &str, text: &str) {
    page.query(By::Name(name))
        .first()
        .await
        .unwrap()
        .send_keys(text)
        .await
        .unwrap();
}
