//! What the documents of `istio/private` promise to whoever calls the gateway, body included.

use std::path::PathBuf;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use serde_json::json;

use crate::callers::{self, ask};
use crate::harness::System;

const SECRET: &str = "/api/secure.json";
const HEALTH: &str = "/api/healthz";

#[tokio::test]
async fn every_token_gets_the_documented_answer() {
    let system = System::start(&[]).await;
    let proxy = callers::as_proxy(&system);
    let good = callers::sign_in(&system).await;
    let resigned = |change: &dyn Fn(&mut serde_json::Value)| callers::resigned(&system, &good, |c| change(c));

    let expired = resigned(&|claims| claims["exp"] = json!(callers::now() - 120));
    let just_expired = resigned(&|claims| claims["exp"] = json!(callers::now() - 30));
    let another_project = resigned(&|claims| claims["iss"] = json!("https://securetoken.google.com/another"));
    let another_audience = resigned(&|claims| claims["aud"] = json!("another"));
    let wrong_signature = callers::sign(
        &stranger(),
        callers::part(&good, 0)["kid"].as_str().unwrap(),
        &callers::part(&good, 1),
    );
    let unknown_key = callers::sign(&stranger(), "never-seen", &callers::part(&good, 1));

    for (what, path, token, status, body) in [
        ("nobody, health", HEALTH, None, 200, "ok"),
        ("nobody", SECRET, None, 403, "RBAC: access denied"),
        (
            "the user",
            SECRET,
            Some(&good),
            200,
            r#"{"message":"Hello World"}"#,
        ),
        (
            "the user, another path",
            "/other",
            Some(&good),
            403,
            "RBAC: access denied",
        ),
        (
            "the user, a path that the policy allows and the backend lacks",
            "/api/none",
            Some(&good),
            404,
            "",
        ),
        (
            "wrong signature of a known key",
            SECRET,
            Some(&wrong_signature),
            401,
            "Jwt verification fails",
        ),
        (
            "unknown key",
            SECRET,
            Some(&unknown_key),
            401,
            "Jwks doesn't have key to match kid or alg from Jwt",
        ),
        ("expired", SECRET, Some(&expired), 401, "Jwt is expired"),
        ("expired, health", HEALTH, Some(&expired), 401, "Jwt is expired"),
        (
            "expired within the grace of 60 s",
            SECRET,
            Some(&just_expired),
            200,
            r#"{"message":"Hello World"}"#,
        ),
        (
            "another project's token",
            SECRET,
            Some(&another_project),
            401,
            "Jwt issuer is not configured",
        ),
        (
            "another audience",
            SECRET,
            Some(&another_audience),
            403,
            "Audiences in Jwt are not allowed",
        ),
    ] {
        let answer = ask(&system, &proxy, path, token.map(String::as_str)).await;
        assert_eq!(answer, (status, body.to_owned()), "{what}");
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_no_token() {
    let system = System::start(&[]).await;
    let proxy = callers::as_proxy(&system);
    let good = callers::sign_in(&system).await;
    let answer = ask(&system, &proxy, &format!("{SECRET}?access_token={good}"), None).await;
    assert_eq!(answer, (403, "RBAC: access denied".to_owned()));
}

#[tokio::test]
async fn no_spelling_of_a_path_gets_around_the_policy() {
    let system = System::start(&[]).await;
    let proxy = callers::as_proxy(&system);
    for path in [
        "//api/secure.json",
        "/api//secure.json",
        "/api/healthz/../secure.json",
        "/api/%73ecure.json",
    ] {
        assert_eq!(ask(&system, &proxy, path, None).await.0, 403, "{path}");
    }
    assert_eq!(
        ask(&system, &proxy, "//api/%68ealthz", None).await,
        (200, "ok".to_owned())
    );
}

#[tokio::test]
async fn without_the_proxys_certificate_there_is_no_http_answer() {
    let system = System::start(&[]).await;
    let url = format!(
        "https://{}:{}{HEALTH}",
        callers::HOST,
        system.address("gateway").port()
    );

    let nobody = callers::of_gateway(&system).build().unwrap();
    assert!(nobody.get(&url).send().await.is_err(), "no client certificate");

    let (certificate, key) = of_the_same_ca(&system, "spiffe://acme.internal/ns/cloud-run/sa/another");
    let stranger = callers::with_certificate(&system, &certificate, &key);
    assert!(
        stranger.get(&url).send().await.is_err(),
        "another name of the same CA"
    );

    let (certificate, key) = of_the_same_ca(&system, "spiffe://acme.internal/ns/cloud-run/sa/proxy");
    let same_name = callers::with_certificate(&system, &certificate, &key);
    assert_eq!(
        same_name.get(&url).send().await.unwrap().status(),
        200,
        "the test's own certificates are good"
    );

    let proxy = callers::as_proxy(&system);
    let by_address = format!("https://{}{HEALTH}", system.address("gateway"));
    assert!(proxy.get(by_address).send().await.is_err(), "no server name");
    let other = callers::of_gateway(&system).resolve("other.acme.internal", system.address("gateway"));
    let by_other_name = format!(
        "https://other.acme.internal:{}{HEALTH}",
        system.address("gateway").port()
    );
    assert!(
        other.build().unwrap().get(by_other_name).send().await.is_err(),
        "another server name"
    );
}

/// A key that nobody published.
fn stranger() -> Vec<u8> {
    use rsa::pkcs8::EncodePrivateKey;
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    key.to_pkcs8_der().unwrap().as_bytes().to_vec()
}

/// A client certificate that the system's own CA signs, with another SAN.
fn of_the_same_ca(system: &System, uri: &str) -> (PathBuf, PathBuf) {
    let pki = system.state().join("pki");
    let ca_key = KeyPair::from_pem(&std::fs::read_to_string(pki.join("ca.key")).unwrap()).unwrap();
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "acme local CA"); // as the CA's own certificate says
    let issuer = Issuer::new(authority, ca_key);
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::default();
    parameters.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    let name = uri.rsplit('/').next().unwrap();
    let paths = (
        system.state().join(format!("{name}.crt")),
        system.state().join(format!("{name}.key")),
    );
    std::fs::write(&paths.0, certificate.pem()).unwrap();
    std::fs::write(&paths.1, key.serialize_pem()).unwrap();
    paths
}
