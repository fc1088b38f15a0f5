//! What holds for every page: security headers, cross-site posts, assets, methods, probes, metrics.

use reqwest::Method;

use crate::harness::{EMAIL, PASSWORD, World};

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let world = World::start().await;
    let mut browser = world.signed_in().await;
    for path in [
        "/",
        "/sign-in",
        "/session",
        "/api/secure.json",
        "/nowhere",
        "/health/ready",
    ] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(page.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(
            page.header("strict-transport-security"),
            None,
            "{path}: not on http"
        );
    }
    let world = World::with_env(&[("TRUSTED_HOPS", "1")]).await;
    let https = world.browser().sending("x-forwarded-proto", "https");
    let page = https.clone().sending("host", "shop.acme.example").get("/").await;
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
    let page = https.clone().sending("host", "localhost:8443").get("/").await;
    assert_eq!(page.header("strict-transport-security"), None);
}

#[tokio::test]
async fn posts_from_another_site_are_refused() {
    let world = World::start().await;
    let ours = format!("http://{}", world.address);
    for (name, value, allowed) in [
        ("sec-fetch-site", "same-origin", true),
        ("sec-fetch-site", "none", true),
        ("sec-fetch-site", "same-site", false),
        ("sec-fetch-site", "cross-site", false),
        ("origin", ours.as_str(), true),
        ("origin", "http://evil.example", false),
        ("origin", "null", false),
        ("x-nothing", "said", true),
    ] {
        let mut browser = world.browser().sending(name, value);
        let page = browser.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(page.status, if allowed { 303 } else { 403 }, "{name}: {value}");
        assert_eq!(browser.cookies.is_empty(), !allowed, "{name}: {value}");
        assert!(
            allowed || page.says("This form came from somewhere else"),
            "{}",
            page.body
        );
    }
    let mut browser = world.signed_in().await.sending("sec-fetch-site", "cross-site");
    assert_eq!(browser.post("/sign-out", &[]).await.status, 403);
    assert!(browser.cookie("session").is_some());
    assert_eq!(
        browser.get("/").await.status,
        200,
        "a link from another site is fine"
    );
}

#[tokio::test]
async fn a_page_needs_nothing_but_what_is_ours() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get("/").await;
    assert!(!page.says("style=") && !page.says("http://") && !page.says("https://"));
    assert_eq!(page.body.matches("<script").count(), 1);
    assert!(
        page.says("<script type=\"module\" src=\"/assets/app-"),
        "and none stands in the page"
    );
    let path = page
        .body
        .split("href=\"")
        .find(|part| part.starts_with("/assets/style-"))
        .unwrap();
    let sheet = browser.get(path.split('"').next().unwrap()).await;
    assert_eq!(sheet.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(
        sheet.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert!(sheet.says("prefers-color-scheme: dark"));
    assert!(page.says("autocomplete=\"username\"") && page.says("autocomplete=\"current-password\""));
    assert!(page.says("<html lang=\"en\" dir=\"ltr\">") && page.says("<title>Sign in – Acme</title>"));
    assert!(page.says("Acme-demo-2026"), "the stand-in's login is shown");
}

#[tokio::test]
async fn the_demo_login_is_shown_with_a_stand_in_only() {
    let world = World::with_env(&[("FIREBASE_AUTH_EMULATOR_HOST", "")]).await;
    assert!(!world.browser().get("/").await.says("Acme-demo-2026"));
}

#[tokio::test]
async fn other_paths_and_methods_have_their_answers() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get("/nowhere").await;
    assert!(page.status == 404 && page.says("There is no such page"));
    let page = browser.ask(Method::DELETE, "/", |request| request).await;
    assert!(
        page.status == 405 && page.header("allow").unwrap().contains("GET"),
        "{page:?}"
    );
    assert_eq!(
        browser.get("/sign-out").await.status,
        405,
        "a link cannot sign anybody out"
    );
    let page = browser.get("/sign-in").await;
    assert_eq!((page.status, page.location()), (303, Some("/")));
    let page = browser.ask(Method::HEAD, "/", |request| request).await;
    assert_eq!((page.status, page.body.as_str()), (200, ""));
    let long = "x".repeat(20_000);
    assert_eq!(
        browser.sign_in(EMAIL, &long).await.status,
        400,
        "a form has a bound"
    );
}

#[tokio::test]
async fn probes_are_on_the_public_port_and_metrics_are_not() {
    let world = World::start().await;
    let mut browser = world.browser();
    for probe in ["live", "ready", "startup"] {
        assert_eq!(
            browser.get(&format!("/health/{probe}")).await.status,
            200,
            "{probe}"
        );
    }
    assert_eq!(browser.get("/health/other").await.status, 404);
    assert_eq!(browser.get("/metrics").await.status, 404);
    let mut scraper = crate::harness::Browser::new(world.metrics);
    let page = scraper.get("/metrics").await;
    assert!(
        page.says(r#"frontend_http_requests_total{route="/health/{probe}",code="200"} 3"#),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn what_a_user_types_is_escaped() {
    let world = World::start().await;
    let page = world.browser().sign_in("\"><b>@x", "x").await;
    assert!(!page.says("<b>"), "{}", page.body);
}

#[tokio::test]
async fn several_providers_are_offered_in_their_order_beside_the_form() {
    let provider = |id: &str, name: &str| {
        serde_json::json!({"id": id, "name": name, "issuer": format!("https://{id}.example"),
            "client_id": "acme", "client_secret": "hush"})
    };
    let list = serde_json::json!([
        provider("staff", "Acme Staff"),
        provider("partners", "Partners & Co")
    ]);
    let world = World::with_env(&[("OIDC_PROVIDERS", &list.to_string())]).await;
    let page = world.browser().get("/").await;
    let place = |text: &str| {
        page.body
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {}", page.body))
    };
    assert!(place("href=\"/sign-in/with/staff\"") < place("href=\"/sign-in/with/partners\""));
    assert!(page.says("Partners &#38; Co") && page.says("action=\"/sign-in\""));
    let unknown = world.browser().get("/sign-in/with/nobody").await;
    assert_eq!(unknown.status, 404, "{}", unknown.body);
}
