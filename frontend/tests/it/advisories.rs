//! What the audit of another proxy of this kind found in 2026 (oauth2-proxy, fixed in 7.15.2), tried here.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{EMAIL, PASSWORD, World};

const MESSAGE: &str = "The secret message is: Hello World";

/// GHSA-5hvv: a health check's user agent opened everything.
#[tokio::test]
async fn a_health_checks_user_agent_opens_nothing() {
    let world = World::start().await;
    for agent in [
        "GoogleHC/1.0",
        "kube-probe/1.33",
        "ELB-HealthChecker/2.0",
        "Envoy/HC",
    ] {
        let mut browser = world.browser().sending("user-agent", agent);
        assert_eq!(browser.get("/api/secure.json").await.status, 401, "{agent}");
        assert_eq!(browser.get("/session").await.status, 401, "{agent}");
        assert!(!browser.get("/").await.says(MESSAGE), "{agent}");
    }
    assert!(world.upstream.seen().is_empty());
}

/// GHSA-7x63: a header told another path than the one that was asked for.
#[tokio::test]
async fn a_header_cannot_name_another_path() {
    for hops in ["0", "1"] {
        let world = World::with_env(&[("TRUSTED_HOPS", hops)]).await;
        for name in [
            "x-forwarded-uri",
            "x-original-uri",
            "x-original-url",
            "x-rewrite-url",
            "x-auth-request-redirect",
        ] {
            let mut browser = world.browser().sending(name, "/api/healthz");
            assert_eq!(browser.get("/api/secure.json").await.status, 401, "{name}");
        }
        assert!(world.upstream.seen().is_empty());
        world
            .signed_in()
            .await
            .sending("x-forwarded-uri", "/api/other")
            .get("/api/secure.json")
            .await;
        let seen = world.upstream.seen();
        assert_eq!(seen[0].uri, "/api/secure.json");
        assert_eq!(seen[0].header("x-forwarded-uri"), None, "and it is not passed on");
    }
}

/// GHSA-pxq7: what follows `#` made a guarded path look like an open one.
#[tokio::test]
async fn a_fragment_in_the_path_opens_nothing() {
    let world = World::start().await;
    for path in [
        "/api/secure.json#/api/healthz",
        "/api/secure.json%23/api/healthz",
        "/api/healthz%23/../secure.json",
    ] {
        let mut socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["400", "401", "404"].contains(&status), "{path}: {answer}");
    }
    assert!(world.upstream.seen().is_empty());
}

/// GHSA-c5c4: of two `@` the wrong one was taken for the domain's.
#[tokio::test]
async fn an_address_has_one_at_sign() {
    let world = World::start().await;
    for email in [
        "me@evil.example@acme.example",
        "me@acme.example@evil.example",
        "\"@acme.example\"@evil.example",
    ] {
        for path in ["/sign-in", "/sign-up", "/reset-password"] {
            let fields = [("email", email), ("password", PASSWORD)];
            let page = world.browser().post(path, &fields).await;
            assert!(
                page.status == 422 && page.says("Check the e-mail address"),
                "{path} {email}: {}",
                page.body
            );
        }
    }
    assert!(world.identity.asked("accounts:").is_empty());
}

/// GHSA-f24x: a session that was planted before the sign-in was the user's afterwards.
#[tokio::test]
async fn a_session_that_was_planted_before_a_sign_in_is_gone_after_it() {
    let world = World::start().await;
    let attacker = world.signed_in().await;
    let mut victim = world.browser();
    victim.cookies = attacker.cookies.clone();
    let page = victim.sign_in(EMAIL, PASSWORD).await;
    assert_eq!(page.status, 303);
    assert_ne!(victim.cookies, attacker.cookies);
    victim.post("/sign-out", &[]).await;
    let mut attacker = attacker;
    assert!(
        attacker.get("/").await.says(MESSAGE),
        "two sessions: the end of one is not the other's"
    );
}
