//! Clients of the gateway: certificates and tokens, good and bad.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Certificate, Client, ClientBuilder, Identity, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use crate::harness::System;

/// The name that the private gateway serves.
pub(crate) const HOST: &str = "services.acme.internal";

/// A client without proxies, redirects or patience.
pub(crate) fn client() -> ClientBuilder {
    chassis::crypto::install();
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
}

/// A client that knows the CA and resolves the gateway's name, as `curl --resolve --cacert` does.
pub(crate) fn of_gateway(system: &System) -> ClientBuilder {
    let ca = std::fs::read(system.state().join("pki/ca.crt")).unwrap();
    client()
        .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
        .resolve(HOST, system.address("gateway"))
}

/// The same with the certificate that the proxy shows.
pub(crate) fn as_proxy(system: &System) -> Client {
    let pki = system.state().join("pki");
    with_certificate(system, &pki.join("client.crt"), &pki.join("client.key"))
}

/// The same with any certificate.
pub(crate) fn with_certificate(system: &System, certificate: &Path, key: &Path) -> Client {
    let mut pem = std::fs::read(certificate).unwrap();
    pem.extend(std::fs::read(key).unwrap());
    of_gateway(system)
        .identity(Identity::from_pem(&pem).unwrap())
        .build()
        .unwrap()
}

/// Asks for a path of the private gateway.
pub(crate) async fn ask(system: &System, client: &Client, path: &str, token: Option<&str>) -> (u16, String) {
    let url = format!("https://{HOST}:{}{path}", system.address("gateway").port());
    let mut request = client.get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// The status alone; none when there is no HTTP answer.
pub(crate) async fn status(system: &System, client: &Client, path: &str) -> Option<u16> {
    let url = format!("https://{HOST}:{}{path}", system.address("gateway").port());
    client
        .get(url)
        .send()
        .await
        .ok()
        .map(|answer| answer.status().as_u16())
}

/// An ID token as the sign-in gives it.
pub(crate) async fn sign_in(system: &System) -> String {
    let url = format!(
        "{}/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=demo-key",
        system.url("identity")
    );
    let body =
        json!({ "email": "shopper@acme.example", "password": "Acme-demo-2026", "returnSecureToken": true });
    let response = client()
        .build()
        .unwrap()
        .post(url)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let answer: Value = response.json().await.unwrap();
    answer["idToken"].as_str().expect("a token").to_owned()
}

/// The service token that the metadata server gives the front end.
pub(crate) async fn service_token(system: &System, audience: &str) -> String {
    let url = format!(
        "{}/computeMetadata/v1/instance/service-accounts/default/identity",
        system.url("metadata")
    );
    let request = client()
        .build()
        .unwrap()
        .get(url)
        .header("Metadata-Flavor", "Google");
    let response = request
        .query(&[("audience", audience), ("format", "full")])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.text().await.unwrap()
}

/// The user's own token with changed claims, signed with the key of the Identity Platform stand-in: what
/// only the stand-in could do.
pub(crate) fn resigned(system: &System, token: &str, change: impl FnOnce(&mut Value)) -> String {
    let key = std::fs::read(system.state().join("identity/signing-key.pk8")).unwrap();
    let (kid, mut claims) = (part(token, 0)["kid"].as_str().unwrap().to_owned(), part(token, 1));
    change(&mut claims);
    sign(&key, &kid, &claims)
}

/// A section of a token, decoded.
pub(crate) fn part(token: &str, section: usize) -> Value {
    let text = token.split('.').nth(section).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token over these claims, with a key of our own making under a key id of our choice.
pub(crate) fn sign(pkcs8: &[u8], kid: &str, claims: &Value) -> String {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        encode(&json!({ "alg": "RS256", "kid": kid, "typ": "JWT" })),
        encode(claims)
    );
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What the gateway reads by now.
async fn generation(system: &System) -> u64 {
    let url = format!("{}/config", system.url("gateway-admin"));
    let text = client()
        .build()
        .unwrap()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    config["generation"].as_u64().unwrap()
}

/// Makes a change and waits until the gateway has read it.
pub(crate) async fn change(system: &System, edit: impl FnOnce()) {
    let before = generation(system).await;
    edit();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while generation(system).await == before {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the gateway did not read the change"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
