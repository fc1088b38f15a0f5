//! Identity Platform's stand-in: what tests ask and change, which pages may call, and what the command line says.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::part::{Part, claims, client, code, get, post, sign_in};

const PASSWORD: &str = "Acme-demo-2026";
const JWKS: &str = "service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";

async fn refresh(part: &Part, token: &Value) -> (u16, Value) {
    let body = json!({ "grant_type": "refresh_token", "refresh_token": token });
    post(&format!("{}/v1/token?key=demo-key", part.url), body).await
}

#[tokio::test]
async fn a_token_ends_with_its_hour_and_one_from_the_past_has_ended_for_everybody() {
    let part = Part::start("identity", &[]).await;
    let before = sign_in(&part.url, PASSWORD).await.1;
    let ahead = json!({ "advance": 3601, "of": "tokens" });
    part.emulator("POST", "clock", ahead).await;
    for (call, body) in [
        ("lookup", json!({ "idToken": before["idToken"] })),
        (
            "update",
            json!({ "idToken": before["idToken"], "displayName": "x" }),
        ),
        ("delete", json!({ "idToken": before["idToken"] })),
        (
            "sendOobCode",
            json!({ "requestType": "VERIFY_EMAIL", "idToken": before["idToken"] }),
        ),
    ] {
        assert_eq!(code(&part.call(call, body).await), "400 TOKEN_EXPIRED", "{call}");
    }
    let renewed = refresh(&part, &before["refreshToken"]).await.1;
    let renewed = json!({ "idToken": renewed["id_token"] });
    assert_eq!(
        part.call("lookup", renewed).await.0,
        200,
        "a refresh is what helps"
    );

    part.emulator("DELETE", "clock", json!({})).await;
    let back = json!({ "advance": -7200, "of": "tokens" });
    let clock = part.emulator("POST", "clock", back).await.1;
    assert!(clock["tokens"].as_u64().unwrap() < clock["now"].as_u64().unwrap());
    // validSince is now, so the test user signs in no earlier; a new one does
    let new = json!({ "email": "past@x", "password": "Long-enough-1" });
    let past = claims(&part.call("signUp", new).await.1["idToken"]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    assert!(past["exp"].as_u64().unwrap() < now.unwrap().as_secs(), "{past}");
    let wrong = part
        .emulator("POST", "clock", json!({ "advance": 1, "of": "nothing" }))
        .await;
    assert_eq!(wrong.0, 400);
}

#[tokio::test]
async fn what_matters_is_done_only_soon_after_a_sign_in() {
    let part = Part::start("identity", &[]).await;
    let token = sign_in(&part.url, PASSWORD).await.1["idToken"].clone();
    part.emulator("POST", "clock", json!({ "advance": 301, "of": "tokens" }))
        .await;
    for (call, body) in [
        ("update", json!({ "idToken": token, "password": "Another-one-1" })),
        ("delete", json!({ "idToken": token })),
    ] {
        let old = part.call(call, body).await;
        assert_eq!(code(&old), "400 CREDENTIAL_TOO_OLD_LOGIN_AGAIN", "{call}");
    }
    let name = json!({ "idToken": token, "displayName": "Sam" });
    assert_eq!(part.call("update", name).await.0, 200, "a name is no such thing");
    let token = sign_in(&part.url, PASSWORD).await.1["idToken"].clone();
    let password = json!({ "idToken": token, "password": "Another-one-1" });
    assert_eq!(part.call("update", password).await.0, 200);
}

#[tokio::test]
async fn what_others_choose_has_its_size() {
    let part = Part::start("identity", &[]).await;
    let token = sign_in(&part.url, PASSWORD).await.1["idToken"].clone();
    let name = json!({ "idToken": token, "displayName": "x".repeat(2049) });
    assert_eq!(code(&part.call("update", name).await), "400 INVALID_ARGUMENT");
    let large = json!({ "idToken": token, "ignored": "x".repeat(64 * 1024) });
    assert_eq!(part.call("lookup", large).await.0, 413);
    let import = json!({ "users": [{ "localId": "a" }], "ignored": "x".repeat(64 * 1024) });
    let path = "v1/projects/demo-acme/accounts:batchCreate";
    assert_eq!(
        part.owner("POST", path, import).await.0,
        200,
        "the owner's may be larger"
    );
}

#[tokio::test]
async fn signing_moves_to_a_key_that_is_known_or_to_one_that_is_not() {
    let part = Part::start("identity", &[]).await;
    let keys = async || get(&format!("{}/{JWKS}", part.url)).await["keys"].clone();
    let kid = |token: &Value| {
        let token = jwt::Token::parse(token.as_str().unwrap()).unwrap();
        json!(token.key_id().unwrap())
    };
    let first = sign_in(&part.url, PASSWORD).await.1["idToken"].clone();
    let at_first = keys().await;
    assert_eq!(
        (kid(&first), at_first.as_array().unwrap().len()),
        (at_first[0]["kid"].clone(), 2)
    );

    let rotated = part.emulator("POST", "keys:rotate", json!({})).await.1;
    assert_eq!(
        (&rotated["keys"][0], &rotated["keys"][1]),
        (&at_first[1], &at_first[0]),
        "both were known before"
    );
    let second = sign_in(&part.url, PASSWORD).await.1["idToken"].clone();
    assert_eq!(kid(&second), at_first[1]["kid"]);
    assert_eq!(part.call("lookup", json!({ "idToken": first })).await.0, 200);

    part.emulator("POST", "keys:rotate", json!({ "fresh": true }))
        .await;
    let fresh = keys().await;
    assert!(
        !at_first.as_array().unwrap().contains(&fresh[0]),
        "nobody has seen it"
    );
    assert_eq!(fresh[1], at_first[1], "what signed until now stays");
    assert_eq!(part.call("lookup", json!({ "idToken": second })).await.0, 200);
    assert_eq!(
        code(&part.call("lookup", json!({ "idToken": first })).await),
        "400 INVALID_ID_TOKEN"
    );
    let certificates = get(&format!(
        "{}/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com",
        part.url
    ))
    .await;
    assert!(certificates.get(fresh[0]["kid"].as_str().unwrap()).is_some());

    let folder = part.folder.clone();
    drop(part);
    let part = Part::start_in(folder, "identity", &[]).await;
    assert_eq!(
        get(&format!("{}/{JWKS}", part.url)).await["keys"],
        fresh,
        "it is kept"
    );
}

#[tokio::test]
async fn faults_come_where_and_as_often_as_they_were_asked_for() {
    let part = Part::start("identity", &[]).await;
    let signed_in = sign_in(&part.url, PASSWORD).await.1;
    let quota = json!({ "call": "token", "status": 429, "retryAfter": 7, "times": 1 });
    assert_eq!(part.emulator("POST", "faults", quota).await.0, 200);
    let url = format!("{}/securetoken.googleapis.com/v1/token?key=demo-key", part.url);
    let refused = client().post(&url).send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(refresh(&part, &signed_in["refreshToken"]).await.0, 200, "once");

    let blocking = json!({ "call": "accounts:signUp",
        "blockingFunction": { "message": "Only <b>staff</b>", "status": "PERMISSION_DENIED" } });
    part.emulator("POST", "faults", blocking).await;
    let new = json!({ "email": "new@x", "password": "Long-enough-1" });
    for _ in 0..2 {
        let refused = part.call("signUp", new.clone()).await;
        assert_eq!(code(&refused), "400 BLOCKING_FUNCTION_ERROR_RESPONSE");
        let message = refused.1["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("returned an error: {\"error\":{\"message\":\"Only <b>staff</b>\""),
            "{message}"
        );
    }
    let late = json!({ "call": "accounts:lookup", "latencyMs": 300, "times": 1 });
    let listed = part.emulator("POST", "faults", late).await.1;
    assert_eq!(listed["faults"].as_array().unwrap().len(), 2);
    let began = Instant::now();
    let found = part
        .call("lookup", json!({ "idToken": signed_in["idToken"] }))
        .await;
    assert_eq!(found.0, 200, "late, and right");
    assert!(began.elapsed() >= Duration::from_millis(300));

    part.emulator("DELETE", "faults", json!({})).await;
    assert_eq!(part.call("signUp", new).await.0, 200);
    let keys = json!({ "call": "securetoken@system.gserviceaccount.com", "status": 503 });
    part.emulator("POST", "faults", keys).await;
    for prefix in ["", "www.googleapis.com/"] {
        let url = format!("{}/{prefix}{JWKS}", part.url);
        assert_eq!(client().get(url).send().await.unwrap().status(), 503);
    }
    let wrong = part
        .emulator("POST", "faults", json!({ "call": "*", "latencyMs": 30_001 }))
        .await;
    assert!(code(&wrong).contains("latencyMs is 30000 at most"), "{wrong:?}");
}

#[tokio::test]
async fn pages_of_this_machine_may_call_and_others_may_not() {
    let part = Part::start("identity", &[]).await;
    let url = format!(
        "{}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=k",
        part.url
    );
    let from = async |origin: &str| {
        let asked = client()
            .request(reqwest::Method::OPTIONS, &url)
            .header("origin", origin);
        asked
            .header("access-control-request-headers", "content-type,x-client-version")
            .send()
            .await
            .unwrap()
    };
    let ours = from("http://localhost:3000").await;
    assert_eq!(ours.status(), 204);
    assert_eq!(
        ours.headers()["access-control-allow-origin"],
        "http://localhost:3000"
    );
    assert_eq!(
        ours.headers()["access-control-allow-headers"],
        "content-type,x-client-version"
    );
    assert_eq!(from("https://evil.example").await.status(), 403);
    let clock = client().post(format!("{}/emulator/v1/clock", part.url));
    let clock = clock
        .header("origin", "null")
        .body("{\"advance\":1}")
        .send()
        .await
        .unwrap();
    assert_eq!(clock.status(), 403, "no preflight would have stopped it");
    let shop = json!({ "authorizedDomains": ["shop.example"] });
    part.owner("PATCH", "v2/projects/demo-acme/config", shop).await;
    assert_eq!(from("https://shop.example").await.status(), 204);
}

#[tokio::test]
async fn an_own_project_has_its_own_name_page_and_accounts() {
    let folder = crate::harness::Folder::new();
    let own = ["--project", "my-app", "--tenant", "retail"];
    let part = Part::start_in(folder.clone(), "identity", &own).await;
    assert_eq!(get(&part.url).await["authEmulator"]["project"], "my-app");
    assert_eq!(
        code(&sign_in(&part.url, PASSWORD).await),
        "400 INVALID_LOGIN_CREDENTIALS",
        "nobody is there"
    );
    let new = json!({ "email": "new@x", "password": "Long-enough-1" });
    let token = part.call("signUp", new).await.1["idToken"].clone();
    assert_eq!(claims(&token)["iss"], "https://securetoken.google.com/my-app");
    let tenant = json!({ "email": "new@x", "password": "Long-enough-1", "tenantId": "retail" });
    assert_eq!(part.call("signUp", tenant).await.0, 200);

    part.call(
        "sendOobCode",
        json!({ "requestType": "VERIFY_EMAIL", "idToken": token }),
    )
    .await;
    let codes = get(&format!("{}/emulator/v1/projects/my-app/oobCodes", part.url)).await;
    let link = codes["oobCodes"][0]["oobLink"].as_str().unwrap().to_owned();
    assert!(
        link.starts_with(&format!("{}/emulator/action?mode=verifyEmail", part.url)),
        "{link}"
    );
    let done = get(&link).await;
    assert_eq!(done["authEmulator"]["email"], "new@x");
    let user = part.call("lookup", json!({ "idToken": token })).await.1["users"][0].clone();
    assert_eq!(user["emailVerified"], true);

    let ask = json!({ "requestType": "PASSWORD_RESET", "email": "new@x", "continueUrl": "http://localhost:3000/then" });
    part.call("sendOobCode", ask).await;
    let codes = get(&format!("{}/emulator/v1/projects/my-app/oobCodes", part.url)).await;
    let link = codes["oobCodes"][0]["oobLink"].as_str().unwrap().to_owned();
    let form = client().get(&link).send().await.unwrap().text().await.unwrap();
    assert!(form.contains("<label for=\"password\">"), "{form}");
    let sent = client()
        .get(format!("{link}&newPassword=Another-one-1"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (sent.status().as_u16(), &sent.headers()["location"]),
        (303, &"http://localhost:3000/then".parse().unwrap())
    );
    drop(part);
    let ours = Part::start_in(folder, "identity", &[]).await;
    let other = json!({ "email": "new@x", "password": "Another-one-1" });
    assert_eq!(
        code(&ours.call("signInWithPassword", other).await),
        "400 INVALID_LOGIN_CREDENTIALS"
    );
}

#[tokio::test]
async fn tokens_without_a_signature_are_only_for_those_who_ask() {
    let part = Part::start("identity", &["--unsigned"]).await;
    let token = sign_in(&part.url, PASSWORD).await.1["idToken"].clone();
    let text = token.as_str().unwrap();
    assert!(text.ends_with('.') && text.split('.').count() == 3, "{text}");
    assert_eq!(part.call("lookup", json!({ "idToken": token })).await.0, 200);
    assert_eq!(get(&part.url).await["authEmulator"]["signedTokens"], false);

    let strict = Part::start("identity", &[]).await;
    let refused = strict.call("lookup", json!({ "idToken": token })).await;
    assert_eq!(code(&refused), "400 INVALID_ID_TOKEN");
}

#[tokio::test]
async fn the_page_for_browsers_may_have_another_address() {
    let part = Part::start("identity", &["--public-url", "https://id.acme.example/"]).await;
    let asked = json!({ "providerId": "google.com", "continueUri": "http://localhost/back" });
    let uri = part.call("createAuthUri", asked).await.1["authUri"].clone();
    assert!(
        uri.as_str()
            .unwrap()
            .starts_with("https://id.acme.example/emulator/idp/"),
        "{uri}"
    );
}
