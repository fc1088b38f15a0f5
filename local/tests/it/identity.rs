//! Identity Platform's stand-in: as strict as production where the emulator is not.

use serde_json::{Value, json};

use crate::part::{Part, client, code, get, post, sign_in};

const PASSWORD: &str = "Acme-demo-2026";
const JWKS: &str = "service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";

async fn call(part: &Part, name: &str, body: Value) -> (u16, Value) {
    post(&format!("{}/v1/accounts:{name}?key=demo-key", part.url), body).await
}

async fn refresh(part: &Part, token: &str) -> (u16, Value) {
    let url = format!("{}/securetoken.googleapis.com/v1/token?key=demo-key", part.url);
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let response = client().post(url).form(&form).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// What the owner of the project does.
async fn update(part: &Part, fields: Value) {
    let url = format!(
        "{}/identitytoolkit.googleapis.com/v1/projects/demo-acme/accounts:update",
        part.url
    );
    let response = client()
        .post(url)
        .bearer_auth("owner")
        .json(&fields)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

fn text<'a>(answer: &'a (u16, Value), field: &str) -> &'a str {
    answer.1[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {answer:?}"))
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[tokio::test]
async fn a_sign_in_gives_a_token_that_the_published_keys_verify() {
    let part = Part::start("identity", &[]).await;
    let answer = sign_in(&part.url, PASSWORD).await;
    assert_eq!((answer.0, text(&answer, "expiresIn")), (200, "3600"));
    for prefix in ["", "www.googleapis.com/"] {
        let url = format!("{}/{prefix}{JWKS}", part.url);
        let response = client().get(url).send().await.unwrap();
        assert!(
            response.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("max-age=")
        );
        let keys = jwt::Jwks::parse(&response.text().await.unwrap()).unwrap();
        let token = jwt::Token::parse(text(&answer, "idToken")).unwrap();
        keys.verify(&token).unwrap();
        let claims = Value::Object(token.claims().clone());
        assert_eq!(claims["iss"], "https://securetoken.google.com/demo-acme");
        assert_eq!(
            (&claims["aud"], &claims["sub"]),
            (&json!("demo-acme"), &claims["user_id"])
        );
        assert_eq!(claims["sub"].as_str().unwrap().len(), 28);
        assert_eq!(
            claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
            3600
        );
        assert_eq!(claims["email"], "shopper@acme.example");
        assert_eq!(claims["firebase"]["sign_in_provider"], "password");
    }
    let discovery = get(&format!(
        "{}/demo-acme/.well-known/openid-configuration",
        part.url
    ))
    .await;
    assert!(discovery["jwks_uri"].as_str().unwrap().ends_with(JWKS));
    let x509 = get(&format!(
        "{}/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com",
        part.url
    ))
    .await;
    let keys = get(&format!("{}/{JWKS}", part.url)).await;
    let certificate = x509[keys["keys"][0]["kid"].as_str().unwrap()].as_str().unwrap();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_look_the_same() {
    let part = Part::start("identity", &[]).await;
    let wrong = sign_in(&part.url, "wrong").await;
    let unknown = json!({ "email": "nobody@acme.example", "password": "wrong" });
    assert_eq!(wrong, call(&part, "signInWithPassword", unknown).await);
    assert_eq!(code(&wrong), "400 INVALID_LOGIN_CREDENTIALS");
    assert!(wrong.1["error"].get("status").is_none(), "{wrong:?}");
}

#[tokio::test]
async fn calls_that_cannot_be_are_refused_by_name() {
    let part = Part::start("identity", &[]).await;
    for (name, body, expected) in [
        (
            "signInWithPassword",
            json!({ "password": "x" }),
            "400 MISSING_EMAIL",
        ),
        (
            "signInWithPassword",
            json!({ "email": "a@b" }),
            "400 MISSING_PASSWORD",
        ),
        (
            "signInWithPassword",
            json!({ "email": "a", "password": "x" }),
            "400 INVALID_EMAIL",
        ),
        (
            "signUp",
            json!({ "email": "a@b", "password": "short" }),
            "400 WEAK_PASSWORD",
        ),
        (
            "signUp",
            json!({ "email": "Shopper@acme.example", "password": "Long-enough-1" }),
            "400 EMAIL_EXISTS",
        ),
        ("lookup", json!({ "idToken": "a.b.c" }), "400 INVALID_ID_TOKEN"),
        ("lookup", json!({}), "400 MISSING_ID_TOKEN"),
        ("sendOobCode", json!({}), "400 MISSING_REQ_TYPE"),
        ("resetPassword", json!({}), "400 MISSING_OOB_CODE"),
        (
            "signUp",
            json!({ "email": "a@b", "password": "lowercase" }),
            "400 PASSWORD_DOES_NOT_MEET_REQUIREMENTS",
        ),
        (
            "issueSamlResponse",
            json!({}),
            "501 This stand-in does not know this call.",
        ),
    ] {
        assert_eq!(code(&call(&part, name, body).await), expected, "{name}");
    }
    let without_key = post(&format!("{}/v1/accounts:lookup", part.url), json!({})).await;
    assert_eq!(code(&without_key), "403 The request is missing a valid API key.");
    assert_eq!(without_key.1["error"]["status"], "PERMISSION_DENIED");
    let admin = format!("{}/v1/projects/demo-acme/accounts:update", part.url);
    assert_eq!(post(&admin, json!({})).await.0, 401);
}

#[tokio::test]
async fn a_new_account_is_looked_up_changed_and_deleted_by_its_owner() {
    let part = Part::start("identity", &[]).await;
    let new = json!({ "email": "new@acme.example", "password": "First-password-1", "displayName": "New" });
    let answer = call(&part, "signUp", new).await;
    let token = text(&answer, "idToken").to_owned();
    let user = call(&part, "lookup", json!({ "idToken": token })).await.1["users"][0].clone();
    assert_eq!(
        (&user["email"], &user["displayName"]),
        (&json!("new@acme.example"), &json!("New"))
    );
    assert!(!user.to_string().contains("password hash") && user.get("passwordHash").is_none());

    let changed = call(
        &part,
        "update",
        json!({ "idToken": token, "password": "Second-password-2" }),
    )
    .await;
    let token = text(&changed, "idToken").to_owned();
    assert_eq!(
        code(&refresh(&part, text(&answer, "refreshToken")).await),
        "400 TOKEN_EXPIRED"
    );
    assert_eq!(call(&part, "delete", json!({ "idToken": token })).await.0, 200);
    assert_eq!(
        code(&call(&part, "lookup", json!({ "idToken": token })).await),
        "400 USER_NOT_FOUND"
    );
}

#[tokio::test]
async fn a_refresh_gives_a_new_token_of_the_same_sign_in() {
    let part = Part::start("identity", &[]).await;
    let signed_in = sign_in(&part.url, PASSWORD).await;
    let token = text(&signed_in, "refreshToken");
    let form = refresh(&part, token).await;
    assert_eq!(form.0, 200);
    assert_eq!(
        (text(&form, "id_token"), text(&form, "token_type")),
        (text(&form, "access_token"), "Bearer")
    );
    let claims = |token: &str| jwt::Token::parse(token).unwrap().into_claims();
    let before = claims(text(&signed_in, "idToken"));
    assert_eq!(claims(text(&form, "id_token"))["auth_time"], before["auth_time"]);

    let url = format!("{}/v1/token?key=demo-key", part.url);
    let json = post(
        &url,
        json!({ "grantType": "refresh_token", "refreshToken": token }),
    )
    .await;
    assert_eq!(json.0, 200);
    assert_eq!(code(&post(&url, json!({})).await), "400 MISSING_GRANT_TYPE");
    assert_eq!(
        code(&post(&url, json!({ "grant_type": "password" })).await),
        "400 INVALID_GRANT_TYPE"
    );
    assert_eq!(code(&refresh(&part, "").await), "400 MISSING_REFRESH_TOKEN");
    assert_eq!(
        code(&refresh(&part, "made-up").await),
        "400 INVALID_REFRESH_TOKEN"
    );
}

#[tokio::test]
async fn a_revocation_ends_every_token_of_earlier_sign_ins() {
    let part = Part::start("identity", &[]).await;
    let before = sign_in(&part.url, PASSWORD).await;
    let (id, refresh_token) = (text(&before, "idToken"), text(&before, "refreshToken"));
    update(
        &part,
        json!({ "localId": text(&before, "localId"), "validSince": now() + 2 }),
    )
    .await;
    assert_eq!(
        code(&call(&part, "lookup", json!({ "idToken": id })).await),
        "400 TOKEN_EXPIRED"
    );
    assert_eq!(code(&refresh(&part, refresh_token).await), "400 TOKEN_EXPIRED");
    let after = sign_in(&part.url, PASSWORD).await;
    assert_eq!(refresh(&part, text(&after, "refreshToken")).await.0, 200);
}

#[tokio::test]
async fn a_disabled_user_is_told_so_only_with_the_right_password() {
    let part = Part::start("identity", &[]).await;
    let before = sign_in(&part.url, PASSWORD).await;
    let local_id = text(&before, "localId");
    update(&part, json!({ "localId": local_id, "disableUser": true })).await;
    assert_eq!(code(&sign_in(&part.url, PASSWORD).await), "400 USER_DISABLED");
    assert_eq!(
        code(&sign_in(&part.url, "wrong").await),
        "400 INVALID_LOGIN_CREDENTIALS"
    );
    assert_eq!(
        code(&refresh(&part, text(&before, "refreshToken")).await),
        "400 USER_DISABLED"
    );
    update(&part, json!({ "localId": local_id, "disableUser": false })).await;
    assert_eq!(sign_in(&part.url, PASSWORD).await.0, 200);
}

#[tokio::test]
async fn ten_wrong_passwords_lock_the_account_until_its_owner_helps() {
    let part = Part::start("identity", &[]).await;
    for _ in 0..10 {
        assert_eq!(
            code(&sign_in(&part.url, "wrong").await),
            "400 INVALID_LOGIN_CREDENTIALS"
        );
    }
    assert_eq!(
        code(&sign_in(&part.url, PASSWORD).await),
        "400 TOO_MANY_ATTEMPTS_TRY_LATER"
    );
    let url = format!("{}/v1/projects/demo-acme/accounts:lookup", part.url);
    let ask = json!({ "email": ["shopper@acme.example"] });
    let found: Value = client()
        .post(url)
        .bearer_auth("owner")
        .json(&ask)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let local_id = found["users"][0]["localId"].clone();
    update(&part, json!({ "localId": local_id, "password": "another one" })).await;
    assert_eq!(sign_in(&part.url, "another one").await.0, 200);
}

#[tokio::test]
async fn a_restart_signs_nobody_out_and_no_secret_is_on_disk_in_clear() {
    let part = Part::start("identity", &[]).await;
    let before = sign_in(&part.url, PASSWORD).await;
    let folder = part.folder.clone();
    drop(part);
    let stored = std::fs::read_to_string(folder.path().join("identity/accounts.json")).unwrap();
    assert!(!stored.contains(PASSWORD) && !stored.contains(text(&before, "refreshToken")));

    let part = Part::start_in(folder, "identity", &[]).await;
    let user = call(&part, "lookup", json!({ "idToken": text(&before, "idToken") })).await;
    assert_eq!(user.1["users"][0]["localId"], before.1["localId"]);
    assert_eq!(refresh(&part, text(&before, "refreshToken")).await.0, 200);
}
