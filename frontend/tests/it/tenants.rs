//! Tenants: with `AUTH_TENANT_ID` every call asks for its users, and a token of anybody else's is refused.

use serde_json::{Value, json};

use crate::harness::{Answer, EMAIL, Key, PASSWORD, Seen, World, id_claims, identity_rule};

const OURS: &str = "staff-x1y2z";
const MESSAGE: &str = "The secret message is: Hello World";

async fn for_tenant() -> World {
    World::with_env(&[("AUTH_TENANT_ID", OURS)]).await
}

/// A token of the test user with this in `firebase`.
fn token(life: u64, firebase: &Value) -> String {
    let mut claims = id_claims(life);
    claims["firebase"] = firebase.clone();
    Key::a().sign(&claims)
}

/// Identity Platform whose tokens have this in `firebase`: the first, and the renewed ones. It grants what it
/// is asked for, whatever the code or the password.
fn tokens_of(world: &World, life: u64, first: &Value, renewed: &Value) {
    let (first, renewed) = (token(life, first), token(3600, renewed));
    let usual = identity_rule(Key::a(), 3600, 3600);
    world.identity.answers(move |seen: &Seen| {
        let (_, call) = seen.uri.rsplit_once('/').unwrap();
        let pair = json!({"idToken": first, "refreshToken": "refresh-1"});
        match call.split('?').next().unwrap() {
            "accounts:signInWithPassword" if seen.body.windows(5).any(|part| part == b"step@") => {
                let factor = json!({"mfaEnrollmentId": "factor-1", "totpInfo": {}});
                let answer = json!({"mfaPendingCredential": "pending-1", "mfaInfo": [factor]});
                Answer::json(200, &answer)
            }
            "accounts:signInWithPassword"
            | "accounts:signUp"
            | "accounts:signInWithEmailLink"
            | "mfaSignIn:finalize" => Answer::json(200, &pair),
            "token" => Answer::json(200, &json!({"id_token": renewed, "refresh_token": "refresh-2"})),
            "accounts:resetPassword" => {
                let asked: Value = serde_json::from_slice(&seen.body).unwrap();
                let kind = match asked["oobCode"].as_str().unwrap() {
                    "reset" => "PASSWORD_RESET",
                    _ => "VERIFY_EMAIL",
                };
                Answer::json(200, &json!({"requestType": kind, "email": EMAIL}))
            }
            "accounts:lookup" => Answer::json(200, &json!({"users": [{"email": EMAIL}]})),
            "accounts:sendOobCode" | "accounts:update" | "passwordPolicy" => Answer::json(200, &json!({})),
            _ => usual(seen),
        }
    });
}

