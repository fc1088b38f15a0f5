//! Sign-in with a real OpenID provider: `oidc-provider` on Node, which `./test --only providers` brings; plain
//! `cargo test` leaves these out.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Browser, World};

const ORIGIN: &str = "http://shop.acme.example";
const MESSAGE: &str = "The secret message is: Hello World";

/// The provider's process.
struct Provider {
    issuer: String,
    process: Child,
    /// Kept open: it would end at its next word otherwise.
    _output: BufReader<ChildStdout>,
}

impl Provider {
    /// Its ID tokens are good for so many seconds.
    fn start(lifetime: u32) -> Provider {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-node/provider.mjs");
        let callback = format!("{ORIGIN}/sign-in/with/real/callback");
        let arguments = [root, &callback, &format!("{ORIGIN}/"), &lifetime.to_string()];
        let process = Command::new("node")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = process.expect("node is there: ./test --only providers brings it");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("issuer ") {
            line.clear();
            let read = output.read_line(&mut line).unwrap();
            assert!(
                read > 0,
                "the provider starts: ./test --only providers brings its packages"
            );
        }
        let issuer = line["issuer ".len()..].trim().to_owned();
        Provider {
            issuer,
            process,
            _output: output,
        }
    }

    async fn world(&self) -> World {
        let provider = json!([{"id": "real", "name": "Real & Co", "issuer": self.issuer, "client_id": "acme",
            "client_secret": "a secret: with %, + and :", "scope": "openid email profile offline_access"}]);
        World::with_env(&[("OIDC_PROVIDERS", &provider.to_string()), ("PUBLIC_URL", ORIGIN)]).await
    }

    /// What a person does there: signs in under this name and consents. Yields the way back.
    async fn visit(&self, way: &str, name: &str) -> String {
        assert!(way.starts_with(&self.issuer), "{way}");
        let mut there = Browser::at(&self.issuer);
        let mut at = way.strip_prefix(&self.issuer).unwrap().to_owned();
        for _ in 0..12 {
            let page = match at.starts_with("/interaction/") {
                false => there.get(&at).await,
                true => {
                    let prompt = if there.get(&at).await.says("name=\"login\"") {
                        "login"
                    } else {
                        "consent"
                    };
                    let fields = [("prompt", prompt), ("login", name), ("password", "any")];
                    there.post(&at, &fields).await
                }
            };
            let next = page
                .location()
                .unwrap_or_else(|| panic!("{at}: {page:?}"))
                .to_owned();
            if let Some(back) = next.strip_prefix(ORIGIN) {
                return back.to_owned();
            }
            at = next.strip_prefix(&self.issuer).unwrap_or(&next).to_owned();
        }
        panic!("it leads nowhere");
    }

    async fn signed_in(&self, world: &World, name: &str) -> Browser {
        let mut browser = world.browser();
        let way = browser
            .get("/sign-in/with/real")
            .await
            .location()
            .unwrap()
            .to_owned();
        let back = self.visit(&way, name).await;
        let page = browser.get(&back).await;
        assert_eq!((page.status, page.location()), (303, Some("/")), "{}", page.body);
        browser
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // `node` may be a script that starts another process, so it is not killed: it ends with its input
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn claims(bearer: &str) -> Value {
    let token = jwt::Token::parse(bearer.strip_prefix("Bearer ").unwrap()).unwrap();
    Value::Object(token.into_claims())
}

#[tokio::test]
#[ignore = "needs Node: ./test --only providers"]
async fn a_user_of_a_provider_signs_in_and_the_gateway_gets_its_id_token() {
    let provider = Provider::start(3600);
    let world = provider.world().await;
    let mut browser = world.browser();
    let page = browser.get("/").await;
    assert!(
        page.says("href=\"/sign-in/with/real\"") && page.says("Sign in with Real &#38; Co"),
        "{}",
        page.body
    );
    let way = browser
        .get("/sign-in/with/real?next=/account")
        .await
        .location()
        .unwrap()
        .to_owned();
    for part in [
        "code_challenge_method=S256",
        "&state=",
        "&nonce=",
        "response_type=code",
    ] {
        assert!(way.contains(part), "{way}");
    }
    let back = provider.visit(&way, "ada").await;
    assert!(back.contains("iss="), "it names itself: {back}");
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
    let page = browser.get("/").await;
    assert!(
        page.says(MESSAGE) && page.says("ada@provider.example"),
        "{}",
        page.body
    );
    let call = &world.upstream.asked("/api/secure.json")[0];
    let claims = claims(call.header("authorization").unwrap());
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!(provider.issuer), &json!("acme"))
    );
    let page = browser.get("/account").await;
    assert!(page.status == 200 && page.says("kept elsewhere"), "{}", page.body);
    assert!(
        world.identity.seen().is_empty(),
        "Identity Platform has nothing to do with it"
    );

