//! Conditions on claims: the edit that istio/README.md prints lets one tenant's users in, and a boolean never
//! matches, whatever a policy says about it.

use serde_json::{Value, json};

use crate::callers::{self, ask, change};
use crate::diff::Diff;
use crate::harness::{System, workspace};

const SECRET: &str = "/api/secure.json";
const HELLO: (u16, &str) = (200, r#"{"message":"Hello World"}"#);
const DENIED: (u16, &str) = (403, "RBAC: access denied");

/// The printed condition.
fn printed() -> Diff {
    let mut diffs = Diff::printed_in(&workspace().join("istio/README.md"));
    assert_eq!(diffs.len(), 1);
    diffs.remove(0)
}

/// The user's token with another claim.
fn claiming(system: &System, good: &str, name: &str, value: Value) -> String {
    callers::resigned(system, good, |claims| claims[name] = value)
}

#[tokio::test]
async fn a_policy_that_names_a_tenant_is_for_its_users_alone() {
    let system = System::start_with_own_documents(&[]).await;
    let proxy = callers::as_proxy(&system);
    let none = callers::sign_in(&system).await;
    let firebase = callers::part(&none, 1)["firebase"].clone();
    let of = |tenant: Value| {
        let mut firebase = firebase.clone();
        firebase["tenant"] = tenant;
        claiming(&system, &none, "firebase", firebase)
    };
    let (ours, another) = (of(json!("staff-x1y2z")), of(json!("shoppers-a9b8c")));
    let not_a_text = of(json!({ "id": "staff-x1y2z" }));
    let elsewhere = claiming(&system, &none, "tenant", json!("staff-x1y2z"));
    for token in [&ours, &another, &none] {
        let answer = ask(&system, &proxy, SECRET, Some(token)).await;
        assert_eq!(
            (answer.0, answer.1.as_str()),
            HELLO,
            "all are the project's users"
        );
    }

    let checkout = system.documents();
    change(&system, || printed().apply(checkout.parent().unwrap())).await;
    for (whose, token, expected) in [
        ("this tenant's", Some(&ours), HELLO),
        ("another tenant's", Some(&another), DENIED),
        ("no tenant's", Some(&none), DENIED),
        ("not a text", Some(&not_a_text), DENIED),
        ("a claim that only has the name", Some(&elsewhere), DENIED),
        ("nobody", None, DENIED),
    ] {
        let answer = ask(&system, &proxy, SECRET, token.map(String::as_str)).await;
        assert_eq!((answer.0, answer.1.as_str()), expected, "{whose}");
    }
    let health = ask(&system, &proxy, "/api/healthz", Some(&another)).await;
    assert_eq!(health, (200, "ok".to_owned()), "another rule's path");
}

/// The same lines, below the rule that has them in the other topology.
#[tokio::test]
async fn and_so_it_is_with_everything_on_gke() {
    let system = System::start_with_own_documents(&["--topology", "gke"]).await;
    let none = callers::sign_in(&system).await;
    let ours = claiming(&system, &none, "firebase", json!({ "tenant": "staff-x1y2z" }));
    let checkout = system.documents();
    change(&system, || {
        printed()
            .of("istio/gke/policy.yaml")
            .apply(checkout.parent().unwrap());
    })
    .await;
    let client = callers::client().build().unwrap();
    let page = format!("{}/", system.url("gateway"));
    let secret = format!("{}{SECRET}", system.url("gateway"));
    for (url, token, status) in [(&secret, &ours, 200), (&secret, &none, 403), (&page, &none, 200)] {
        let answer = client.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), status, "{url}");
    }
}

#[tokio::test]
async fn a_boolean_matches_nothing() {
    let system = System::start_with_own_documents(&[]).await;
    let proxy = callers::as_proxy(&system);
    let user = callers::sign_in(&system).await;
    let of = |value: Value| claiming(&system, &user, "email_verified", value);
    let (yes, no, text) = (of(json!(true)), of(json!(false)), of(json!("true")));
    let claim = |asked: &str| {
        printed()
            .with("[firebase][tenant]", "[email_verified]")
            .with("      values:\n      - staff-x1y2z", asked)
    };
    let checkout = system.documents();
    let policy = checkout.join("private/policy.yaml");
    let before = std::fs::read_to_string(&policy).unwrap();
    for (asked, expected) in [
        // token with true, with false, with the text "true"
        ("      values:\n      - \"true\"", [DENIED, DENIED, HELLO]),
        ("      values:\n      - \"*\"", [DENIED, DENIED, HELLO]),
        ("      notValues:\n      - \"true\"", [HELLO, HELLO, DENIED]),
    ] {
        change(&system, || {
            std::fs::write(&policy, &before).unwrap();
            claim(asked).apply(checkout.parent().unwrap());
        })
        .await;
        for (token, expected) in [&yes, &no, &text].into_iter().zip(expected) {
            let answer = ask(&system, &proxy, SECRET, Some(token)).await;
            let claim = callers::part(token, 1)["email_verified"].clone();
            assert_eq!((answer.0, answer.1.as_str()), expected, "{claim}: {asked}");
        }
    }
}
