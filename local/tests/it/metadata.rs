//! The metadata server's stand-in: service tokens, and who gets none.

use crate::part::{Part, client};

const IDENTITY: &str = "computeMetadata/v1/instance/service-accounts/default/identity";

async fn ask(url: String, headers: &[(&str, &str)]) -> (u16, String) {
    let request = headers.iter().fold(client().get(url), |request, (name, value)| {
        request.header(*name, *value)
    });
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["metadata-flavor"], "Google");
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_token_is_for_its_audience_and_names_the_account_only_in_full() {
    let part = Part::start("metadata", &[]).await;
    let flavour = ("Metadata-Flavor", "Google");
    let certs = client()
        .get(format!("{}/oauth2/v3/certs", part.url))
        .send()
        .await
        .unwrap();
    let keys = jwt::Jwks::parse(&certs.text().await.unwrap()).unwrap();
    for (format, email) in [
        ("full", Some("frontend@demo-acme.iam.gserviceaccount.com")),
        ("standard", None),
    ] {
        let url = format!(
            "{}/{IDENTITY}?audience=http%3A%2F%2F127.0.0.1%3A8081&format={format}",
            part.url
        );
        let (status, text) = ask(url, &[flavour]).await;
        assert_eq!(status, 200);
        let token = jwt::Token::parse(&text).unwrap();
        keys.verify(&token).unwrap();
        let claims = token.claims();
        assert_eq!(
            (&claims["iss"], &claims["aud"]),
            (
                &"https://accounts.google.com".into(),
                &"http://127.0.0.1:8081".into()
            )
        );
        assert_eq!(claims.get("email").and_then(|email| email.as_str()), email);
    }
}

#[tokio::test]
async fn requests_that_somebody_was_tricked_into_get_nothing() {
    let part = Part::start("metadata", &[]).await;
    let flavour = ("Metadata-Flavor", "Google");
    let with_audience = format!("{}/{IDENTITY}?audience=x", part.url);
    let other = format!(
        "{}/computeMetadata/v1/instance/service-accounts/other@x/identity?audience=x",
        part.url
    );
    let project = format!("{}/computeMetadata/v1/project/project-id", part.url);
    for (url, headers, status) in [
        (with_audience.clone(), vec![], 403),
        (
            with_audience,
            vec![flavour, ("X-Forwarded-For", "192.0.2.1")],
            403,
        ),
        (format!("{}/{IDENTITY}", part.url), vec![flavour], 400),
        (format!("{}/{IDENTITY}?audience=", part.url), vec![flavour], 400),
        (other, vec![flavour], 404),
        (
            format!("{}/computeMetadata/v1/nothing", part.url),
            vec![flavour],
            404,
        ),
    ] {
        let answer = ask(url.clone(), &headers).await;
        assert_eq!(answer.0, status, "{url} {headers:?}: {}", answer.1);
    }
    assert_eq!(ask(project, &[flavour]).await, (200, "demo-acme".to_owned()));
    let region = format!("{}/computeMetadata/v1/instance/region", part.url);
    assert!(ask(region, &[flavour]).await.1.ends_with("/regions/europe-west1"));
}
