//! `OIDC_PROVIDERS`: the OpenID Connect providers beside Identity Platform, as JSON; with
//! `OIDC_PROVIDERS_FILE` in a small file.

use std::collections::BTreeMap;

use chassis::env::Reader;
use reqwest::Url;
use serde::Deserialize;

use super::Secret;

/// One provider, as an operator describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in paths.
    pub id: String,
    /// Its name on the page.
    pub name: String,
    /// Its issuer, byte for byte as its discovery document has it.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// And how we prove it.
    pub client_secret: Secret,
    /// What is asked for.
    #[serde(default = "scope")]
    pub scope: String,
    /// Further parameters of the way there, such as Google's `access_type` or Auth0's `audience`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

fn scope() -> String {
    "openid email profile".to_owned()
}

/// Reads all of them; no part of a value is quoted, for it holds secrets.
pub(super) fn providers(reader: &mut Reader<'_>) -> Vec<Provider> {
    let Some(text) = reader.text("OIDC_PROVIDERS") else {
        return Vec::new();
    };
    let providers: Vec<Provider> = match serde_json::from_str(&text) {
        Ok(providers) => providers,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            reader.problems.add(format!(
                "OIDC_PROVIDERS: line {line}, column {column}: not a list of \
                 {{id, name, issuer, client_id, client_secret, scope?, parameters?}} in JSON"
            ));
            return Vec::new();
        }
    };
    for (at, provider) in providers.iter().enumerate() {
        let mut wrong = |what: &str| {
            let id = &provider.id;
            reader
                .problems
                .add(format!("OIDC_PROVIDERS: provider {id:?}: {what}"));
        };
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&provider.id.len()) || !provider.id.bytes().all(letters) {
            wrong("its id has to be 1 to 32 of a-z, 0-9 and `-`");
        }
        if providers[..at].iter().any(|other| other.id == provider.id) {
            wrong("there is another one with this id");
        }
        if !may_be_issuer(&provider.issuer) {
            wrong("its issuer has to be an https URL without query and fragment (http on loopback only)");
        }
        if provider.client_id.is_empty() || provider.client_secret.expose().is_empty() {
            wrong("client_id or client_secret is empty");
        }
        if !provider.scope.split(' ').any(|scope| scope == "openid") {
            wrong("its scope has no `openid`, so there would be no ID token");
        }
    }
    providers
}

fn may_be_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_safe(&url) && url.query().is_none() && url.fragment().is_none())
}

/// https, or a provider on this very machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}
