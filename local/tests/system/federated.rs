//! Sign-in with the provider that the identity stand-in plays, through the whole system: its page, as a person
//! sees it who has typed `cargo run`.

use reqwest::Url;
use reqwest::header::LOCATION;

use crate::callers;
use crate::harness::System;
use crate::tenants;
use crate::visitor::{MESSAGE, Visitor};

const EMAIL: &str = "shopper@acme.example";
const PASSWORD: &str = "Acme-demo-2026";
const CONNECT: &str = "/sign-in/federated/connect";

/// From a link of the front end to the stand-in's page, a choice there, and the path that it leads back to.
async fn through(visitor: &mut Visitor, link: &str, choice: &[(&str, &str)]) -> String {
    let answer = visitor.open(link).await.unwrap();
    assert_eq!(answer.status(), 303, "{link}");
    let page = Url::parse(answer.headers()[LOCATION].to_str().unwrap()).unwrap();
    let client = callers::client().build().unwrap();
    let shown = client.get(page.clone()).send().await.unwrap();
    let shown = shown.text().await.unwrap();
    assert!(shown.contains("Sign in with Google"), "{shown}");
    let state = page.query_pairs().find(|(name, _)| name == "state").unwrap().1;
    let mut form = vec![("state", state.as_ref())];
    form.extend(choice);
    let mut action = page.clone();
    action.set_query(None);
    let answer = client.post(action).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let back = Url::parse(answer.headers()[LOCATION].to_str().unwrap()).unwrap();
    format!("{}?{}", back.path(), back.query().unwrap())
}

/// Opens a path that leads on; yields where to.
async fn leads(visitor: &mut Visitor, path: &str) -> String {
    let answer = visitor.open(path).await.unwrap();
    assert_eq!(answer.status(), 303, "{path}");
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn somebody_new_continues_with_google_and_reads_the_message() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let (_, page) = visitor.get("/").await;
    let link = "/sign-in/federated/google.com";
    assert!(
        page.contains("Continue with Google") && page.contains(link),
        "{page}"
    );
    let ada = [
        ("email", "ada@provider.example"),
        ("name", "Ada"),
        ("verified", "on"),
    ];
    let back = through(&mut visitor, link, &ada).await;
    let mut stranger = Visitor::of(system.url("frontend"));
    assert_eq!(stranger.get(&back).await.0, 422, "another browser");
    assert_eq!(leads(&mut visitor, &back).await, "/");
    let (_, page) = visitor.get("/").await;
    assert!(
        page.contains(MESSAGE) && page.contains("ada@provider.example"),
        "{page}"
    );
    // her only way in stays
    let answer = visitor
        .post("/account/providers/remove", &[("id", "google.com")])
        .await;
    assert_eq!(answer.status(), 422);

    let mut visitor = Visitor::of(system.url("frontend"));
    let back = through(&mut visitor, link, &[("cancel", "cancel")]).await;
    let (status, page) = visitor.get(&back).await;
    assert!(
        status == 200 && page.contains("The sign-in was not finished"),
        "{page}"
    );
}

#[tokio::test]
async fn an_address_with_an_account_is_connected_by_its_password_and_taken_off_again() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let unverified = [("email", EMAIL), ("name", "Sam")];
    let link = "/sign-in/federated/google.com";
    let back = through(&mut visitor, link, &unverified).await;
    assert_eq!(leads(&mut visitor, &back).await, CONNECT);
    let (_, page) = visitor.get(CONNECT).await;
    assert!(page.contains("has an account already"), "{page}");
    let wrong = visitor.post(CONNECT, &[("password", "not it")]).await;
    assert_eq!(wrong.status(), 422);
    let right = visitor.post(CONNECT, &[("password", PASSWORD)]).await;
    assert_eq!(right.status(), 303);
    let (_, page) = visitor.get("/").await;
    assert!(page.contains(MESSAGE), "{page}");

    // from now on it needs no password
    let mut again = Visitor::of(system.url("frontend"));
    let back = through(&mut again, link, &unverified).await;
    assert_eq!(leads(&mut again, &back).await, "/");

    let remove = "/account/providers/remove";
    let (_, page) = again.get("/account").await;
    assert!(page.contains("Connected: Google"), "{page}");
    assert_eq!(again.post(remove, &[("id", "google.com")]).await.status(), 303);
    let add = "/account/providers/google.com";
    let (_, page) = again.get("/account").await;
    assert!(page.contains(&format!("href=\"{add}\"")), "{page}");
    let back = through(&mut again, add, &unverified).await;
    assert_eq!(leads(&mut again, &back).await, "/account");
    let (_, page) = again.get("/account").await;
    assert!(page.contains("Connected: Google"), "{page}");
}

#[tokio::test]
async fn whoever_came_with_google_adds_a_password_and_may_then_do_without() {
    const OWN: &str = "Grace-demo-2026";
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let email = "grace@provider.example";
    let grace = [("email", email), ("name", "Grace"), ("verified", "on")];
    let link = "/sign-in/federated/google.com";
    let back = through(&mut visitor, link, &grace).await;
    assert_eq!(leads(&mut visitor, &back).await, "/");
    let (_, page) = visitor.get("/account/password").await;
    assert!(page.contains("Add a password"), "{page}");
    let added = visitor.post("/account/password", &[("password", OWN)]).await;
    assert_eq!(added.status(), 200);
    let (_, page) = visitor.get("/account").await;
    assert!(
        page.contains("Change the password") && page.contains("Connected: Google"),
        "{page}"
    );
    let remove = visitor
        .post("/account/providers/remove", &[("id", "google.com")])
        .await;
    assert_eq!(remove.status(), 303, "there is another way in now");

    let mut again = Visitor::of(system.url("frontend"));
    let answer = again
        .post("/sign-in", &[("email", email), ("password", OWN)])
        .await;
    assert_eq!(answer.status(), 303);
    let (_, page) = again.get("/").await;
    assert!(page.contains(MESSAGE) && page.contains(email), "{page}");
}

#[tokio::test]
async fn in_a_tenant_google_leads_to_a_user_of_the_tenant() {
    let system = System::start_told(&[], &[("AUTH_TENANT_ID", tenants::TENANT)]).await;
    tenants::make(&system).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let link = "/sign-in/federated/google.com";
    // the project's own user with this address is somebody else: there is nothing to connect
    let sam = [("email", EMAIL), ("name", "Sam")];
    let back = through(&mut visitor, link, &sam).await;
    assert_eq!(leads(&mut visitor, &back).await, "/");
    let (_, page) = visitor.get("/").await;
    assert!(page.contains(MESSAGE) && page.contains(EMAIL), "{page}");

    // and somebody of the tenant with the address is asked whose it is, and connected
    let new = [("email", "iris@acme.example"), ("password", PASSWORD)];
    assert_eq!(visitor.post("/sign-up", &new).await.status(), 200);
    let iris = [("email", "iris@acme.example"), ("name", "Iris")];
    let mut again = Visitor::of(system.url("frontend"));
    let back = through(&mut again, link, &iris).await;
    assert_eq!(leads(&mut again, &back).await, CONNECT);
    let right = again.post(CONNECT, &[("password", PASSWORD)]).await;
    assert_eq!(right.status(), 303);
    let (_, page) = again.get("/account").await;
    assert!(page.contains("Connected: Google"), "{page}");
}
