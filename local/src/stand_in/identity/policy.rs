//! The project's rules for passwords: shown to whoever asks, kept by whoever sets one.

use axum::Json;
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};

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

/// Refuses a password with the list of what it lacks.
pub(super) fn check(password: &str) -> Result<(), Error> {
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

/// `GET v2/passwordPolicy`.
pub(super) async fn show(uri: Uri, headers: HeaderMap) -> Result<Json<Value>, Error> {
    calls::api_key(&uri, &headers)?;
    Ok(Json(json!({
        "customStrengthOptions": {
            "minPasswordLength": SHORTEST,
            "maxPasswordLength": LONGEST,
            "containsLowercaseCharacter": true,
            "containsUppercaseCharacter": true,
            "containsNumericCharacter": true,
        },
        "allowedNonAlphanumericCharacters": SPECIAL.chars().map(String::from).collect::<Vec<_>>(),
        "enforcementState": "ENFORCE",
        "forceUpgradeOnSignin": false,
        "schemaVersion": 1,
    })))
}

/// What would count as special, if the policy asked for it.
const SPECIAL: &str = "^$*.[]{}()?\"!@#%&/\\,><':;|_~";
