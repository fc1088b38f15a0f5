//! Sign-in with a provider inside Identity Platform: there, back, and everything that a return can mean.

use reqwest::Url;
use serde_json::{Value, json};

use crate::harness::{Answer, Browser, EMAIL, Key, PASSWORD, Page, Seen, World, id_claims, identity_rule};

const IDP: &str = "accounts:signInWithIdp";

/// Identity Platform with providers: every `createAuthUri` has a state of its own, and a return is answered so.
fn providers(world: &World, returned: Answer) {
    let usual = identity_rule(Key::a(), 3600, 3600);
    world.identity.answers(move |seen: &Seen| {
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match seen.uri.rsplit_once('/').unwrap().1 {
            "accounts:createAuthUri" => {
                // as long and as alike as the real ones begin
                let state = format!("AMbdmDkAAAAAAAAAAAAA-{}", asked["sessionId"].as_str().unwrap());
                let uri = format!("https://provider.example/authorize?scope=openid&state={state}");
                Answer::json(200, &json!({"authUri": uri, "sessionId": asked["sessionId"]}))
            }
            IDP if asked.get("pendingToken").is_some() => match asked["pendingToken"] == pending() {
                true => Answer::json(200, &tokens()),
                false => Answer::refusal(400, "INVALID_PENDING_TOKEN"),
            },
            IDP => returned.clone(),
            "accounts:update" => Answer::json(200, &json!({})),
            _ => usual(seen),
        }
    });
}

fn tokens() -> Value {
    json!({"idToken": Key::a().id_token(3600), "refreshToken": "refresh-idp", "email": EMAIL,
        "providerId": "google.com"})
}

/// Longer than a cookie may be, as those of real providers can be.
fn pending() -> String {
    format!("pending-1-{}", "x".repeat(4000))
}

fn entered() -> Answer {
    Answer::json(200, &tokens())
}

fn confirm(verified: &Value) -> Answer {
    Answer::json(
        200,
        &json!({"needConfirmation": true, "email": EMAIL, "providerId": "google.com",
        "verifiedProvider": verified, "pendingToken": pending()}),
    )
}

async fn world(returned: Answer) -> World {
    let world = World::with_env(&[("IDENTITY_PROVIDERS", "google.com, oidc.staff")]).await;
    providers(&world, returned);
    world
}

/// What the front end asked.
fn asked(world: &World, call: &str) -> Vec<Value> {
    let calls = world.identity.asked(call);
    calls
        .iter()
        .map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect()
}

/// Goes to the provider; yields the way back.
async fn there(browser: &mut Browser, path: &str) -> String {
    let page = browser.get(path).await;
    assert_eq!(page.status, 303, "{}", page.body);
    let way = Url::parse(page.location().unwrap()).unwrap();
    assert_eq!(way.host_str(), Some("provider.example"));
    let state = way.query_pairs().find(|(name, _)| name == "state").unwrap().1;
    format!("/sign-in/federated/callback?state={state}&code=code-1")
}

async fn there_and_back(browser: &mut Browser) -> Page {
    let back = there(browser, "/sign-in/federated/google.com").await;
    browser.get(&back).await
}

