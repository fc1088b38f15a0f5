//! Identity Platform's stand-in: organisations with accounts of their own.

use serde_json::{Value, json};

use crate::part::{Part, claims, code, get, post};

const EMAIL: &str = "shopper@acme.example";
const PASSWORD: &str = "Of-the-tenant-1";

/// A tenant in which everything is on.
async fn tenant(part: &Part, id: &str) {
    let path = format!("v2/projects/demo-acme/tenants?tenantId={id}");
    let on = json!({ "displayName": "Acme", "allowPasswordSignup": true, "enableEmailLinkSignin": true });
    let made = part.owner("POST", &path, on).await;
    assert_eq!(
        (made.0, &made.1["allowPasswordSignup"]),
        (200, &json!(true)),
        "{made:?}"
    );
}

async fn sign_up(part: &Part, tenant: &str) -> Value {
    let new = json!({ "email": EMAIL, "password": PASSWORD, "tenantId": tenant });
    let (status, made) = part.call("signUp", new).await;
    assert_eq!((status, &made["tenantId"]), (200, &json!(tenant)), "{made}");
    made
}

#[tokio::test]
async fn the_same_address_is_another_user_in_another_tenant() {
    let part = Part::start("identity", &[]).await;
    tenant(&part, "retail").await;
    tenant(&part, "wholesale").await;
    let retail = sign_up(&part, "retail").await;
    let wholesale = sign_up(&part, "wholesale").await;
    assert_ne!(retail["localId"], wholesale["localId"]);
    let token = claims(&retail["idToken"]);
    assert_eq!(token["firebase"]["tenant"], "retail");
    assert_eq!(
        (&token["iss"], &token["aud"]),
        (
            &json!("https://securetoken.google.com/demo-acme"),
            &json!("demo-acme")
        ),
        "only the one claim tells tenants apart"
    );
    let with = |tenant: Option<&str>| json!({ "email": EMAIL, "password": PASSWORD, "tenantId": tenant });
    assert_eq!(part.call("signInWithPassword", with(Some("retail"))).await.0, 200);
    let own = part.call("signInWithPassword", with(None)).await;
    assert_eq!(
        code(&own),
        "400 INVALID_LOGIN_CREDENTIALS",
        "the project's own user has another one"
    );
    let unknown = part.call("signInWithPassword", with(Some("nowhere"))).await;
    assert_eq!(code(&unknown), "400 INVALID_TENANT_ID");

    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": retail["refreshToken"] });
    let renewed = post(&format!("{}/v1/token?key=demo-key", part.url), refresh)
        .await
        .1;
    assert_eq!(
        claims(&renewed["id_token"])["firebase"]["tenant"],
        "retail",
        "it is inferred"
    );
}

#[tokio::test]
async fn an_id_token_says_its_tenant_and_another_one_is_a_mismatch() {
    let part = Part::start("identity", &[]).await;
    tenant(&part, "retail").await;
    let token = sign_up(&part, "retail").await["idToken"].clone();
    let lookup = |tenant: Option<&str>| json!({ "idToken": token, "tenantId": tenant });
    let found = part.call("lookup", lookup(None)).await.1;
    assert_eq!(found["users"][0]["tenantId"], "retail");
    assert_eq!(part.call("lookup", lookup(Some("retail"))).await.0, 200);
    for (call, body) in [
        ("lookup", lookup(Some("wholesale"))),
        (
            "update",
            json!({ "idToken": token, "tenantId": "wholesale", "displayName": "x" }),
        ),
        ("delete", json!({ "idToken": token, "tenantId": "wholesale" })),
        (
            "sendOobCode",
            json!({ "requestType": "VERIFY_EMAIL", "idToken": token, "tenantId": "wholesale" }),
        ),
        (
            "signInWithIdp",
            json!({ "requestUri": "http://localhost", "idToken": token, "tenantId": "wholesale" }),
        ),
    ] {
        let answer = part.call(call, body).await;
        assert_eq!(code(&answer), "400 TENANT_ID_MISMATCH", "{call}");
    }
}