/// The calls of a person who uses everything.
async fn use_everything(world: &World) {
    let mut browser = world.browser();
    browser.get("/sign-up").await;
    let new = [("email", "new@acme.example"), ("password", PASSWORD)];
    assert_eq!(browser.post("/sign-up", &new).await.status, 200);
    for path in ["/reset-password", "/sign-in/link"] {
        assert_eq!(browser.post(path, &[("email", EMAIL)]).await.status, 200);
    }
    for fields in [
        [("oobCode", "verify"), ("password", "")],
        [("oobCode", "reset"), ("password", PASSWORD)],
    ] {
        assert_eq!(browser.post("/auth/action", &fields).await.status, 200);
    }
    let link = [("oobCode", "mail"), ("email", EMAIL)];
    let page = browser.post("/sign-in/link/finish", &link).await;
    assert_eq!(page.status, 303, "{}", page.body);
    let mut second = world.browser();
    let page = second.sign_in("step@acme.example", PASSWORD).await;
    assert_eq!(page.location(), Some("/sign-in/code"), "{}", page.body);
    let page = second.post("/sign-in/code", &[("code", "123456")]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    let mut browser = world.signed_in().await;
    assert!(browser.get("/account").await.says(EMAIL));
    browser.post("/account/verify", &[]).await;
    assert_eq!(browser.post("/account/sign-out", &[]).await.status, 200);
}

#[tokio::test]
async fn every_call_says_whose_users_are_meant_and_an_id_token_says_it_by_itself() {
    let world = for_tenant().await;
    tokens_of(&world, 3600, &json!({"tenant": OURS}), &json!({}));
    use_everything(&world).await;
    let mut calls = std::collections::BTreeSet::new();
    for seen in world.identity.asked("/identitytoolkit.googleapis.com/") {
        let (_, call) = seen.uri.rsplit_once('/').unwrap();
        if call.starts_with("passwordPolicy") {
            assert_eq!(call, "passwordPolicy?tenantId=staff-x1y2z");
            calls.insert("passwordPolicy".to_owned());
            continue;
        }
        let asked: Value = serde_json::from_slice(&seen.body).unwrap();
        if asked.get("localId").is_some() {
            let path =
                "/identitytoolkit.googleapis.com/v1/projects/demo-acme/tenants/staff-x1y2z/accounts:update";
            assert_eq!(seen.uri, path);
            calls.insert("admin".to_owned());
            continue;
        }
        let expected = asked.get("idToken").is_none().then_some(OURS);
        assert_eq!(asked["tenantId"].as_str(), expected, "{call}: {asked}");
        calls.insert(format!(
            "{call}{}",
            if expected.is_none() { " by token" } else { "" }
        ));
    }
    let expected = [
        "accounts:lookup by token",
        "accounts:resetPassword",
        "accounts:sendOobCode",
        "accounts:sendOobCode by token",
        "accounts:signInWithEmailLink",
        "accounts:signInWithPassword",
        "accounts:signUp",
        "accounts:update",
        "admin",
        "mfaSignIn:finalize",
        "passwordPolicy",
    ];
    assert_eq!(calls.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn without_a_tenant_no_call_names_one() {
    let world = World::start().await;
    tokens_of(&world, 3600, &json!({}), &json!({}));
    use_everything(&world).await;
    for seen in world.identity.seen() {
        let body = String::from_utf8_lossy(&seen.body);
        assert!(
            !seen.uri.contains("tenant") && !body.contains("tenant"),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn a_token_of_another_tenant_or_of_none_signs_nobody_in() {
    let (with, without) = (for_tenant().await, World::start().await);
    for (world, firebase, status) in [
        (
            &with,
            json!({"tenant": OURS, "sign_in_provider": "password"}),
            303,
        ),
        (&with, json!({"tenant": "shoppers-a9b8c"}), 502),
        (&with, json!({"tenant": "STAFF-x1y2z"}), 502),
        (&with, json!({"tenant": [OURS]}), 502),
        (&with, json!({"tenant": ""}), 502),
        (&with, json!({"sign_in_provider": "password"}), 502),
        (&with, Value::Null, 502),
        (&without, json!({"sign_in_provider": "password"}), 303),
        (&without, json!({"tenant": OURS}), 502),
        (&without, json!({"tenant": ""}), 502),
    ] {
        tokens_of(world, 3600, &firebase, &firebase);
        let mut browser = world.browser();
        let page = browser.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(page.status, status, "{firebase}: {}", page.body);
        assert_eq!(browser.cookie("session").is_some(), status == 303, "{firebase}");
    }
}

#[tokio::test]
async fn a_refresh_keeps_the_tenant() {
    let ours = json!({"tenant": OURS});
    let world = for_tenant().await;
    tokens_of(&world, 120, &ours, &ours);
    let mut browser = world.signed_in().await;
    let before = browser.cookies.clone();
    assert!(browser.get("/").await.says(MESSAGE));
    assert_ne!(browser.cookies, before, "renewed");
    let refresh = &world.identity.asked("/v1/token")[0];
    assert_eq!(refresh.body, "grant_type=refresh_token&refresh_token=refresh-1");

    let world = for_tenant().await;
    tokens_of(&world, 1, &ours, &json!({"tenant": "shoppers-a9b8c"}));
    let mut browser = world.signed_in().await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await; // the token's own end is the event
    let page = browser.get("/").await;
    assert!(!page.says(MESSAGE), "{}", page.body);
    assert!(world.upstream.seen().is_empty(), "no token of a stranger leaves");
}

#[tokio::test]
async fn a_session_of_before_the_tenant_was_set_is_over() {
    let before = World::start().await.signed_in().await;
    let world = for_tenant().await;
    let mut browser = world.browser();
    browser.cookies = before.cookies;
    let page = browser.get("/").await;
    assert!(page.says("action=\"/sign-in\""), "{}", page.body);
    assert!(browser.cookies.is_empty() && world.upstream.seen().is_empty());
}