#[tokio::test]
async fn a_user_of_a_provider_is_a_user_of_identity_platform() {
    let world = world(entered()).await;
    let mut browser = world.browser();
    let page = browser.get("/").await;
    assert!(
        page.says("href=\"/sign-in/federated/google.com\"") && page.says("Continue with Google"),
        "{}",
        page.body
    );
    assert!(page.says("Continue with staff"));
    let back = there(&mut browser, "/sign-in/federated/google.com?next=/account").await;
    let page = browser.get(&back).await;
    assert_eq!(
        (page.status, page.location()),
        (303, Some("/account")),
        "{}",
        page.body
    );
    assert_eq!(
        browser.cookies.keys().collect::<Vec<_>>(),
        ["session"],
        "the attempt is over"
    );
    let begun = &asked(&world, "createAuthUri")[0];
    let callback = format!("http://{}/sign-in/federated/callback", world.address);
    assert_eq!(begun["continueUri"], callback);
    assert_eq!(
        begun["authFlowType"], "CODE_FLOW",
        "Google answers in the fragment otherwise"
    );
    let returned = &asked(&world, IDP)[0];
    assert_eq!(returned["sessionId"], begun["sessionId"]);
    let query = back.split_once('?').unwrap().1;
    assert_eq!(
        returned["requestUri"],
        format!("{callback}?{query}"),
        "the whole of it"
    );
    assert!(browser.get("/").await.says("Hello World"));
    assert_eq!(browser.get(&back).await.status, 422, "an attempt is used once");
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_began_and_to_no_other() {
    let world = world(entered()).await;
    let mut browser = world.browser();
    let back = there(&mut browser, "/sign-in/federated/google.com").await;
    let page = world.browser().get(&back).await;
    assert!(
        page.status == 422 && page.says("That took too long"),
        "{}",
        page.body
    );
    // the attempt of another browser under this one's name
    let mut other = world.browser();
    there(&mut other, "/sign-in/federated/google.com").await;
    let (name, _) = browser.cookies.first_key_value().unwrap();
    let stolen = other.cookies.values().next().unwrap().clone();
    let mut mixed = world.browser();
    mixed.cookies.insert(name.clone(), stolen);
    assert_eq!(mixed.get(&back).await.status, 422);
    assert_eq!(browser.get("/sign-in/federated/callback").await.status, 422);
    assert!(asked(&world, IDP).is_empty(), "nobody was asked");
    assert_eq!(
        world.browser().get("/sign-in/federated/github.com").await.status,
        404
    );
    assert_eq!(
        browser.get(&back).await.status,
        303,
        "and it is good where it belongs"
    );
}

#[tokio::test]
async fn several_tabs_may_be_at_it_but_not_any_number() {
    let world = world(entered()).await;
    let mut browser = world.browser();
    let mut backs = Vec::new();
    for _ in 0..3 {
        backs.push(there(&mut browser, "/sign-in/federated/google.com").await);
    }
    for back in &backs {
        assert_eq!(browser.get(back).await.status, 303, "{back}");
    }
    for _ in 0..20 {
        there(&mut browser, "/sign-in/federated/oidc.staff").await;
    }
    assert!(browser.cookies.len() <= 6, "{:?}", browser.cookies.keys());
}

#[tokio::test]
async fn turning_back_at_the_provider_is_no_error() {
    let world = world(entered()).await;
    let mut browser = world.browser();
    let back = there(&mut browser, "/sign-in/federated/google.com?next=/account").await;
    let page = browser
        .get(&back.replace("code=code-1", "error=access_denied"))
        .await;
    assert!(
        page.status == 200 && page.says("The sign-in was not finished") && page.says("value=\"/account\""),
        "{}",
        page.body
    );
    let back = there(&mut browser, "/sign-in/federated/google.com").await;
    let page = browser
        .get(&back.replace("code=code-1", "error=server_error"))
        .await;
    assert!(
        page.status == 422 && page.says("That sign-in did not finish"),
        "{}",
        page.body
    );
    assert!(browser.cookies.is_empty() && asked(&world, IDP).is_empty());
}

#[tokio::test]
async fn every_no_has_its_page_and_its_status() {
    let other = |claims: Value| {
        let mut all = id_claims(3600);
        let (all_claims, changed) = (all.as_object_mut().unwrap(), claims.as_object().unwrap());
        all_claims.extend(changed.clone());
        Answer::json(
            200,
            &json!({"idToken": Key::a().sign(&all), "refreshToken": "r", "email": EMAIL}),
        )
    };
    let blocked = "BLOCKING_FUNCTION_ERROR_RESPONSE : HTTP Cloud Function returned an error: \
                   {\"error\":{\"message\":\"<b>Not you</b>\"}}";
    for (answer, status, text) in [
        (
            other(json!({"aud": "another-project"})),
            502,
            "could not be confirmed",
        ),
        (
            other(json!({"iss": "https://accounts.google.com"})),
            502,
            "could not be confirmed",
        ),
        (
            Answer::json(200, &json!({"email": EMAIL})),
            422,
            "Sign-in was refused",
        ),
        (
            Answer::json(
                200,
                &json!({"errorMessage": "FEDERATED_USER_ID_ALREADY_LINKED", "idToken": "x", "refreshToken": "y"}),
            ),
            422,
            "belongs to somebody else",
        ),
        (
            Answer::json(200, &json!({"errorMessage": "EMAIL_EXISTS"})),
            422,
            "belongs to somebody else",
        ),
        (
            Answer::json(
                200,
                &json!({"providerId": "github.com", "idToken": "x", "refreshToken": "y"}),
            ),
            422,
            "did not finish",
        ),
        (
            Answer::json(200, &json!({"needConfirmation": true})),
            422,
            "Sign-in was refused",
        ),
        (
            Answer::refusal(400, "MISSING_EMAIL"),
            422,
            "Your address is missing",
        ),
        (
            Answer::refusal(400, "INVALID_IDP_RESPONSE : the code is over"),
            422,
            "did not finish",
        ),
        (Answer::refusal(400, "USER_DISABLED"), 422, "turned off"),
        (
            Answer::refusal(400, "OPERATION_NOT_ALLOWED"),
            503,
            "not set up correctly",
        ),
        (
            Answer::refusal(400, blocked),
            422,
            "&#60;b&#62;Not you&#60;/b&#62;",
        ),
        (Answer::html(500), 503, "not available right now"),
        (Answer::plain(200, "nonsense"), 503, "not available right now"),
    ] {
        let shown = format!("{answer:?}");
        let world = world(answer).await;
        let mut browser = world.browser();
        let page = there_and_back(&mut browser).await;
        assert!(
            page.status == status && page.says(text),
            "{shown}: {} {}",
            page.status,
            page.body
        );
        assert!(browser.cookies.is_empty() && !page.says("<b>Not"), "{shown}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_gone_to_is_not_gone_to() {
    let world = world(entered()).await;
    for uri in [
        "",
        "javascript:alert(1)",
        "https://provider.example/no-state",
        "ftp://a.example/?state=1",
    ] {
        world.identity.says(Answer::json(200, &json!({"authUri": uri})));
        let page = world.browser().get("/sign-in/federated/google.com").await;
        assert!(
            page.status == 503 && page.location().is_none(),
            "{uri}: {}",
            page.body
        );
    }
    world
        .identity
        .says(Answer::refusal(400, "UNAUTHORIZED_DOMAIN : not ours"));
    let page = world.browser().get("/sign-in/federated/google.com").await;
    assert!(
        page.status == 503 && page.says("not set up correctly"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_second_step_is_asked_for_after_the_provider_too() {
    let factor = json!({"mfaEnrollmentId": "factor-1", "totpInfo": {}});
    let returned = json!({"mfaPendingCredential": "pending", "mfaInfo": [factor], "email": EMAIL});
    let world = world(Answer::json(200, &returned)).await;
    let mut browser = world.browser();
    let page = there_and_back(&mut browser).await;
    assert_eq!(
        (page.status, page.location()),
        (303, Some("/sign-in/code")),
        "{}",
        page.body
    );
    assert!(browser.cookie("session").is_none());
    assert!(browser.get("/sign-in/code").await.says(EMAIL));
}

#[tokio::test]
async fn whose_account_it_is_is_shown_with_its_password() {
    let world = world(confirm(&json!([]))).await;
    let mut browser = world.browser();
    let back = there(&mut browser, "/sign-in/federated/google.com?next=/account").await;
    let page = browser.get(&back).await;
    let connect = "/sign-in/federated/connect";
    assert_eq!(
        (page.status, page.location()),
        (303, Some(connect)),
        "{}",
        page.body
    );
    assert_eq!(
        browser.cookies.keys().collect::<Vec<_>>(),
        ["connect", "connect.1"],
        "nobody is signed in"
    );
    let page = browser.get(connect).await;
    assert!(
        page.says("has an account already") && page.says(EMAIL) && !page.says("pending-1"),
        "{}",
        page.body
    );
    for wrong in ["", "wrong"] {
        let page = browser.post(connect, &[("password", wrong)]).await;
        assert!(
            page.status == 422 && page.says("name=\"password\""),
            "{}",
            page.body
        );
    }
    assert_eq!(asked(&world, IDP).len(), 1, "nothing is connected");
    let page = browser.post(connect, &[("password", PASSWORD)]).await;
    assert_eq!(
        (page.status, page.location()),
        (303, Some("/account")),
        "{}",
        page.body
    );
    let connected = &asked(&world, IDP)[1];
    assert!(connected["idToken"].is_string() && connected["pendingToken"] == pending());
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["session"]);
    assert_eq!(browser.get(connect).await.location(), Some("/"), "it is over");
}

#[tokio::test]
async fn guessing_the_password_there_is_paused() {
    let world = world(confirm(&json!([]))).await;
    let mut browser = world.browser();
    there_and_back(&mut browser).await;
    let mut last = 0;
    for _ in 0..21 {
        last = browser
            .post("/sign-in/federated/connect", &[("password", "wrong")])
            .await
            .status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn another_provider_may_show_whose_account_it_is() {
    let world = world(confirm(&json!(["oidc.staff"]))).await;
    let mut browser = world.browser();
    there_and_back(&mut browser).await;
    let page = browser.get("/sign-in/federated/connect").await;
    let other = "/sign-in/federated/oidc.staff?next=/sign-in/federated/connect";
    assert!(
        page.says(&format!("href=\"{other}\"")) && !page.says("name=\"password\""),
        "{}",
        page.body
    );
    let mut staff = tokens();
    staff["providerId"] = "oidc.staff".into();
    providers(&world, Answer::json(200, &staff));
    let back = there(&mut browser, other).await;
    assert_eq!(
        browser.get(&back).await.location(),
        Some("/sign-in/federated/connect")
    );
    let page = browser.get("/sign-in/federated/connect").await;
    assert!(
        page.says("Connect Google") && !page.says("name=\"password\""),
        "{}",
        page.body
    );
    let page = browser.post("/sign-in/federated/connect", &[]).await;
    assert_eq!((page.status, page.location()), (303, Some("/")), "{}", page.body);
}

/// The account with these ways in.
fn account(world: &World, ways: &'static [&'static str], returned: Answer) {
    let usual = identity_rule(Key::a(), 3600, 3600);
    world.identity.answers(move |seen: &Seen| {
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match seen.uri.rsplit_once('/').unwrap().1 {
            "accounts:lookup" => {
                let ways: Vec<_> = ways.iter().map(|id| json!({"providerId": id})).collect();
                Answer::json(
                    200,
                    &json!({"users": [{"email": EMAIL, "emailVerified": true, "providerUserInfo": ways}]}),
                )
            }
            "accounts:createAuthUri" => {
                let uri = format!(
                    "https://provider.example/?state={}",
                    asked["sessionId"].as_str().unwrap()
                );
                Answer::json(200, &json!({"authUri": uri}))
            }
            IDP => returned.clone(),
            "accounts:update" => Answer::json(200, &json!({})),
            _ => usual(seen),
        }
    });
}

#[tokio::test]
async fn a_provider_is_added_to_the_account_of_who_began() {
    let world = world(entered()).await;
    let mut browser = world.signed_in().await;
    account(&world, &["password"], entered());
    assert!(
        browser
            .get("/account")
            .await
            .says("href=\"/account/providers/google.com\"")
    );
    let mut led = browser.clone().sending("sec-fetch-site", "cross-site");
    assert_eq!(
        led.get("/account/providers/google.com").await.location(),
        Some("/account")
    );
    let back = there(&mut browser, "/account/providers/google.com").await;
    let session = browser.cookies.remove("session").unwrap();
    let mut signed_out = browser.clone();
    assert_eq!(signed_out.get(&back).await.status, 422, "nobody to add it to");
    browser.cookies.insert("session".into(), session);
    let page = browser.get(&back).await;
    assert_eq!(
        (page.status, page.location()),
        (303, Some("/account")),
        "{}",
        page.body
    );
    let added = asked(&world, IDP);
    assert!(added.len() == 1 && added[0]["idToken"].is_string(), "{added:?}");

    // tokens of somebody else do not become this session
    let mut claims = id_claims(3600);
    claims["sub"] = "user-2".into();
    let of_another = json!({"idToken": Key::a().sign(&claims), "refreshToken": "refresh-idp"});
    account(&world, &["password"], Answer::json(200, &of_another));
    let back = there(&mut browser, "/account/providers/google.com").await;
    let before = browser.cookies["session"].clone();
    let page = browser.get(&back).await;
    assert_eq!(
        (page.status, &browser.cookies["session"]),
        (502, &before),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_provider_is_removed_unless_it_is_the_last_way_in() {
    let world = world(entered()).await;
    let mut browser = world.signed_in().await;
    account(&world, &["google.com", "phone"], entered());
    let page = browser
        .post("/account/providers/remove", &[("id", "google.com")])
        .await;
    assert!(
        page.status == 422 && page.says("This is your last way in"),
        "{}",
        page.body
    );
    assert!(asked(&world, "accounts:update").is_empty());
    account(&world, &["password", "google.com"], entered());
    let page = browser
        .post("/account/providers/remove", &[("id", "password")])
        .await;
    assert_eq!(page.status, 422, "what is no provider is not removed here");
    let page = browser
        .post("/account/providers/remove", &[("id", "google.com")])
        .await;
    assert_eq!(
        (page.status, page.location()),
        (303, Some("/account")),
        "{}",
        page.body
    );
    assert_eq!(
        asked(&world, "accounts:update")[0]["deleteProvider"],
        json!(["google.com"])
    );
}

#[tokio::test]
async fn whoever_has_no_password_adds_one_by_a_sign_up_in_the_own_name() {
    let world = world(entered()).await;
    let mut browser = world.browser();
    assert_eq!(there_and_back(&mut browser).await.location(), Some("/"));
    let profile =
        |email: &'static str, answer: Answer| {
            let usual = identity_rule(Key::a(), 3600, 3600);
            let ways = [json!({"providerId": "google.com"})];
            world.identity.answers(move |seen: &Seen| match seen.uri.rsplit_once('/').unwrap().1 {
            "accounts:lookup" => Answer::json(
                200,
                &json!({"users": [{"email": email, "emailVerified": true, "providerUserInfo": ways}]}),
            ),
            "accounts:signUp" => answer.clone(),
            _ => usual(seen),
        });
        };
    profile(EMAIL, entered());
    let page = browser.get("/account").await;
    assert!(
        page.says("Add a password") && !page.says("Change the password"),
        "{}",
        page.body
    );
    let page = browser.get("/account/password").await;
    assert!(
        page.says("<h1 id=\"heading\">Add a password") && page.says("autocomplete=\"new-password\""),
        "{}",
        page.body
    );
    let page = browser.post("/account/password", &[("password", "short")]).await;
    assert!(page.status == 422 && page.says("Add a password"), "{}", page.body);
    let before = browser.cookies["session"].clone();
    let page = browser.post("/account/password", &[("password", PASSWORD)]).await;
    assert!(
        page.status == 200 && page.says("Your account has a password"),
        "{}",
        page.body
    );
    assert_ne!(browser.cookies["session"], before);
    let added = asked(&world, "accounts:signUp");
    assert!(added.len() == 1 && added[0]["idToken"].is_string(), "{added:?}");
    assert_eq!(
        (&added[0]["email"], &added[0]["password"]),
        (&EMAIL.into(), &PASSWORD.into())
    );
    assert!(
        asked(&world, "accounts:update").is_empty(),
        "protection of addresses would refuse it"
    );

    // somebody else's tokens do not become this session
    let mut claims = id_claims(3600);
    claims["sub"] = "user-2".into();
    profile(
        EMAIL,
        Answer::json(
            200,
            &json!({"idToken": Key::a().sign(&claims), "refreshToken": "refresh-2"}),
        ),
    );
    let before = browser.cookies["session"].clone();
    let page = browser.post("/account/password", &[("password", PASSWORD)]).await;
    assert_eq!(
        (page.status, &browser.cookies["session"]),
        (502, &before),
        "{}",
        page.body
    );

    profile("", entered());
    assert!(
        !browser.get("/account").await.says("href=\"/account/password\""),
        "it would need an address"
    );
    let page = browser.post("/account/password", &[("password", PASSWORD)]).await;
    assert!(
        page.status == 422 && page.says("Your address is missing"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn with_a_tenant_it_is_the_tenants_provider_and_the_tenants_user() {
    const OURS: &str = "staff-x1y2z";
    let of = |firebase: Value| {
        let mut claims = id_claims(3600);
        claims["firebase"] = firebase;
        let id_token = Key::a().sign(&claims);
        Answer::json(
            200,
            &json!({"idToken": id_token, "refreshToken": "refresh-idp", "email": EMAIL}),
        )
    };
    let world = World::with_env(&[("IDENTITY_PROVIDERS", "google.com"), ("AUTH_TENANT_ID", OURS)]).await;
    let mut browser = world.browser();
    for stranger in [json!({}), json!({"tenant": "shoppers-a1b2c"})] {
        providers(&world, of(stranger.clone()));
        let page = there_and_back(&mut browser).await;
        assert_eq!(page.status, 502, "{stranger}: {}", page.body);
        assert!(browser.cookie("session").is_none(), "{stranger}");
    }
    providers(&world, of(json!({"tenant": OURS})));
    assert_eq!(there_and_back(&mut browser).await.status, 303);
    assert!(browser.get("/").await.says("Hello World"));
    for call in ["createAuthUri", IDP] {
        let calls = asked(&world, call);
        assert_eq!(calls.len(), 3);
        assert!(calls.iter().all(|asked| asked["tenantId"] == OURS), "{calls:?}");
    }
}
