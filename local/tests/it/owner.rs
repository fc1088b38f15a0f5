//! Identity Platform's stand-in: the calls of the project's owner, as Admin SDKs make them.

use serde_json::{Value, json};

use crate::part::{Part, claims, client, code, get, sign_in};

const ACCOUNTS: &str = "v1/projects/demo-acme/accounts";

async fn accounts(part: &Part, call: &str, body: Value) -> (u16, Value) {
    part.owner("POST", &format!("{ACCOUNTS}{call}"), body).await
}

async fn found(part: &Part, sought: Value) -> Vec<Value> {
    let answer = accounts(part, ":lookup", sought).await.1;
    answer["users"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn an_account_is_made_changed_and_deleted_without_a_token() {
    let part = Part::start("identity", &[]).await;
    let new = json!({ "localId": "chosen-id", "email": "New@acme.example", "password": "simple", "displayName": "New",
        "phoneNumber": "+1 650 555 0100", "photoUrl": "https://acme.example/new.png", "disabled": true });
    let (status, made) = accounts(&part, "", new.clone()).await;
    assert_eq!(
        (status, &made["localId"], made.get("idToken")),
        (200, &json!("chosen-id"), None)
    );
    for (change, expected) in [
        (json!({}), "400 DUPLICATE_LOCAL_ID"),
        (json!({ "localId": "other" }), "400 EMAIL_EXISTS"),
        (
            json!({ "localId": "other", "email": "x@acme.example" }),
            "400 PHONE_NUMBER_EXISTS",
        ),
        (json!({ "localId": "other", "email": "x" }), "400 INVALID_EMAIL"),
        (
            json!({ "localId": "other", "password": "short" }),
            "400 WEAK_PASSWORD",
        ),
    ] {
        let mut body = new.as_object().unwrap().clone();
        body.extend(change.as_object().unwrap().clone());
        assert_eq!(code(&accounts(&part, "", body.into()).await), expected);
    }
    let user = found(&part, json!({ "email": ["NEW@acme.example"] }))
        .await
        .remove(0);
    for (field, expected) in [
        ("localId", json!("chosen-id")),
        ("email", json!("new@acme.example")),
        ("phoneNumber", json!("+16505550100")),
        ("photoUrl", json!("https://acme.example/new.png")),
        ("disabled", json!(true)),
        ("emailVerified", json!(false)),
    ] {
        assert_eq!(user[field], expected, "{field}");
    }
    let link = json!({ "providerId": "google.com", "rawId": "g1", "email": "new@gmail.example" });
    let changes = json!({ "localId": "chosen-id", "disableUser": false, "emailVerified": true,
        "customAttributes": "{\"role\":\"admin\"}", "deleteAttribute": ["DISPLAY_NAME", "PHOTO_URL"],
        "deleteProvider": ["phone"], "linkProviderUserInfo": link,
        "mfa": { "enrollments": [{ "phoneInfo": "+16505550101", "displayName": "Work" }] } });
    assert_eq!(accounts(&part, ":update", changes).await.0, 200);
    let by_link = json!({ "federatedUserId": [{ "providerId": "google.com", "rawId": "g1" }] });
    let user = found(&part, by_link).await.remove(0);
    for gone in ["displayName", "photoUrl", "phoneNumber"] {
        assert_eq!(user.get(gone), None, "{gone}");
    }
    assert_eq!(user["mfaInfo"][0]["phoneInfo"], "+*******0101");
    let no_mfa = json!({ "localId": "chosen-id", "mfa": {} });
    accounts(&part, ":update", no_mfa).await;
    let signed_in = json!({ "email": "new@acme.example", "password": "simple" });
    let token = claims(&part.call("signInWithPassword", signed_in).await.1["idToken"]);
    assert_eq!(
        (&token["role"], &token["email_verified"]),
        (&json!("admin"), &json!(true))
    );
    for (attributes, expected) in [
        ("[]", "400 INVALID_CLAIMS"),
        ("{\"sub\":\"x\"}", "400 FORBIDDEN_CLAIM"),
    ] {
        let body = json!({ "localId": "chosen-id", "customAttributes": attributes });
        assert_eq!(code(&accounts(&part, ":update", body).await), expected);
    }
    let deleted = accounts(&part, ":delete", json!({ "localId": "chosen-id" })).await;
    assert_eq!(
        deleted.1["kind"], "identitytoolkit#DeleteAccountResponse",
        "an SDK relies on it"
    );
    let gone = accounts(&part, ":delete", json!({ "localId": "chosen-id" })).await;
    assert_eq!(code(&gone), "400 USER_NOT_FOUND");
    assert_eq!(found(&part, json!({ "localId": "chosen-id" })).await.len(), 0);
}

#[tokio::test]
async fn only_the_owner_of_this_project_is_answered() {
    let part = Part::start("identity", &[]).await;
    let url = format!("{}/{ACCOUNTS}:lookup", part.url);
    for (token, expected) in [
        ("nobody", "401 Request had invalid authentication credentials."),
        ("ya29.x", "200 "),
    ] {
        let answer = client().post(&url).bearer_auth(token).send().await.unwrap();
        let answer = (answer.status().as_u16(), answer.json().await.unwrap());
        assert!(code(&answer).starts_with(expected), "{answer:?}");
    }
    let other = part
        .owner("POST", "v1/projects/other/accounts:lookup", json!({}))
        .await;
    assert_eq!(code(&other), "400 PROJECT_NOT_FOUND");
    assert!(
        other.1.to_string().contains("--project other"),
        "it says what to do"
    );
}

#[tokio::test]
async fn all_accounts_are_listed_page_by_page_searched_and_counted() {
    let part = Part::start("identity", &[]).await;
    for name in ["a", "b", "c"] {
        let body = json!({ "localId": name, "email": format!("{name}@x"), "displayName": name });
        assert_eq!(accounts(&part, "", body).await.0, 200);
    }
    let mut ids = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("{ACCOUNTS}:batchGet?maxResults=3&nextPageToken={token}");
        let page = part.owner("GET", &path, json!({})).await.1;
        let users = page["users"].as_array().unwrap();
        ids.extend(
            users
                .iter()
                .map(|user| user["localId"].as_str().unwrap().to_owned()),
        );
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(ids, ["AcmeDemoShopper0000000000001", "a", "b", "c"]);

    let count = accounts(&part, ":query", json!({ "returnUserInfo": false }))
        .await
        .1;
    assert_eq!(count, json!({ "recordsCount": "4" }));
    let newest = json!({ "sortBy": "NAME", "order": "DESC", "limit": "1", "returnUserInfo": true });
    let newest = accounts(&part, ":query", newest).await.1;
    assert_eq!(newest["userInfo"][0]["localId"], "c");
    let one = accounts(&part, ":query", json!({ "expression": [{ "email": "B@X" }] }))
        .await
        .1;
    assert_eq!(
        (&one["recordsCount"], &one["userInfo"][0]["localId"]),
        (&json!("1"), &json!("b"))
    );
}

#[tokio::test]
async fn accounts_are_imported_and_deleted_many_at_once() {
    let part = Part::start("identity", &[]).await;
    // PBKDF2-HMAC-SHA256 of "imported" with the salt "salt" and 1000 rounds
    let users = json!([
        { "localId": "hashed", "email": "hashed@x", "salt": "c2FsdA==",
          "passwordHash": "6Rv9vH4G8JeeOZIOGT5GbcSFvm9E5TZTWUD5bUAFBZA" },
        { "localId": "raw", "email": "raw@x", "rawPassword": "imported", "createdAt": "1000000",
          "providerUserInfo": [{ "providerId": "google.com", "rawId": "g" }] },
        { "email": "no-id@x" },
        { "localId": "taken", "email": "shopper@acme.example" },
        { "localId": "claims", "customAttributes": "{\"iss\":1}" },
    ]);
    let import = |users: &Value, algorithm: &str| json!({ "users": users, "hashAlgorithm": algorithm, "rounds": 1000 });
    let done = accounts(&part, ":batchCreate", import(&users, "PBKDF2_SHA256"))
        .await
        .1;
    let errors = done["error"].as_array().unwrap();
    let errors: Vec<_> = errors
        .iter()
        .map(|error| {
            (
                error["index"].as_u64().unwrap(),
                error["message"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        errors,
        [
            (2, "localId is missing"),
            (3, "email exists in other account in database"),
            (4, "Custom claims provided include a reserved claim.")
        ]
    );
    for name in ["hashed", "raw"] {
        let sign_in = json!({ "email": format!("{name}@x"), "password": "imported" });
        assert_eq!(part.call("signInWithPassword", sign_in).await.0, 200, "{name}");
    }
    assert_eq!(
        found(&part, json!({ "localId": "raw" })).await[0]["createdAt"],
        "1000000"
    );
    let scrypt = accounts(&part, ":batchCreate", import(&users, "SCRYPT")).await.1;
    assert!(
        scrypt["error"][0]["message"].as_str().unwrap().contains("SCRYPT"),
        "{scrypt}"
    );

    let going = json!({ "localIds": ["hashed", "raw", "nobody"] });
    let kept = accounts(&part, ":batchDelete", going).await.1;
    assert_eq!(
        kept["errors"].as_array().unwrap().len(),
        2,
        "not disabled: {kept}"
    );
    let forced = json!({ "localIds": ["hashed", "raw", "nobody"], "force": true });
    assert_eq!(accounts(&part, ":batchDelete", forced).await, (200, json!({})));
    assert_eq!(
        found(&part, json!({ "localId": ["hashed", "raw"] })).await.len(),
        0
    );
    let nothing = accounts(&part, ":batchDelete", json!({})).await;
    assert_eq!(code(&nothing), "400 LOCAL_ID_LIST_EXCEEDS_LIMIT");
}

#[tokio::test]
async fn a_link_is_given_to_the_owner_and_no_mail_is_sent() {
    let part = Part::start("identity", &[]).await;
    let asked = json!({ "requestType": "PASSWORD_RESET", "email": "shopper@acme.example", "returnOobLink": true,
        "continueUrl": "https://acme.example/then" });
    let given = accounts(&part, ":sendOobCode", asked).await.1;
    let link = given["oobLink"].as_str().unwrap();
    assert!(
        link.contains("mode=resetPassword") && link.contains("continueUrl=https%3A%2F%2Facme.example%2Fthen"),
        "{link}"
    );
    let outbox = client().get(format!("{}/emulator/outbox", part.url));
    let outbox = outbox.send().await.unwrap().text().await.unwrap();
    assert!(outbox.contains("No mail has been sent"), "{outbox}");
    let set = json!({ "oobCode": given["oobCode"], "newPassword": "Another-one-2027" });
    assert_eq!(part.call("resetPassword", set).await.0, 200);
    for (body, expected) in [
        (
            json!({ "requestType": "PASSWORD_RESET", "email": "nobody@x" }),
            "EMAIL_NOT_FOUND",
        ),
        (json!({ "requestType": "PASSWORD_RESET" }), "MISSING_EMAIL"),
        (
            json!({ "requestType": "EMAIL_SIGNIN", "email": "a@x", "continueUrl": "nowhere" }),
            "INVALID_CONTINUE_URI",
        ),
    ] {
        let answer = accounts(&part, ":sendOobCode", body).await;
        assert_eq!(code(&answer), format!("400 {expected}"));
    }
}

#[tokio::test]
async fn a_session_cookie_says_what_the_token_says_and_has_keys_of_its_own() {
    let part = Part::start("identity", &[]).await;
    let token = sign_in(&part.url, "Acme-demo-2026").await.1["idToken"].clone();
    let path = "v1/projects/demo-acme:createSessionCookie";
    let asked = json!({ "idToken": token, "validDuration": "86400" });
    let cookie = part.owner("POST", path, asked).await.1["sessionCookie"].clone();
    let (said, of) = (claims(&cookie), claims(&token));
    assert_eq!(said["iss"], "https://session.firebase.google.com/demo-acme");
    assert_eq!(
        said["exp"].as_u64().unwrap() - said["iat"].as_u64().unwrap(),
        86400
    );
    for same in ["aud", "sub", "email", "auth_time", "firebase"] {
        assert_eq!(said[same], of[same], "{same}");
    }
    let keys = get(&format!(
        "{}/identitytoolkit.googleapis.com/v1/sessionCookiePublicKeys",
        part.url
    ))
    .await;
    let verify = |token: &Value, keys: &Value| {
        let token = jwt::Token::parse(token.as_str().unwrap()).unwrap();
        jwt::Jwks::parse(&keys.to_string()).unwrap().verify(&token)
    };
    assert_eq!(verify(&cookie, &keys), Ok(()));
    assert!(verify(&token, &keys).is_err());
    let certificates = get(&format!(
        "{}/www.googleapis.com/identitytoolkit/v3/relyingparty/publicKeys",
        part.url
    ))
    .await;
    let kid = keys["keys"][0]["kid"].as_str().unwrap();
    assert!(certificates[kid].as_str().unwrap().contains("BEGIN CERTIFICATE"));
    let session = part.call("lookup", json!({ "idToken": cookie })).await;
    assert_eq!(code(&session), "400 INVALID_ID_TOKEN", "a cookie is no ID token");
    for (asked, expected) in [
        (json!({}), "MISSING_ID_TOKEN"),
        (
            json!({ "idToken": token, "validDuration": 299 }),
            "INVALID_DURATION",
        ),
        (
            json!({ "idToken": token, "validDuration": 1_209_601 }),
            "INVALID_DURATION",
        ),
        (json!({ "idToken": "a.b.c" }), "INVALID_ID_TOKEN"),
    ] {
        assert_eq!(
            code(&part.owner("POST", path, asked).await),
            format!("400 {expected}")
        );
    }
}

#[tokio::test]
async fn the_configuration_is_productions() {
    let part = Part::start("identity", &[]).await;
    let path = "admin/v2/projects/demo-acme/config";
    let config = part.owner("GET", path, json!({})).await.1;
    assert_eq!(config["emailPrivacyConfig"]["enableImprovedEmailPrivacy"], true);
    let closed = json!({ "client": { "permissions": { "disabledUserSignup": true, "disabledUserDeletion": true } },
        "authorizedDomains": ["shop.example"] });
    let config = part.owner("PATCH", path, closed).await.1;
    assert_eq!(config["authorizedDomains"], json!(["shop.example"]));
    let new = json!({ "email": "new@x", "password": "Long-enough-1" });
    assert_eq!(code(&part.call("signUp", new).await), "400 ADMIN_ONLY_OPERATION");
    let token = sign_in(&part.url, "Acme-demo-2026").await.1["idToken"].clone();
    let delete = part.call("delete", json!({ "idToken": token })).await;
    assert_eq!(code(&delete), "400 ADMIN_ONLY_OPERATION");

    let open = json!({ "emailPrivacyConfig": { "enableImprovedEmailPrivacy": false } });
    part.owner("PATCH", path, open).await;
    assert_eq!(code(&sign_in(&part.url, "wrong").await), "400 INVALID_PASSWORD");
    let unknown = json!({ "email": "nobody@x", "password": "wrong" });
    assert_eq!(
        code(&part.call("signInWithPassword", unknown).await),
        "400 EMAIL_NOT_FOUND"
    );
    let change = json!({ "idToken": token, "email": "moved@x" });
    assert_eq!(part.call("update", change).await.1["email"], "moved@x");

    let weak = json!({ "email": "weak@x", "password": "simple" });
    let weak = async || part.call("signUp", weak.clone()).await;
    assert_eq!(code(&weak().await), "400 ADMIN_ONLY_OPERATION");
    let open = json!({ "client": { "permissions": { "disabledUserSignup": false } } });
    part.owner("PATCH", path, open).await;
    assert_eq!(code(&weak().await), "400 PASSWORD_DOES_NOT_MEET_REQUIREMENTS");
    let off = |state: &str| json!({ "passwordPolicyConfig": { "passwordPolicyEnforcementState": state } });
    assert_eq!(part.owner("PATCH", path, off("SOMETIMES")).await.0, 400);
    part.owner("PATCH", path, off("OFF")).await;
    assert_eq!(weak().await.0, 200);
    let policy = get(&format!("{}/v2/passwordPolicy?key=k", part.url)).await;
    assert_eq!(
        (
            &policy["enforcementState"],
            &policy["customStrengthOptions"]["minPasswordLength"]
        ),
        (&json!("OFF"), &json!(6))
    );
}

#[tokio::test]
async fn times_that_nobody_lives_to_see_are_no_trouble() {
    let part = Part::start("identity", &[]).await;
    let far = json!({ "localId": "AcmeDemoShopper0000000000001", "validSince": u64::MAX });
    assert_eq!(accounts(&part, ":update", far).await.0, 200);
    let token = sign_in(&part.url, "Acme-demo-2026").await.1["idToken"].clone();
    let password = json!({ "idToken": token, "password": "Another-one-1" });
    assert_eq!(part.call("update", password).await.0, 200);
    let users = json!([{ "localId": "old", "email": "old@x", "rawPassword": "imported", "createdAt": u64::MAX.to_string() }]);
    let import = json!({ "users": users });
    assert_eq!(accounts(&part, ":batchCreate", import).await.1.get("error"), None);
    let user = found(&part, json!({ "localId": "old" })).await.remove(0);
    assert_eq!(user["createdAt"], "253402300799000");
}
