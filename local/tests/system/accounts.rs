//! The account flows through the whole system, with the mails of the stand-in's outbox.

use crate::harness::System;
use crate::visitor::{MESSAGE, Visitor};
use crate::{authenticator, callers};

const EMAIL: &str = "new@acme.example";
const FIRST: &str = "First-password-1";
const SECOND: &str = "Second-password-2";

#[tokio::test]
async fn a_new_person_signs_up_verifies_the_address_and_reads_the_message() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let (_, form) = visitor.get("/sign-up").await;
    assert!(form.contains("at least 8 characters"), "{form}");
    let answer = visitor
        .post("/sign-up", &[("email", EMAIL), ("password", FIRST)])
        .await;
    assert_eq!(answer.status(), 200);

    let link = newest_link(&system).await;
    let (status, page) = visitor.get(&link).await;
    assert!(
        status == 200 && page.contains("Verify your address") && page.contains(EMAIL),
        "{page}"
    );
    let code = code(&link);
    assert_eq!(
        visitor.post("/auth/action", &[("oobCode", code)]).await.status(),
        200
    );
    assert_eq!(visitor.get(&link).await.0, 422, "a link works once");

    visitor
        .post("/sign-in", &[("email", EMAIL), ("password", FIRST)])
        .await;
    let (_, page) = visitor.get("/").await;
    assert!(page.contains(MESSAGE) && page.contains(EMAIL), "{page}");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_mail() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let email = "shopper@acme.example";
    assert_eq!(
        visitor
            .post("/reset-password", &[("email", email)])
            .await
            .status(),
        200
    );
    let link = newest_link(&system).await;
    assert!(visitor.get(&link).await.1.contains("Choose a new password"));
    let weak = [("oobCode", code(&link)), ("password", "short")];
    assert_eq!(visitor.post("/auth/action", &weak).await.status(), 422);
    let strong = [("oobCode", code(&link)), ("password", SECOND)];
    assert_eq!(visitor.post("/auth/action", &strong).await.status(), 200);

    let old = [("email", email), ("password", "Acme-demo-2026")];
    assert_eq!(visitor.post("/sign-in", &old).await.status(), 422);
    let new = [("email", email), ("password", SECOND)];
    assert_eq!(visitor.post("/sign-in", &new).await.status(), 303);
    assert!(visitor.get("/").await.1.contains(MESSAGE));
}

#[tokio::test]
async fn a_user_changes_name_and_password_and_deletes_the_account() {
    let system = System::start(&[]).await;
    let email = "shopper@acme.example";
    let mut visitor = Visitor::of(system.url("frontend"));
    let mut elsewhere = Visitor::of(system.url("frontend"));
    assert!(
        visitor
            .get("/account")
            .await
            .1
            .contains("name=\"next\" value=\"/account\"")
    );
    visitor.sign_in().await;
    elsewhere.sign_in().await;

    next_second().await;
    visitor.post("/account/name", &[("name", "A Shopper")]).await;
    assert!(visitor.get("/account").await.1.contains("value=\"A Shopper\""));

    assert_eq!(
        visitor
            .post("/account/password", &[("password", "short")])
            .await
            .status(),
        422
    );
    assert_eq!(
        visitor
            .post("/account/password", &[("password", SECOND)])
            .await
            .status(),
        200
    );
    assert!(visitor.get("/account").await.1.contains(email), "signed in here");
    let (_, page) = elsewhere.get("/account").await;
    assert!(
        page.contains("Your session has ended"),
        "and nowhere else: {page}"
    );

    assert_eq!(visitor.post("/account/delete", &[]).await.status(), 200);
    assert_eq!(visitor.cookie("session"), None);
    let fields = [("email", email), ("password", SECOND)];
    assert_eq!(visitor.post("/sign-in", &fields).await.status(), 422);
}

#[tokio::test]
async fn a_link_in_a_mail_signs_in_without_a_password_and_once() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let asked = visitor.post("/sign-in/link", &[("email", EMAIL)]).await;
    assert_eq!(asked.status(), 200);
    let link = newest_link(&system).await;
    let (_, page) = visitor.get(&link).await;
    assert!(page.contains(&format!("value=\"{EMAIL}\"")), "{page}");

    // another browser does not know who asked, and a wrong guess is no use of the link
    let mut stranger = Visitor::of(system.url("frontend"));
    assert!(!stranger.get(&link).await.1.contains(EMAIL));
    let guess = [("oobCode", code(&link)), ("email", "shopper@acme.example")];
    assert_eq!(stranger.post("/sign-in/link/finish", &guess).await.status(), 422);

    let fields = [("oobCode", code(&link)), ("email", EMAIL)];
    assert_eq!(visitor.post("/sign-in/link/finish", &fields).await.status(), 303);
    let (_, page) = visitor.get("/").await;
    assert!(page.contains(MESSAGE) && page.contains(EMAIL), "{page}");
    assert_eq!(stranger.post("/sign-in/link/finish", &fields).await.status(), 422);
}

#[tokio::test]
async fn a_second_step_keeps_out_whoever_has_only_the_password() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    let (_, page) = visitor.get("/account/second-step").await;
    let (_, secret) = page.split_once("id=\"secret\">").unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    let code = authenticator::code(&secret, 0);
    let added = visitor.post("/account/second-step", &[("code", &code)]).await;
    assert_eq!(added.status(), 303);

    let mut thief = Visitor::of(system.url("frontend"));
    let fields = [("email", "shopper@acme.example"), ("password", "Acme-demo-2026")];
    assert_eq!(
        thief.post("/sign-in", &fields).await.headers()["location"],
        "/sign-in/code"
    );
    assert_eq!(
        thief.post("/sign-in/code", &[("code", &code)]).await.status(),
        422,
        "it was used"
    );
    assert!(!thief.get("/").await.1.contains(MESSAGE));
    let code = authenticator::code(&secret, 1);
    assert_eq!(
        thief.post("/sign-in/code", &[("code", &code)]).await.status(),
        303
    );
    assert!(thief.get("/").await.1.contains(MESSAGE));
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_browsers_session() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let mut elsewhere = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    elsewhere.sign_in().await;
    next_second().await;
    assert_eq!(visitor.post("/account/sign-out", &[]).await.status(), 200);
    assert_eq!(visitor.cookie("session"), None);
    assert!(
        elsewhere
            .get("/account")
            .await
            .1
            .contains("Your session has ended")
    );
}

/// What is revoked is told by the second: a sign-in of the same one would survive.
async fn next_second() {
    let second = callers::now();
    while callers::now() == second {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The path of the newest mail's link; it leads to the address that a person opens.
async fn newest_link(system: &System) -> String {
    let url = format!(
        "{}/emulator/v1/projects/demo-acme/oobCodes",
        system.url("identity")
    );
    let codes = callers::client().build().unwrap().get(url).send().await.unwrap();
    let codes: serde_json::Value = codes.json().await.unwrap();
    let link = codes["oobCodes"].as_array().unwrap().last().unwrap()["oobLink"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = link.strip_prefix(&system.page());
    path.unwrap_or_else(|| panic!("{link} is not below {}", system.page()))
        .to_owned()
}

fn code(link: &str) -> &str {
    let (_, code) = link.split_once("oobCode=").unwrap();
    code.split('&').next().unwrap()
}
