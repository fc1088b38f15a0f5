//! Identity Platform's stand-in: the second step, with a real authenticator's codes.

use serde_json::{Value, json};

use crate::authenticator;
use crate::part::{Part, code, get, post, sign_in};

const PASSWORD: &str = "Acme-demo-2026";

async fn call(part: &Part, name: &str, body: Value) -> (u16, Value) {
    post(&format!("{}/v2/accounts/{name}?key=demo-key", part.url), body).await
}

async fn id_token(part: &Part) -> Value {
    sign_in(&part.url, PASSWORD).await.1["idToken"].clone()
}

/// The test user gets a second step; its secret.
async fn enrolled(part: &Part) -> String {
    let token = id_token(part).await;
    let asked = json!({ "idToken": token, "totpEnrollmentInfo": {} });
    let (status, begun) = call(part, "mfaEnrollment:start", asked).await;
    let info = &begun["totpSessionInfo"];
    assert_eq!(
        (status, &info["periodSec"], &info["verificationCodeLength"]),
        (200, &json!(30), &json!(6))
    );
    let secret = info["sharedSecretKey"].as_str().unwrap().to_owned();
    let finish = |code: &str| {
        json!({ "idToken": token, "displayName": "Phone",
            "totpVerificationInfo": { "sessionInfo": info["sessionInfo"], "verificationCode": code } })
    };
    let wrong = call(part, "mfaEnrollment:finalize", finish("000")).await;
    assert_eq!(code(&wrong), "400 INVALID_CODE");
    let right = authenticator::code(&secret, 0);
    let done = call(part, "mfaEnrollment:finalize", finish(&right)).await;
    assert_eq!(
        (done.0, done.1["totpAuthInfo"].is_object()),
        (200, true),
        "{done:?}"
    );
    secret
}

fn finish(pending: &Value, typed: &str) -> Value {
    json!({ "mfaPendingCredential": pending["mfaPendingCredential"],
        "mfaEnrollmentId": pending["mfaInfo"][0]["mfaEnrollmentId"],
        "totpVerificationInfo": { "verificationCode": typed } })
}

#[tokio::test]
async fn a_second_step_is_asked_for_from_its_enrolment_to_its_withdrawal() {
    let part = Part::start("identity", &[]).await;
    let secret = enrolled(&part).await;
    let (status, pending) = sign_in(&part.url, PASSWORD).await;
    assert_eq!((status, pending.get("idToken")), (200, None));
    assert_eq!(pending["mfaInfo"][0]["displayName"], "Phone");

    let typed = authenticator::code(&secret, 1);
    let (status, done) = call(&part, "mfaSignIn:finalize", finish(&pending, &typed)).await;
    assert_eq!(status, 200, "a clock that is 30 s ahead is forgiven: {done}");
    let claims = jwt::Token::parse(done["idToken"].as_str().unwrap())
        .unwrap()
        .into_claims();
    assert_eq!(claims["firebase"]["sign_in_second_factor"], "totp");
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": done["refreshToken"] });
    let url = format!("{}/v1/token?key=demo-key", part.url);
    let renewed = post(&url, refresh).await.1;
    let renewed = jwt::Token::parse(renewed["id_token"].as_str().unwrap())
        .unwrap()
        .into_claims();
    assert_eq!(
        renewed["firebase"]["second_factor_identifier"],
        pending["mfaInfo"][0]["mfaEnrollmentId"]
    );

    let again = sign_in(&part.url, PASSWORD).await.1;
    let replayed = call(&part, "mfaSignIn:finalize", finish(&again, &typed)).await;
    assert_eq!(code(&replayed), "400 INVALID_CODE", "a code works once");

    let second = json!({ "idToken": done["idToken"], "totpEnrollmentInfo": {} });
    let second = call(&part, "mfaEnrollment:start", second).await;
    assert_eq!(code(&second), "400 SECOND_FACTOR_EXISTS");
    let asked =
        json!({ "idToken": done["idToken"], "mfaEnrollmentId": pending["mfaInfo"][0]["mfaEnrollmentId"] });
    assert_eq!(call(&part, "mfaEnrollment:withdraw", asked).await.0, 200);
    assert!(sign_in(&part.url, PASSWORD).await.1["idToken"].is_string());
}

#[tokio::test]
async fn both_steps_have_their_time_and_their_order() {
    let part = Part::start("identity", &[]).await;
    let secret = enrolled(&part).await;
    let nobody = json!({ "totpVerificationInfo": { "verificationCode": "123456" } });
    assert_eq!(
        code(&call(&part, "mfaSignIn:finalize", nobody).await),
        "400 MISSING_MFA_PENDING_CREDENTIAL"
    );
    let pending = sign_in(&part.url, PASSWORD).await.1;
    let old = call(
        &part,
        "mfaSignIn:finalize",
        finish(&pending, &authenticator::code(&secret, -3)),
    )
    .await;
    assert_eq!(code(&old), "400 INVALID_CODE");
    post(
        &format!("{}/emulator/v1/clock", part.url),
        json!({ "advance": 301 }),
    )
    .await;
    let late = call(
        &part,
        "mfaSignIn:finalize",
        finish(&pending, &authenticator::code(&secret, 10)),
    )
    .await;
    assert_eq!(code(&late), "400 INVALID_MFA_PENDING_CREDENTIAL");
}

#[tokio::test]
async fn an_address_that_is_not_verified_gets_no_second_step() {
    let part = Part::start("identity", &[]).await;
    let new = json!({ "email": "new@acme.example", "password": "Another-one-2027" });
    let token = post(&format!("{}/v1/accounts:signUp?key=demo-key", part.url), new)
        .await
        .1["idToken"]
        .clone();
    let asked = json!({ "idToken": token, "totpEnrollmentInfo": {} });
    assert_eq!(
        code(&call(&part, "mfaEnrollment:start", asked).await),
        "400 UNVERIFIED_EMAIL"
    );
    let text_message = json!({ "idToken": id_token(&part).await, "phoneEnrollmentInfo": {} });
    assert_eq!(call(&part, "mfaEnrollment:start", text_message).await.0, 400);
    assert!(get(&part.url).await["authEmulator"]["ready"].as_bool().unwrap());
}

#[tokio::test]
async fn whoever_did_not_add_a_second_step_is_told_and_removes_it() {
    let part = Part::start("identity", &[]).await;
    enrolled(&part).await;
    let taken = id_token(&part).await;
    assert!(taken.is_null(), "the second step is asked for");
    let codes = get(&format!("{}/emulator/v1/projects/demo-acme/oobCodes", part.url)).await;
    let mail = codes["oobCodes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(mail["requestType"], "REVERT_SECOND_FACTOR_ADDITION");
    assert!(
        mail["oobLink"]
            .as_str()
            .unwrap()
            .contains("mode=revertSecondFactorAddition")
    );
    let shown = part
        .call("resetPassword", json!({ "oobCode": mail["oobCode"] }))
        .await
        .1;
    assert_eq!(shown["mfaInfo"]["displayName"], "Phone");
    let done = part.call("update", json!({ "oobCode": mail["oobCode"] })).await;
    assert_eq!(done.0, 200);
    assert!(id_token(&part).await.is_string());
}