    let mut other = provider.signed_in(&world, "unverified").await;
    assert!(
        !other.get("/").await.says("unverified@provider.example"),
        "an address that nobody has verified"
    );
}

#[tokio::test]
#[ignore = "needs Node: ./test --only providers"]
async fn refresh_tokens_rotate_and_one_request_asks_for_all() {
    let provider = Provider::start(200); // near its end from the beginning
    let world = provider.world().await;
    let mut browser = provider.signed_in(&world, "ada").await;
    for round in 0..3 {
        let requests: Vec<_> = (0..6)
            .map(|_| {
                let mut browser = browser.clone();
                tokio::spawn(async move { (browser.get("/").await, browser) })
            })
            .collect();
        let before = browser.cookies.clone();
        for request in requests {
            // a second use of a rotated token would end the grant
            let (page, after) = request.await.unwrap();
            assert!(page.says(MESSAGE), "{round}: {}", page.body);
            browser = after;
        }
        assert_ne!(browser.cookies, before, "{round}");
    }
    drop(provider);
    assert!(
        browser.get("/").await.says(MESSAGE),
        "its silence ends nothing while the token is good"
    );
}

#[tokio::test]
#[ignore = "needs Node: ./test --only providers"]
async fn an_answer_that_is_not_for_this_attempt_signs_nobody_in() {
    let provider = Provider::start(3600);
    let world = provider.world().await;
    let mut browser = world.browser();
    let way = browser
        .get("/sign-in/with/real")
        .await
        .location()
        .unwrap()
        .to_owned();
    let back = provider.visit(&way, "ada").await;
    let mut stranger = world.browser();
    assert_eq!(stranger.get(&back).await.status, 422, "another browser");
    let cookies = browser.cookies.clone();
    let (path, query) = back.split_once('?').unwrap();
    let changed = |name: &str, value: &str| {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.starts_with(&format!("{name}=")));
        let rest = pairs.collect::<Vec<_>>().join("&");
        format!(
            "{path}?{rest}{}",
            if value.is_empty() {
                String::new()
            } else {
                format!("&{name}={value}")
            }
        )
    };
    for link in [
        changed("iss", "https%3A%2F%2Fevil.example"),
        changed("iss", ""),
        changed("code", ""),
        changed("code", "another"),
        changed("state", "another"),
        format!("{}&error=access_denied", changed("code", "")),
    ] {
        browser.cookies = cookies.clone();
        let page = browser.get(&link).await;
        assert_eq!(page.status, 422, "{link}: {}", page.body);
        assert!(browser.cookie("session").is_none(), "{link}");
    }
    browser.cookies = cookies.clone();
    assert_eq!(browser.get(&back).await.status, 303);
    browser.cookies = cookies;
    assert_eq!(browser.get(&back).await.status, 422, "a code works once");
}

#[tokio::test]
#[ignore = "needs Node: ./test --only providers"]
async fn several_tabs_may_be_at_it() {
    let provider = Provider::start(3600);
    let world = provider.world().await;
    let mut browser = world.browser();
    let mut ways = Vec::new();
    for _ in 0..3 {
        ways.push(
            browser
                .get("/sign-in/with/real")
                .await
                .location()
                .unwrap()
                .to_owned(),
        );
    }
    for way in &ways {
        let back = provider.visit(way, "ada").await;
        assert_eq!(browser.get(&back).await.status, 303, "{back}");
    }
    for _ in 0..20 {
        browser.get("/sign-in/with/real").await;
    }
    assert!(browser.cookies.len() <= 7, "{:?}", browser.cookies.keys());
}

#[tokio::test]
#[ignore = "needs Node: ./test --only providers"]
async fn signing_out_leads_to_the_providers_own_way_out() {
    let provider = Provider::start(3600);
    let world = provider.world().await;
    let mut browser = provider.signed_in(&world, "ada").await;
    let page = browser.post("/sign-out", &[]).await;
    assert!(
        page.status == 200 && page.says("You are signed out here"),
        "{}",
        page.body
    );
    assert!(browser.cookies.is_empty());
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains(&format!("form-action 'self' {}", provider.issuer)),
        "{policy}"
    );
    let field = |name: &str| {
        let (_, rest) = page
            .body
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let names = ["id_token_hint", "client_id", "post_logout_redirect_uri"];
    let values = names.map(field);
    let fields: Vec<_> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
    let mut there = Browser::at(&provider.issuer);
    let page = there.post("/session/end", &fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let (_, secret) = page.body.split_once("name=\"xsrf\" value=\"").unwrap();
    let secret = secret.split('"').next().unwrap();
    let page = there
        .post("/session/end/confirm", &[("xsrf", secret), ("logout", "yes")])
        .await;
    assert_eq!(
        page.location(),
        Some(format!("{ORIGIN}/").as_str()),
        "{}",
        page.body
    );
}
