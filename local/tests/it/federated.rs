//! Identity Platform's stand-in: sign-in with other providers, in a browser's steps.

use reqwest::Url;
use serde_json::{Value, json};

use crate::part::{Part, claims, client, code, post, sign_in};

const TEST_USER: &str = "shopper@acme.example";
const BACK: &str = "http://localhost:8080/back?kept=yes";

/// A browser at the provider's page, and the session that it began with.
struct Visit {
    page: String,
    session: &'static str,
}

/// `createAuthUri`, as a server-rendered front end asks it.
async fn begin(part: &Part, provider: &str, more: Value) -> Visit {
    let mut asked = json!({ "providerId": provider, "continueUri": BACK, "sessionId": "the browser's",
        "authFlowType": "CODE_FLOW", "customParameter": { "prompt": "select_account", "state": "mine" } });
    asked
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let (status, answer) = part.call("createAuthUri", asked).await;
    assert_eq!(
        (status, &answer["providerId"], &answer["sessionId"]),
        (200, &json!(provider), &json!("the browser's")),
        "{answer}"
    );
    Visit {
        page: answer["authUri"].as_str().unwrap().to_owned(),
        session: "the browser's",
    }
}

impl Visit {
    /// Sends a form of the page; where the browser goes from there.
    async fn sends(&self, fields: &[(&str, &str)]) -> String {
        let page = Url::parse(&self.page).unwrap();
        let state = page.query_pairs().find(|(name, _)| name == "state").unwrap().1;
        let mut form = vec![("state", &*state)];
        form.extend(fields);
        let mut action = page.clone();
        action.set_query(None);
        let answer = client().post(action).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Chooses somebody whose address the provider has verified, or has not.
    async fn chooses(&self, email: &str, verified: bool) -> String {
        let mut fields = vec![("email", email), ("name", "Ada Example")];
        fields.extend(verified.then_some(("verified", "on")));
        self.sends(&fields).await
    }
}

/// `signInWithIdp` with the full address that the browser came back to.
async fn finish(part: &Part, back: &str, session: &str, more: Value) -> (u16, Value) {
    let mut asked = json!({ "requestUri": back, "sessionId": session, "returnSecureToken": true,
        "returnIdpCredential": true });
    asked
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    part.call("signInWithIdp", asked).await
}

/// All steps at once.
async fn federated(part: &Part, provider: &str, email: &str, verified: bool, more: Value) -> (u16, Value) {
    let visit = begin(part, provider, json!({})).await;
    let back = visit.chooses(email, verified).await;
    finish(part, &back, visit.session, more).await
}

#[tokio::test]
async fn a_new_user_comes_back_with_a_code_that_is_worth_tokens_once() {
    let part = Part::start("identity", &[]).await;
    let visit = begin(&part, "google.com", json!({ "context": "where from" })).await;
    let page = Url::parse(&visit.page).unwrap();
    assert!(
        visit.page.starts_with(&part.url),
        "as whoever asks reaches it: {page}"
    );
    let asked: std::collections::BTreeMap<_, _> = page.query_pairs().into_owned().collect();
    assert_eq!(
        (
            &*asked["response_type"],
            &*asked["redirect_uri"],
            &*asked["prompt"]
        ),
        ("code", BACK, "select_account")
    );
    assert_ne!(asked["state"], "mine", "the caller's parameters replace nothing");

    let back = visit.chooses("Ada@provider.example", true).await;
    assert!(back.starts_with(BACK) && back.contains("&code="), "{back}");
    let stolen = finish(&part, &back, "another browser's", json!({})).await;
    assert_eq!(code(&stolen), "400 INVALID_IDP_RESPONSE");
    let elsewhere = back.replace("/back", "/elsewhere");
    let elsewhere = finish(&part, &elsewhere, visit.session, json!({})).await;
    assert_eq!(code(&elsewhere), "400 INVALID_IDP_RESPONSE");

    let (status, done) = finish(&part, &back, visit.session, json!({})).await;
    assert_eq!(status, 200, "{done}");
    for (field, expected) in [
        ("providerId", json!("google.com")),
        ("email", json!("ada@provider.example")),
        ("emailVerified", json!(true)),
        ("displayName", json!("Ada Example")),
        ("firstName", json!("Ada")),
        ("isNewUser", json!(true)),
        ("context", json!("where from")),
        ("expiresIn", json!("3600")),
        ("kind", json!("identitytoolkit#VerifyAssertionResponse")),
    ] {
        assert_eq!(done[field], expected, "{field} of {done}");
    }
    let profile: Value = serde_json::from_str(done["rawUserInfo"].as_str().unwrap()).unwrap();
    assert_eq!(profile["verified_email"], true);
    let claims = claims(&done["idToken"]);
    assert_eq!(claims["firebase"]["sign_in_provider"], "google.com");
    assert_eq!(claims["firebase"]["identities"]["google.com"][0], profile["id"]);
    assert_eq!(claims["name"], "Ada Example");

    let again = finish(&part, &back, visit.session, json!({})).await;
    assert_eq!(code(&again), "400 INVALID_IDP_RESPONSE", "a code is good once");
    let (_, known) = federated(&part, "google.com", "ada@provider.example", true, json!({})).await;
    assert_eq!(
        (&known["isNewUser"], &known["localId"]),
        (&json!(false), &done["localId"])
    );
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": done["refreshToken"] });
    let renewed = post(&format!("{}/v1/token?key=demo-key", part.url), refresh)
        .await
        .1;
    let renewed = crate::part::claims(&renewed["id_token"]);
    assert_eq!(renewed["firebase"]["sign_in_provider"], "google.com");
}

#[tokio::test]
async fn without_a_code_flow_google_answers_where_no_server_looks() {
    let part = Part::start("identity", &[]).await;
    let visit = begin(&part, "google.com", json!({ "authFlowType": "" })).await;
    let back = Url::parse(&visit.chooses("ada@provider.example", true).await).unwrap();
    assert!(back.fragment().unwrap().contains("id_token="), "{back}");
    assert_eq!(back.query(), Some("kept=yes"));
    let scoped = begin(
        &part,
        "google.com",
        json!({ "authFlowType": "", "oauthScope": "calendar" }),
    );
    assert!(scoped.await.page.contains("response_type=code"));
    let own = begin(&part, "oidc.acme", json!({ "authFlowType": "" })).await;
    assert!(own.page.contains("response_type=code"));
}

#[tokio::test]
async fn an_address_that_the_provider_did_not_verify_is_confirmed_before_it_is_linked() {
    let part = Part::start("identity", &[]).await;
    let (status, asked) = federated(&part, "google.com", TEST_USER, false, json!({})).await;
    assert_eq!(
        (status, &asked["needConfirmation"]),
        (200, &json!(true)),
        "{asked}"
    );
    assert_eq!(
        (asked.get("idToken"), &asked["verifiedProvider"]),
        (None, &json!([]))
    );
    let pending = asked["pendingToken"].clone();
    let again =
        json!({ "requestUri": "http://localhost", "pendingToken": pending, "returnSecureToken": true });
    let still = part.call("signInWithIdp", again.clone()).await.1;
    assert_eq!(still["needConfirmation"], true, "the token alone links nothing");

    let session = sign_in(&part.url, "Acme-demo-2026").await.1["idToken"].clone();
    let mut link = again;
    link["idToken"] = session;
    let (status, linked) = part.call("signInWithIdp", link).await;
    assert_eq!((status, &linked["isNewUser"]), (200, &json!(false)), "{linked}");
    let identities = claims(&linked["idToken"])["firebase"]["identities"].clone();
    assert!(identities["google.com"].is_array(), "{identities}");
    let (_, known) = federated(&part, "google.com", TEST_USER, false, json!({})).await;
    assert_eq!(known["localId"], "AcmeDemoShopper0000000000001");
    assert!(known["idToken"].is_string());

    let made_up = json!({ "requestUri": "http://localhost", "pendingToken": "made up" });
    assert_eq!(
        code(&part.call("signInWithIdp", made_up).await),
        "400 INVALID_PENDING_TOKEN"
    );
}

#[tokio::test]
async fn a_verified_address_takes_over_an_account_that_nobody_verified_and_joins_one_that_was() {
    let part = Part::start("identity", &[]).await;
    let waiting = json!({ "email": "ada@provider.example", "password": "Not-her-own-1" });
    let squatter = part.call("signUp", waiting.clone()).await.1;
    let (_, hers) = federated(&part, "google.com", "ada@provider.example", true, json!({})).await;
    assert_eq!(hers["localId"], squatter["localId"]);
    assert_eq!(
        code(&part.call("signInWithPassword", waiting).await),
        "400 INVALID_LOGIN_CREDENTIALS"
    );
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": squatter["refreshToken"] });
    let url = format!("{}/v1/token?key=demo-key", part.url);
    assert_eq!(code(&post(&url, refresh).await), "400 TOKEN_EXPIRED");

    let (_, joined) = federated(&part, "github.com", TEST_USER, true, json!({})).await;
    assert_eq!(joined["localId"], "AcmeDemoShopper0000000000001");
    assert_eq!(
        sign_in(&part.url, "Acme-demo-2026").await.0,
        200,
        "the password stays"
    );

    // the same address, another user of the provider
    let recycled = json!({ "sub": "another", "email": TEST_USER, "email_verified": true });
    let asked = json!({ "requestUri": "http://localhost", "returnSecureToken": true,
        "postBody": format!("id_token={recycled}&providerId=github.com") });
    let recycled = part.call("signInWithIdp", asked).await.1;
    assert_eq!(recycled["emailRecycled"], true, "{recycled}");
}

#[tokio::test]
async fn a_provider_is_linked_and_unlinked_by_the_user_and_belongs_to_one_account() {
    let part = Part::start("identity", &[]).await;
    let (_, ada) = federated(&part, "google.com", "ada@provider.example", true, json!({})).await;
    let session = sign_in(&part.url, "Acme-demo-2026").await.1["idToken"].clone();
    let taken = federated(
        &part,
        "google.com",
        "ada@provider.example",
        true,
        json!({ "idToken": session }),
    )
    .await;
    assert_eq!(
        (taken.0, &taken.1["errorMessage"], taken.1.get("idToken")),
        (200, &json!("FEDERATED_USER_ID_ALREADY_LINKED"), None),
        "as a 200 for who asked for the credential"
    );
    let strict = json!({ "idToken": session, "returnIdpCredential": false });
    let taken = federated(&part, "google.com", "ada@provider.example", true, strict).await;
    assert_eq!(code(&taken), "400 FEDERATED_USER_ID_ALREADY_LINKED");
    let exists = federated(
        &part,
        "github.com",
        "ada@provider.example",
        true,
        json!({ "idToken": session, "returnIdpCredential": false }),
    )
    .await;
    assert_eq!(code(&exists), "400 EMAIL_EXISTS");

    let linked = federated(
        &part,
        "github.com",
        "shopper@elsewhere.example",
        true,
        json!({ "idToken": session }),
    )
    .await;
    assert_eq!(linked.1["localId"], "AcmeDemoShopper0000000000001");
    let user = part.call("lookup", json!({ "idToken": session })).await.1["users"][0].clone();
    assert_eq!(user["email"], TEST_USER, "the account keeps its address");
    let providers = user["providerUserInfo"].as_array().unwrap();
    assert_eq!(
        (&providers[1]["providerId"], &providers[1]["email"]),
        (&json!("github.com"), &json!("shopper@elsewhere.example"))
    );
    let unlink = json!({ "idToken": session, "deleteProvider": ["github.com"] });
    let left = part.call("update", unlink).await.1;
    assert_eq!(left["providerUserInfo"].as_array().unwrap().len(), 1);
    // an account that has no password yet gets one
    let password =
        json!({ "idToken": ada["idToken"], "email": "ada@provider.example", "password": "Her-own-1" });
    assert_eq!(part.call("signUp", password).await.1["localId"], ada["localId"]);
}

#[tokio::test]
async fn a_disabled_account_is_left_as_it_is() {
    let part = Part::start("identity", &[]).await;
    let off = json!({ "localId": "AcmeDemoShopper0000000000001", "disableUser": true });
    part.owner("POST", "v1/projects/demo-acme/accounts:update", off)
        .await;
    let refused = federated(&part, "google.com", TEST_USER, true, json!({})).await;
    assert_eq!(
        code(&refused),
        "400 USER_DISABLED",
        "and not a 200 with an errorMessage"
    );
    let sought = json!({ "email": [TEST_USER] });
    let found = part
        .owner("POST", "v1/projects/demo-acme/accounts:lookup", sought)
        .await
        .1;
    assert_eq!(found["users"][0]["providerUserInfo"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_step_is_asked_for_after_a_provider_too() {
    let part = Part::start("identity", &[]).await;
    let session = sign_in(&part.url, "Acme-demo-2026").await.1["idToken"].clone();
    let url = |call: &str| format!("{}/v2/accounts/{call}?key=demo-key", part.url);
    let start = json!({ "idToken": session, "totpEnrollmentInfo": {} });
    let begun = post(&url("mfaEnrollment:start"), start).await.1["totpSessionInfo"].clone();
    let secret = begun["sharedSecretKey"].as_str().unwrap();
    let finish = json!({ "idToken": session, "totpVerificationInfo": { "sessionInfo": begun["sessionInfo"],
        "verificationCode": crate::authenticator::code(secret, 0) } });
    assert_eq!(post(&url("mfaEnrollment:finalize"), finish).await.0, 200);
    let (_, pending) = federated(&part, "google.com", TEST_USER, true, json!({})).await;
    assert_eq!(pending.get("idToken"), None);
    let finish = json!({ "mfaPendingCredential": pending["mfaPendingCredential"],
        "mfaEnrollmentId": pending["mfaInfo"][0]["mfaEnrollmentId"],
        "totpVerificationInfo": { "verificationCode": crate::authenticator::code(secret, 1) } });
    let done = post(&url("mfaSignIn:finalize"), finish).await.1;
    let firebase = claims(&done["idToken"])["firebase"].clone();
    assert_eq!(
        (&firebase["sign_in_provider"], &firebase["sign_in_second_factor"]),
        (&json!("google.com"), &json!("totp"))
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let part = Part::start("identity", &[]).await;
    let uri = |uri: &str| json!({ "providerId": "google.com", "continueUri": uri });
    for (call, body, expected) in [
        (
            "createAuthUri",
            json!({ "providerId": "google.com" }),
            "MISSING_CONTINUE_URI",
        ),
        ("createAuthUri", uri("not a url"), "INVALID_CONTINUE_URI"),
        (
            "createAuthUri",
            uri("javascript:alert(1)"),
            "INVALID_CONTINUE_URI",
        ),
        (
            "createAuthUri",
            uri("http://localhost/#x"),
            "INVALID_CONTINUE_URI",
        ),
        (
            "createAuthUri",
            uri("http://localhost/?state=x"),
            "INVALID_CONTINUE_URI",
        ),
        (
            "createAuthUri",
            uri("https://evil.example/"),
            "UNAUTHORIZED_DOMAIN",
        ),
        (
            "createAuthUri",
            json!({ "providerId": "example.com", "continueUri": BACK }),
            "INVALID_PROVIDER_ID",
        ),
        (
            "createAuthUri",
            json!({ "continueUri": BACK }),
            "MISSING_IDENTIFIER",
        ),
        (
            "createAuthUri",
            json!({ "continueUri": BACK, "identifier": "nobody" }),
            "INVALID_IDENTIFIER",
        ),
        ("signInWithIdp", json!({}), "MISSING_REQUEST_URI"),
        (
            "signInWithIdp",
            json!({ "requestUri": "back" }),
            "INVALID_REQUEST_URI",
        ),
        (
            "signInWithIdp",
            json!({ "requestUri": "http://localhost", "postBody": "id_token=%7B%7D" }),
            "INVALID_CREDENTIAL_OR_PROVIDER_ID",
        ),
        (
            "signInWithIdp",
            json!({ "requestUri": "http://localhost", "postBody": "id_token=%7B%7D&providerId=google.com" }),
            "INVALID_IDP_RESPONSE",
        ),
        (
            "signInWithIdp",
            json!({ "requestUri": "http://localhost", "postBody": "access_token=x&providerId=google.com" }),
            "INVALID_IDP_RESPONSE",
        ),
        (
            "signInWithIdp",
            json!({ "requestUri": "http://localhost",
                "postBody": "id_token=%7B%22sub%22%3A%221%22%2C%22nonce%22%3A%22x%22%7D&providerId=google.com" }),
            "MISSING_OR_INVALID_NONCE",
        ),
        (
            "signInWithIdp",
            json!({ "requestUri": "http://localhost/?error=server_error&state=x" }),
            "INVALID_IDP_RESPONSE",
        ),
    ] {
        let answer = part.call(call, body.clone()).await;
        assert_eq!(code(&answer), format!("400 {expected}"), "{body}");
    }
}

#[tokio::test]
async fn the_page_is_plain_html_and_a_person_can_cancel() {
    let part = Part::start("identity", &[]).await;
    let visit = begin(
        &part,
        "oidc.acme",
        json!({ "customParameter": { "login_hint": "<i>@x" } }),
    )
    .await;
    let page = client().get(&visit.page).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let page = page.text().await.unwrap();
    for expected in [
        "<html lang=\"en\">",
        "<h1>Sign in with acme</h1>",
        "<label for=\"email\">",
        "value=\"&lt;i&gt;@x\"",
        "shopper@acme.example, not verified",
    ] {
        assert!(page.contains(expected), "{expected} in {page}");
    }
    let back = visit.sends(&[("cancel", "cancel")]).await;
    assert!(
        back.contains("error=access_denied") && back.contains("state="),
        "{back}"
    );
    let cancelled = finish(&part, &back, visit.session, json!({})).await;
    assert_eq!(code(&cancelled), "400 USER_CANCELLED");

    let clock = json!({ "advance": 601 });
    part.emulator("POST", "clock", clock).await;
    let late = client().get(&visit.page).send().await.unwrap();
    assert_eq!(late.status(), 400);
    assert!(late.text().await.unwrap().contains("This sign-in is over"));
}

#[tokio::test]
async fn without_e_mail_privacy_an_address_tells_its_ways_in() {
    let part = Part::start("identity", &[]).await;
    let asked = json!({ "identifier": TEST_USER, "continueUri": "http://localhost" });
    let hidden = part.call("createAuthUri", asked.clone()).await.1;
    assert_eq!(
        (hidden.get("registered"), hidden.get("signinMethods")),
        (None, None)
    );
    let open = json!({ "emailPrivacyConfig": { "enableImprovedEmailPrivacy": false } });
    let config = part.emulator("PATCH", "projects/demo-acme/config", open).await.1;
    assert_eq!(config["emailPrivacyConfig"]["enableImprovedEmailPrivacy"], false);
    federated(&part, "google.com", TEST_USER, true, json!({})).await;
    let told = part.call("createAuthUri", asked).await.1;
    assert_eq!(
        (&told["registered"], &told["signinMethods"]),
        (&json!(true), &json!(["google.com", "password"]))
    );
}

#[tokio::test]
async fn with_duplicate_addresses_allowed_a_provider_has_accounts_of_its_own() {
    let part = Part::start("identity", &[]).await;
    let allow = json!({ "signIn": { "allowDuplicateEmails": true } });
    let config = part.emulator("PATCH", "projects/demo-acme/config", allow).await.1;
    assert_eq!(
        (
            &config["signIn"]["allowDuplicateEmails"],
            &config["emailPrivacyConfig"]["enableImprovedEmailPrivacy"]
        ),
        (&json!(true), &json!(true)),
        "what is not named stays"
    );
    let (_, done) = federated(&part, "google.com", TEST_USER, true, json!({})).await;
    assert_eq!(done["isNewUser"], true, "{done}");
    let user = part.call("lookup", json!({ "idToken": done["idToken"] })).await.1["users"][0].clone();
    assert_eq!(
        (user.get("email"), &user["providerUserInfo"][0]["email"]),
        (None, &json!(TEST_USER))
    );
    let (_, again) = federated(&part, "google.com", TEST_USER, true, json!({})).await;
    assert_eq!(again["localId"], done["localId"]);
}
