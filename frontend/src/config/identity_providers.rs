//! `IDENTITY_PROVIDERS`: the providers inside Identity Platform that the sign-in page offers. Their ids,
//! separated by commas; or in JSON with names. No secret is in it: those are in Identity Platform.

use chassis::env::Reader;
use serde::Deserialize;

/// One provider, as an operator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Identity Platform's name for it, such as `google.com` or `oidc.staff`.
    pub id: String,
    /// Its name on the page.
    pub name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: Option<String>,
}

/// Reads all of them.
pub(super) fn identity_providers(reader: &mut Reader<'_>) -> Vec<IdentityProvider> {
    let Some(text) = reader.text(NAME) else {
        return Vec::new();
    };
    let entries = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(&text),
        false => Ok(listed(&text)),
    };
    let entries: Vec<Entry> = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            reader.problems.add(format!(
                "{NAME}: line {line}, column {column}: neither ids separated by commas (google.com,github.com) \
                 nor a list of {{id, name?}} in JSON"
            ));
            return Vec::new();
        }
    };
    for (at, entry) in entries.iter().enumerate() {
        let twice = entries[..at].iter().any(|other| other.id == entry.id);
        let twice = twice.then_some("there is another one with this id");
        let empty = entry.name.as_deref().is_some_and(|name| name.trim().is_empty());
        let empty = empty.then_some("its name is empty");
        for wrong in [unusable(&entry.id), twice, empty].into_iter().flatten() {
            reader
                .problems
                .add(format!("{NAME}: provider {:?}: {wrong}", entry.id));
        }
    }
    let providers = entries.into_iter().map(|entry| IdentityProvider {
        name: entry.name.unwrap_or_else(|| usual_name(&entry.id).to_owned()),
        id: entry.id,
    });
    providers.collect()
}

fn listed(text: &str) -> Vec<Entry> {
    let ids = text.split(',').map(|id| Entry {
        id: id.trim().to_owned(),
        name: None,
    });
    ids.collect()
}

/// Why a provider cannot be offered: its answer has to come back as a link, with a `state`.
fn unusable(id: &str) -> Option<&'static str> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let own = id.strip_prefix("oidc.").is_some_and(|name| !name.is_empty());
    match id {
        "twitter.com" => Some("it speaks OAuth 1, which has no `state`, so an answer belongs to no browser"),
        "apple.com" => Some("it answers with a form from its own site, which is refused here"),
        id if id.starts_with("saml.") => {
            Some("SAML answers with a form from another site, which is refused here")
        }
        id if KNOWN.iter().any(|(known, _)| *known == id) => None,
        id if own && id.len() <= 64 && id.bytes().all(letters) => None,
        _ => Some(
            "not an id of Identity Platform: google.com, facebook.com, github.com, linkedin.com, microsoft.com, \
             yahoo.com or oidc.NAME",
        ),
    }
}

fn usual_name(id: &str) -> &str {
    let known = KNOWN.iter().find(|(known, _)| *known == id);
    known.map_or_else(|| id.strip_prefix("oidc.").unwrap_or(id), |(_, name)| name)
}

const NAME: &str = "IDENTITY_PROVIDERS";
const KNOWN: [(&str, &str); 6] = [
    ("google.com", "Google"),
    ("facebook.com", "Facebook"),
    ("github.com", "GitHub"),
    ("linkedin.com", "LinkedIn"),
    ("microsoft.com", "Microsoft"),
    ("yahoo.com", "Yahoo"),
];
