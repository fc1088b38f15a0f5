//! Who may pass Cloud Run's front door, and what the front end never lets through.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};

use crate::callers;
use crate::harness::System;

const SERVICE: &str = "x-serverless-authorization";

#[tokio::test]
async fn only_the_front_ends_own_token_passes() {
    let system = System::start(&[]).await;
    let door = system.url("front-door");
    let user = callers::sign_in(&system).await;
    let service = callers::service_token(&system, &door).await;
    let elsewhere = callers::service_token(&system, "https://another.example").await;
    let client = callers::client().build().unwrap();
    let ask = |token: Option<&str>| {
        let mut request = client.get(format!("{door}/api/healthz"));
        if let Some(token) = token {
            request = request.header(SERVICE, format!("Bearer {token}"));
        }
        request.send()
    };

    for (what, token, status) in [
        ("nobody", None, 403),
        ("a user's token in its place", Some(user.as_str()), 401),
        ("a token for another audience", Some(elsewhere.as_str()), 401),
        ("garbage", Some("abc"), 401),
    ] {
        let answer = ask(token).await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        assert!(
            answer.headers()[CONTENT_TYPE]
                .to_str()
                .unwrap()
                .starts_with("text/html"),
            "{what}"
        );
        let challenge = answer
            .headers()
            .get(WWW_AUTHENTICATE)
            .map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(
            challenge.is_some_and(|text| text.contains(r#"error="invalid_token""#)),
            status == 401,
            "{what}"
        );
    }
    assert_eq!(ask(Some(&service)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_user_cannot_pass_with_the_users_token_alone() {
    let system = System::start(&[]).await;
    let user = callers::sign_in(&system).await;
    let client = callers::client().build().unwrap();
    let request = client.get(format!("{}/api/secure.json", system.url("front-door")));
    assert_eq!(request.bearer_auth(user).send().await.unwrap().status(), 401);
}

/// Whatever a browser claims to be, the front end speaks for itself: signed out it is 401 as JSON, and a
/// stolen service token opens nothing.
#[tokio::test]
async fn a_browsers_own_identity_headers_are_not_forwarded() {
    let system = System::start(&[]).await;
    let user = callers::sign_in(&system).await;
    let service = callers::service_token(&system, &system.url("front-door")).await;
    let client = callers::client().build().unwrap();
    let answer = client
        .get(format!("{}/api/secure.json", system.url("frontend")))
        .header(AUTHORIZATION, format!("Bearer {user}"))
        .header(SERVICE, format!("Bearer {service}"))
        .header(
            "x-forwarded-client-cert",
            "URI=spiffe://acme.internal/ns/cloud-run/sa/proxy",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert!(
        answer.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("application/json")
    );
    // the health page passes without a session, and with a browser's bad token too: it was not forwarded
    let health = client.get(format!("{}/api/healthz", system.url("frontend")));
    let answer = health
        .header(AUTHORIZATION, "Bearer not.a.token")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.unwrap()),
        (200, "ok".to_owned())
    );
}
