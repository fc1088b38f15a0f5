//! What is accepted, what is refused, and how it is said.

use super::*;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn env() -> Env {
    Env::from_iter([
        ("GOOGLE_CLOUD_PROJECT", "demo-acme"),
        ("AUTH_APIKEY", "demo-key"),
        ("PROXY_URL", "http://127.0.0.1:8081"),
        ("SESSION_KEYS", KEY),
    ])
}

fn read(env: &Env) -> anyhow::Result<Config> {
    Config::new(&Arguments::default(), env)
}

#[test]
fn four_variables_are_enough() {
    let config = read(&env()).unwrap();
    assert_eq!(config.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.metrics, None);
    assert_eq!(config.audience.as_deref(), Some("http://127.0.0.1:8081"));
    assert_eq!(config.metadata_host, "metadata.google.internal");
    assert_eq!((config.trusted_hops, config.api_token_cookie), (0, None));
    assert_eq!(config.tenant, None);
}

#[test]
fn an_empty_audience_means_no_service_token() {
    assert_eq!(read(&env().with("PROXY_AUDIENCE", "")).unwrap().audience, None);
    let other = read(&env().with("PROXY_AUDIENCE", "https://proxy-1.run.app")).unwrap();
    assert_eq!(other.audience.as_deref(), Some("https://proxy-1.run.app"));
}

#[test]
fn one_hop_is_trusted_on_cloud_run() {
    assert_eq!(
        read(&env().with("K_SERVICE", "frontend")).unwrap().trusted_hops,
        1
    );
    let two = env().with("K_SERVICE", "frontend").with("TRUSTED_HOPS", "2");
    assert_eq!(read(&two).unwrap().trusted_hops, 2);
}

#[test]
fn all_mistakes_are_told_at_once_and_no_key_is_shown() {
    let env = Env::from_iter([
        ("PORT", "eighty"),
        ("AUTH_APIKEY", "k"),
        ("K_SERVICE", "frontend"),
        ("FIREBASE_AUTH_EMULATOR_HOST", "http://127.0.0.1:9099"),
        ("PROXY_URL", "http://127.0.0.1:8081/api"),
        ("SESSION_KEYS", "c2hvcnQ=,not base64"),
        ("API_TOKEN_COOKIE", "session"),
        ("AUTH_TENANT_ID", "staff/../shoppers"),
    ]);
    let problems = read(&env).unwrap_err().to_string();
    for part in [
        "PORT: \"eighty\"",
        "GOOGLE_CLOUD_PROJECT is not set",
        "without http://",
        "K_SERVICE",
        "PROXY_URL",
        "key 1 has 5 bytes",
        "key 2 is not base64",
        "API_TOKEN_COOKIE",
        "AUTH_TENANT_ID",
    ] {
        assert!(problems.contains(part), "{part} is missing in:\n{problems}");
    }
    assert!(!problems.contains("c2hvcnQ"), "{problems}");
}

#[test]
fn debug_shows_no_secret() {
    let text = format!("{:?}", read(&env()).unwrap());
    assert!(!text.contains("demo-key") && !text.contains("[0, 1, 2"), "{text}");
}

#[test]
fn each_mistake_in_the_list_of_providers_is_told_without_its_secrets() {
    let provider = |id: &str, issuer: &str, more: &str| {
        format!(
            r#"{{"id": "{id}", "name": "N", "issuer": "{issuer}", "client_id": "c", "client_secret": "hush"{more}}}"#
        )
    };
    let good = provider("staff", "https://idp.example/", "");
    let read = |list: &str| read(&env().with("OIDC_PROVIDERS", list));
    let config = read(&format!("[{good}]")).unwrap();
    assert_eq!(config.providers[0].scope, "openid email profile");
    assert!(!format!("{config:?}").contains("hush"));
    for (list, expected) in [
        (format!("[{good}, {good}]"), "another one with this id"),
        (
            format!("[{}]", provider("Staff", "https://idp.example", "")),
            "a-z, 0-9",
        ),
        (format!("[{}]", provider("a", "http://idp.example", "")), "https"),
        (
            format!("[{}]", provider("a", "https://idp.example?a=b", "")),
            "https",
        ),
        (
            format!(
                "[{}]",
                provider("a", "https://idp.example", r#", "scope": "email""#)
            ),
            "openid",
        ),
        (
            format!(
                "[{}]",
                provider("a", "https://idp.example", r#", "typo": "hush""#)
            ),
            "line 1",
        ),
        (r#"{"hush": "#.to_owned(), "line 1"),
    ] {
        let problems = read(&list).unwrap_err().to_string();
        assert!(
            problems.contains(expected) && !problems.contains("hush"),
            "{list}: {problems}"
        );
    }
    assert!(read(&format!("[{}]", provider("a", "http://127.0.0.1:9000", ""))).is_ok());
}

#[test]
fn providers_of_identity_platform_are_named_and_mistakes_told() {
    let read = |list: &str| read(&env().with("IDENTITY_PROVIDERS", list));
    let names = |list: &str| -> Vec<(String, String)> {
        let all = read(list).unwrap().identity_providers.into_iter();
        all.map(|provider| (provider.id, provider.name)).collect()
    };
    let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    assert_eq!(
        names("google.com, oidc.staff"),
        [pair("google.com", "Google"), pair("oidc.staff", "staff")]
    );
    let json = r#"[{"id": "oidc.staff", "name": "Acme Staff"}, {"id": "github.com"}]"#;
    assert_eq!(
        names(json),
        [pair("oidc.staff", "Acme Staff"), pair("github.com", "GitHub")]
    );
    assert!(names("").is_empty() && names("[]").is_empty());
    for (list, expected) in [
        ("google", "not an id of Identity Platform"),
        ("google.com,", "not an id of Identity Platform"),
        ("oidc.", "not an id of Identity Platform"),
        ("oidc.a/b", "not an id of Identity Platform"),
        ("twitter.com", "OAuth 1"),
        ("apple.com", "a form from its own site"),
        ("saml.staff", "SAML"),
        ("google.com,google.com", "another one with this id"),
        (r#"[{"id": "google.com", "name": " "}]"#, "its name is empty"),
        (r#"[{"id": "google.com", "secret": "hush"}]"#, "line 1, column"),
        ("[{", "line 1, column"),
    ] {
        let problems = read(list).unwrap_err().to_string();
        assert!(
            problems.contains(expected) && !problems.contains("hush"),
            "{list}: {problems}"
        );
    }
}