#[tokio::test]
async fn a_new_tenant_lets_nobody_in_until_its_owner_says_so() {
    let part = Part::start("identity", &[]).await;
    let made = part
        .owner(
            "POST",
            "v2/projects/demo-acme/tenants",
            json!({ "displayName": "Acme-Retail" }),
        )
        .await
        .1;
    let name = made["name"].as_str().unwrap();
    let id = name.strip_prefix("projects/demo-acme/tenants/").unwrap();
    assert!(id.starts_with("acme-retail-"), "{id}");
    let new = json!({ "email": EMAIL, "password": PASSWORD, "tenantId": id });
    assert_eq!(
        code(&part.call("signUp", new.clone()).await),
        "400 OPERATION_NOT_ALLOWED"
    );
    assert_eq!(
        code(&part.call("signInWithPassword", new.clone()).await),
        "400 PASSWORD_LOGIN_DISABLED"
    );
    let link = json!({ "requestType": "EMAIL_SIGNIN", "email": EMAIL, "tenantId": id });
    assert_eq!(
        code(&part.call("sendOobCode", link).await),
        "400 OPERATION_NOT_ALLOWED"
    );
    assert_eq!(
        code(&part.call("signUp", json!({ "tenantId": id })).await),
        "400 ADMIN_ONLY_OPERATION",
        "anonymous"
    );
    let text = json!({ "phoneNumber": "+16505550100", "tenantId": id });
    assert_eq!(
        code(&part.call("sendVerificationCode", text).await),
        "400 UNSUPPORTED_TENANT_OPERATION"
    );
    let path = format!("v2/{name}");
    part.owner("PATCH", &path, json!({ "allowPasswordSignup": true }))
        .await;
    assert_eq!(part.call("signUp", new.clone()).await.0, 200);
    part.owner("PATCH", &path, json!({ "disableAuth": true })).await;
    assert_eq!(
        code(&part.call("signInWithPassword", new.clone()).await),
        "400 PROJECT_DISABLED"
    );
    assert_eq!(part.owner("DELETE", &path, json!({})).await.0, 200);
    assert_eq!(
        code(&part.owner("GET", &path, json!({})).await),
        "400 TENANT_NOT_FOUND"
    );
    assert_eq!(
        code(&part.call("signInWithPassword", new).await),
        "400 INVALID_TENANT_ID"
    );
}

#[tokio::test]
async fn mails_providers_and_the_owner_stay_within_a_tenant() {
    let part = Part::start("identity", &[]).await;
    tenant(&part, "retail").await;
    let user = sign_up(&part, "retail").await;
    let reset = json!({ "requestType": "PASSWORD_RESET", "email": EMAIL, "tenantId": "retail" });
    assert_eq!(part.call("sendOobCode", reset).await.0, 200);
    let codes = |path: &str| format!("{}/emulator/v1/projects/demo-acme/{path}oobCodes", part.url);
    assert_eq!(get(&codes("")).await["oobCodes"], json!([]));
    let mail = get(&codes("tenants/retail/")).await["oobCodes"][0].clone();
    assert!(mail["oobLink"].as_str().unwrap().contains("tenantId=retail"));
    let set = json!({ "oobCode": mail["oobCode"], "newPassword": "Another-of-it-1" });
    assert_eq!(part.call("resetPassword", set).await.0, 200);

    let token = json!({ "sub": "1", "email": EMAIL, "email_verified": true });
    let federated = json!({ "requestUri": "http://localhost", "tenantId": "retail",
        "postBody": format!("id_token={token}&providerId=google.com") });
    let joined = part.call("signInWithIdp", federated).await.1;
    assert_eq!(
        (&joined["localId"], &joined["tenantId"]),
        (&user["localId"], &json!("retail"))
    );

    let by_id = json!({ "localId": [user["localId"]] });
    let own = part
        .owner("POST", "v1/projects/demo-acme/accounts:lookup", by_id.clone())
        .await;
    assert_eq!(own.1.get("users"), None);
    let theirs = "v1/projects/demo-acme/tenants/retail/accounts:lookup";
    assert_eq!(
        part.owner("POST", theirs, by_id).await.1["users"][0]["tenantId"],
        "retail"
    );
    let nowhere = "v1/projects/demo-acme/tenants/nowhere/accounts:lookup";
    assert_eq!(
        code(&part.owner("POST", nowhere, json!({})).await),
        "400 TENANT_NOT_FOUND"
    );

    let folder = part.folder.clone();
    drop(part);
    let part = Part::start_in(folder, "identity", &[]).await;
    let kept = part
        .owner("GET", "v2/projects/demo-acme/tenants", json!({}))
        .await
        .1;
    assert_eq!(kept["tenants"][0]["displayName"], "Acme");
}
