//! Identity Platform's stand-in: users who have no password.

use serde_json::{Value, json};

use crate::part::{Part, claims, code, get, post};

async fn message(part: &Part) -> Value {
    let url = format!("{}/emulator/v1/projects/demo-acme/verificationCodes", part.url);
    get(&url).await["verificationCodes"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_user_nobody_knows_becomes_one_with_a_password() {
    let part = Part::start("identity", &[]).await;
    let nobody = part.call("signUp", json!({ "returnSecureToken": true })).await.1;
    let token = claims(&nobody["idToken"]);
    assert_eq!(
        (
            &token["provider_id"],
            &token["firebase"]["sign_in_provider"],
            token.get("email")
        ),
        (&json!("anonymous"), &json!("anonymous"), None)
    );
    let password = json!({ "idToken": nobody["idToken"], "email": "now@x", "password": "Long-enough-1" });
    let somebody = part.call("signUp", password).await.1;
    assert_eq!(somebody["localId"], nobody["localId"]);
    assert_eq!(
        claims(&somebody["idToken"])["firebase"]["sign_in_provider"],
        "password"
    );
    let sign_in = json!({ "email": "now@x", "password": "Long-enough-1" });
    assert_eq!(
        part.call("signInWithPassword", sign_in).await.1["localId"],
        nobody["localId"]
    );
}

#[tokio::test]
async fn a_custom_token_signs_in_with_its_claims() {
    let part = Part::start("identity", &[]).await;
    let custom = json!({ "uid": "from-elsewhere", "claims": { "plan": "gold" } });
    let (status, done) = part
        .call("signInWithCustomToken", json!({ "token": custom.to_string() }))
        .await;
    assert_eq!((status, &done["isNewUser"]), (200, &json!(true)), "{done}");
    let token = claims(&done["idToken"]);
    assert_eq!(
        (
            &token["sub"],
            &token["plan"],
            &token["firebase"]["sign_in_provider"]
        ),
        (&json!("from-elsewhere"), &json!("gold"), &json!("custom"))
    );
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": done["refreshToken"] });
    let renewed = post(&format!("{}/v1/token?key=demo-key", part.url), refresh)
        .await
        .1;
    assert_eq!(
        claims(&renewed["id_token"])["plan"],
        "gold",
        "the claims are the sign-in's"
    );
    for (token, expected) in [
        (String::new(), "MISSING_CUSTOM_TOKEN"),
        ("neither".to_owned(), "INVALID_CUSTOM_TOKEN"),
        (
            done["idToken"].as_str().unwrap().to_owned(),
            "INVALID_CUSTOM_TOKEN",
        ),
        ("{}".to_owned(), "MISSING_IDENTIFIER"),
        (
            json!({ "uid": "a", "claims": { "sub": "b" } }).to_string(),
            "FORBIDDEN_CLAIM",
        ),
        (
            json!({ "uid": "a", "tenant_id": "elsewhere" }).to_string(),
            "TENANT_ID_MISMATCH",
        ),
    ] {
        let answer = part
            .call("signInWithCustomToken", json!({ "token": token }))
            .await;
        assert_eq!(code(&answer), format!("400 {expected}"));
    }
}

#[tokio::test]
async fn a_text_message_signs_in_and_is_a_second_step() {
    let part = Part::start("identity", &[]).await;
    let number = json!({ "phoneNumber": "+1 650-555-0100", "recaptchaToken": "none" });
    let sent = part.call("sendVerificationCode", number).await.1;
    let read = message(&part).await;
    assert_eq!(
        (&read["phoneNumber"], &read["sessionInfo"]),
        (&json!("+16505550100"), &sent["sessionInfo"])
    );
    let wrong = json!({ "sessionInfo": sent["sessionInfo"], "code": "x" });
    assert_eq!(
        code(&part.call("signInWithPhoneNumber", wrong).await),
        "400 INVALID_CODE"
    );
    let right = json!({ "sessionInfo": sent["sessionInfo"], "code": read["code"] });
    let done = part.call("signInWithPhoneNumber", right).await.1;
    let token = claims(&done["idToken"]);
    assert_eq!(
        (&token["phone_number"], &token["firebase"]["sign_in_provider"]),
        (&json!("+16505550100"), &json!("phone"))
    );

    let session = crate::part::sign_in(&part.url, "Acme-demo-2026").await.1["idToken"].clone();
    let url = |call: &str| format!("{}/v2/accounts/{call}?key=demo-key", part.url);
    let start = json!({ "idToken": session, "phoneEnrollmentInfo": { "phoneNumber": "+16505550101" } });
    let started = post(&url("mfaEnrollment:start"), start).await.1;
    let typed =
        |started: &Value, code: &Value| json!({ "sessionInfo": started["sessionInfo"], "code": code });
    let read = message(&part).await;
    let finish = json!({ "idToken": session, "displayName": "Phone",
        "phoneVerificationInfo": typed(&started["phoneSessionInfo"], &read["code"]) });
    assert_eq!(post(&url("mfaEnrollment:finalize"), finish).await.0, 200);
    let pending = crate::part::sign_in(&part.url, "Acme-demo-2026").await.1;
    let info = &pending["mfaInfo"][0];
    assert_eq!(info["phoneInfo"], "+*******0101");
    let start = json!({ "mfaPendingCredential": pending["mfaPendingCredential"],
        "mfaEnrollmentId": info["mfaEnrollmentId"], "phoneSignInInfo": {} });
    let started = post(&url("mfaSignIn:start"), start).await.1;
    let read = message(&part).await;
    let finish = json!({ "mfaPendingCredential": pending["mfaPendingCredential"],
        "phoneVerificationInfo": typed(&started["phoneResponseInfo"], &read["code"]) });
    let done = post(&url("mfaSignIn:finalize"), finish).await.1;
    let firebase = claims(&done["idToken"])["firebase"].clone();
    assert_eq!(
        (
            &firebase["sign_in_second_factor"],
            &firebase["second_factor_identifier"]
        ),
        (&json!("phone"), &info["mfaEnrollmentId"])
    );
}

#[tokio::test]
async fn a_link_in_a_mail_signs_in_a_new_user_and_an_old_one() {
    let part = Part::start("identity", &[]).await;
    let newest = async || {
        let url = format!("{}/emulator/v1/projects/demo-acme/oobCodes", part.url);
        get(&url).await["oobCodes"].as_array().unwrap().last().unwrap()["oobCode"].clone()
    };
    for (email, is_new) in [("new@x", true), ("new@x", false), ("shopper@acme.example", false)] {
        let ask = json!({ "requestType": "EMAIL_SIGNIN", "email": email });
        assert_eq!(part.call("sendOobCode", ask).await.0, 200);
        let asked = json!({ "email": email, "oobCode": newest().await });
        let (status, done) = part.call("signInWithEmailLink", asked.clone()).await;
        assert_eq!(
            (status, &done["isNewUser"]),
            (200, &json!(is_new)),
            "{email}: {done}"
        );
        assert_eq!(
            claims(&done["idToken"])["firebase"]["sign_in_provider"],
            "password"
        );
        assert_eq!(
            code(&part.call("signInWithEmailLink", asked).await),
            "400 INVALID_OOB_CODE"
        );
    }
    // a user who is signed in already gets the address
    let nobody = part.call("signUp", json!({})).await.1;
    part.call(
        "sendOobCode",
        json!({ "requestType": "EMAIL_SIGNIN", "email": "third@x" }),
    )
    .await;
    let asked = json!({ "email": "third@x", "oobCode": newest().await, "idToken": nobody["idToken"] });
    assert_eq!(
        part.call("signInWithEmailLink", asked).await.1["localId"],
        nobody["localId"]
    );
}

#[tokio::test]
async fn an_old_password_is_exchanged_for_a_new_one_without_a_mail() {
    let part = Part::start("identity", &[]).await;
    let exchange = |old: &str| json!({ "email": "shopper@acme.example", "oldPassword": old, "newPassword": "Another-one-2027" });
    let wrong = part.call("resetPassword", exchange("wrong")).await;
    assert_eq!(code(&wrong), "400 INVALID_LOGIN_CREDENTIALS");
    assert_eq!(
        part.call("resetPassword", exchange("Acme-demo-2026")).await.0,
        200
    );
    assert_eq!(crate::part::sign_in(&part.url, "Another-one-2027").await.0, 200);
}

#[tokio::test]
async fn what_is_public_is_told_to_everybody_with_a_key() {
    let part = Part::start("identity", &[]).await;
    let project = get(&format!("{}/v1/projects?key=k", part.url)).await;
    assert_eq!(
        (&project["projectId"], &project["authorizedDomains"][0]),
        (&json!("123456789012"), &json!("localhost"))
    );
    let captcha = get(&format!(
        "{}/v2/recaptchaConfig?key=k&clientType=CLIENT_TYPE_WEB",
        part.url
    ))
    .await;
    for provider in captcha["recaptchaEnforcementState"].as_array().unwrap() {
        assert_eq!(provider["enforcementState"], "OFF");
    }
    let site = get(&format!("{}/v1/recaptchaParams?key=k", part.url)).await;
    assert!(site["recaptchaSiteKey"].is_string());
    let old = format!(
        "{}/www.googleapis.com/identitytoolkit/v3/relyingparty/verifyPassword?key=k",
        part.url
    );
    let old = post(
        &old,
        json!({ "email": "shopper@acme.example", "password": "Acme-demo-2026" }),
    )
    .await;
    assert_eq!(old.1["registered"], true, "by the name that it had");
}
