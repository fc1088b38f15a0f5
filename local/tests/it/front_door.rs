//! Cloud Run's front door: four answers, and what is passed on.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::part::{Part, client};

const SERVICE: &str = "x-serverless-authorization";
const AUDIENCE: &str = "https://proxy.example";

/// A front door with a metadata server, and behind it whatever listens at an address.
async fn start(upstream: &str) -> (Part, Part) {
    let metadata = Part::start("metadata", &[]).await;
    let arguments = [
        "--upstream",
        upstream,
        "--metadata",
        &metadata.url,
        "--audience",
        AUDIENCE,
    ];
    let door = Part::start("front-door", &arguments).await;
    (door, metadata)
}

async fn token(metadata: &Part, audience: &str, format: &str) -> String {
    let url = format!(
        "{}/computeMetadata/v1/instance/service-accounts/default/identity",
        metadata.url
    );
    let request = client()
        .get(url)
        .query(&[("audience", audience), ("format", format)]);
    request
        .header("Metadata-Flavor", "Google")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

/// Answers one request and tells how it came.
async fn upstream() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 418 I'm a teapot\r\nconnection: x-hop\r\nx-hop: 1\r\nx-end: 2\r\ncontent-length: 3\r\n\r\ntea";
        stream.write_all(answer).await.unwrap();
        String::from_utf8(head).unwrap().to_lowercase()
    });
    (url, seen)
}

#[tokio::test]
async fn who_may_not_invoke_gets_cloud_runs_answer() {
    let (door, metadata) = start("http://127.0.0.1:9").await;
    let elsewhere = token(&metadata, "https://other.example", "full").await;
    let nobody = token(&metadata, AUDIENCE, "standard").await; // a Google account, but not the invoker's name
    let forged = format!("{}x", &elsewhere[..elsewhere.len() - 9]);
    for (what, header, status) in [
        ("no token", None, 403),
        ("another scheme", Some("Basic abc".to_owned()), 403),
        ("garbage", Some("Bearer abc".to_owned()), 401),
        ("another audience", Some(format!("Bearer {elsewhere}")), 401),
        ("a broken signature", Some(format!("Bearer {forged}")), 401),
        ("somebody else", Some(format!("Bearer {nobody}")), 403),
    ] {
        let mut request = client().get(format!("{}/health/ready", door.url));
        if let Some(header) = header {
            request = request.header(SERVICE, header);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        assert!(
            answer.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html"),
            "{what}"
        );
        let challenge = answer
            .headers()
            .get("www-authenticate")
            .map(|value| value.to_str().unwrap().to_owned());
        let expected = (status == 401).then(|| r#"Bearer error="invalid_token""#.to_owned());
        assert_eq!(challenge, expected, "{what}");
    }
}

#[tokio::test]
async fn the_invokers_request_is_passed_on_without_the_tokens_signature() {
    let (url, seen) = upstream().await;
    let (door, metadata) = start(&url).await;
    let service = token(&metadata, AUDIENCE, "full").await;
    let (signed, _) = service.rsplit_once('.').unwrap();
    let answer = client()
        .post(format!("{}/api/a%2Fb?c=d", door.url))
        .header(SERVICE, format!("Bearer {service}"))
        .header("authorization", "Bearer the.users.token")
        .header("x-forwarded-for", "192.0.2.1")
        .header("host", "proxy.example")
        .body("body")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 418);
    assert_eq!(
        (answer.headers().get("x-hop"), &answer.headers()["x-end"]),
        (None, &"2".parse().unwrap())
    );
    assert_eq!(answer.text().await.unwrap(), "tea");
    let head = seen.await.unwrap();
    for line in [
        "post /api/a%2fb?c=d http/1.1",
        "host: proxy.example",
        "authorization: bearer the.users.token",
        "x-forwarded-for: 192.0.2.1, 127.0.0.1",
        "x-forwarded-proto: https",
        &format!("{SERVICE}: bearer {signed}.signature_removed_by_google").to_lowercase(),
    ] {
        assert!(head.contains(&format!("{line}\r\n")), "{line} is not in\n{head}");
    }
}

#[tokio::test]
async fn without_a_service_behind_it_answers_as_cloud_run() {
    let (door, metadata) = start("http://127.0.0.1:9").await;
    let service = token(&metadata, AUDIENCE, "full").await;
    let request = client()
        .get(format!("{}/", door.url))
        .header(SERVICE, format!("Bearer {service}"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
}

#[tokio::test]
async fn without_keys_nobody_passes() {
    let door = Part::start("front-door", &["--metadata", "http://127.0.0.1:9"]).await;
    let metadata = Part::start("metadata", &[]).await;
    let service = token(&metadata, "http://127.0.0.1:8081", "full").await;
    let request = client().get(format!("{}/", door.url)).bearer_auth(service);
    assert_eq!(request.send().await.unwrap().status(), 503);
}
