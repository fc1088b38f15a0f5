//! The project's rules for passwords: shown to whoever asks, kept by whoever sets one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Identity;
use super::calls;
use super::error::Error;

/// Shortest password, in characters.
const SHORTEST: usize = 8;
/// Longest password, in characters.
const LONGEST: usize = 4096;

type Rule = (&'static str, fn(&str) -> bool);

/// What a new password must fulfil, in the words of production, which clients take apart.
const RULES: [Rule; 5] = [
    ("Password must contain at least 8 characters", |password| {
        password.chars().count() >= SHORTEST
    }),
    ("Password may contain at most 4096 characters", |password| {
        password.chars().count() <= LONGEST
    }),
    ("Password must contain a lower case character", |password| {
        password.contains(|c: char| c.is_ascii_lowercase())
    }),
    ("Password must contain an upper case character", |password| {
        password.contains(|c: char| c.is_ascii_uppercase())
    }),
    ("Password must contain a numeric character", |password| {
        password.contains(|c: char| c.is_ascii_digit())
    }),
];

/// Refuses a password with the list of what it lacks. Without the policy only its length counts, which
/// [`super::password`] looks at.
pub(super) fn check(identity: &Identity, password: &str) -> Result<(), Error> {
    if !identity.project.settings().password_policy {
        return Ok(());
    }
    let broken = RULES.iter().filter(|(_, fits)| !fits(password));
    let broken: Vec<&str> = broken.map(|(text, _)| *text).collect();
    match broken.is_empty() {
        true => Ok(()),
        false => Err(Error::Said(format!(
            "PASSWORD_DOES_NOT_MEET_REQUIREMENTS : Missing password requirements: [{}]",
            broken.join(", ")
        ))),
    }
}

/// The tenant that is asked about; its rules are the project's.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Asked {
    tenant_id: Option<String>,
}

/// `GET v2/passwordPolicy`.
pub(super) async fn show(
    State(identity): State<Arc<Identity>>,
    Query(asked): Query<Asked>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    calls::api_key(&uri, &headers)?;
    identity.project.tenant(calls::given(&asked.tenant_id))?;
    let (options, state) = match identity.project.settings().password_policy {
        true => (
            json!({
                "minPasswordLength": SHORTEST,
                "maxPasswordLength": LONGEST,
                "containsLowercaseCharacter": true,
                "containsUppercaseCharacter": true,
                "containsNumericCharacter": true,
            }),
            "ENFORCE",
        ),
        false => (json!({ "minPasswordLength": super::password::SHORTEST }), "OFF"),
    };
    Ok(Json(json!({
        "customStrengthOptions": options,
        "allowedNonAlphanumericCharacters": SPECIAL.chars().map(String::from).collect::<Vec<_>>(),
        "enforcementState": state,
        "forceUpgradeOnSignin": false,
        "schemaVersion": 1,
    })))
}

/// What would count as special, if the policy asked for it.
const SPECIAL: &str = "^$*.[]{}()?\"!@#%&/\\,><':;|_~";
