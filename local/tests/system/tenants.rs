//! The users of one tenant, through the whole system: the front end asks for them, the gateway's policy lets
//! nobody else in.

use serde_json::json;

use crate::harness::{System, workspace};
use crate::visitor::{MESSAGE, Visitor};
use crate::{callers, diff::Diff};

pub(crate) const TENANT: &str = "staff-x1y2z";
const EMAIL: &str = "shopper@acme.example";
const PASSWORD: &str = "Of-the-tenant-1";

/// Makes the tenant, as the project's owner does.
pub(crate) async fn make(system: &System) {
    let url = format!(
        "{}/identitytoolkit.googleapis.com/v2/projects/demo-acme/tenants?tenantId={TENANT}",
        system.url("identity")
    );
    let client = callers::client().build().unwrap();
    let on = json!({ "displayName": "Staff", "allowPasswordSignup": true });
    let made = client.post(url).bearer_auth("owner").json(&on).send().await;
    assert_eq!(made.unwrap().status(), 200);
}

#[tokio::test]
async fn with_a_tenant_its_users_read_the_message_and_those_of_the_project_are_strangers() {
    let system = System::start_told(&[], &[("AUTH_TENANT_ID", TENANT)]).await;
    make(&system).await;
    let documents = system.documents();
    callers::change(&system, || {
        let mut printed = Diff::printed_in(&workspace().join("istio/README.md"));
        printed.remove(0).apply(documents.parent().unwrap());
    })
    .await;

    let mut visitor = Visitor::of(system.url("frontend"));
    let of_project = [("email", EMAIL), ("password", "Acme-demo-2026")];
    let answer = visitor.post("/sign-in", &of_project).await;
    assert_eq!(answer.status(), 422, "the address is nobody's in the tenant");
    let new = [("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(visitor.post("/sign-up", &new).await.status(), 200);
    assert_eq!(visitor.post("/sign-in", &new).await.status(), 303);
    let (_, page) = visitor.get("/").await;
    assert!(page.contains(MESSAGE), "{page}");
    let answer = visitor.post("/account/sign-out", &[]).await;
    assert_eq!(
        answer.status(),
        200,
        "the end of all sessions is the tenant's call"
    );

    let (proxy, of_project) = (callers::as_proxy(&system), callers::sign_in(&system).await);
    let answer = callers::ask(&system, &proxy, "/api/secure.json", Some(&of_project)).await;
    assert_eq!(answer, (403, "RBAC: access denied".to_owned()));
}
