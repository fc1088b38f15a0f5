//! Claims that the owner of the project gives to a user or to a sign-in: which are allowed.

use serde_json::{Map, Value};

use super::error::Error;

/// Names that only the issuer may use.
const RESERVED: [&str; 16] = [
    "iss",
    "aud",
    "sub",
    "iat",
    "exp",
    "nbf",
    "jti",
    "nonce",
    "azp",
    "acr",
    "amr",
    "cnf",
    "auth_time",
    "firebase",
    "at_hash",
    "c_hash",
];
/// Characters of all of them.
const LONGEST: usize = 1000;

/// Refuses what is no object and what has a reserved name.
pub(super) fn allowed(claims: &Value) -> Result<Map<String, Value>, Error> {
    let claims = claims.as_object().ok_or(Error::Code("INVALID_CLAIMS"))?;
    match RESERVED.iter().find(|name| claims.contains_key(**name)) {
        Some(name) => Err(Error::Said(format!("FORBIDDEN_CLAIM : {name}"))),
        None => Ok(claims.clone()),
    }
}

/// The same for the text of `customAttributes`, which is kept as it came; an empty one takes all claims away.
pub(super) fn attributes(text: &str) -> Result<Option<String>, Error> {
    if text.len() > LONGEST {
        return Err(Error::Code("CLAIMS_TOO_LARGE"));
    }
    let claims = match text.trim() {
        "" => Map::new(),
        text => allowed(&serde_json::from_str(text).map_err(|_| Error::Code("INVALID_CLAIMS"))?)?,
    };
    Ok(Some(text.to_owned()).filter(|_| !claims.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_an_object_without_reserved_names_of_a_thousand_characters() {
        assert_eq!(
            attributes(r#"{"admin":true}"#),
            Ok(Some(r#"{"admin":true}"#.to_owned()))
        );
        assert_eq!((attributes(""), attributes("{}")), (Ok(None), Ok(None)));
        for (text, code) in [
            ("[]".to_owned(), "INVALID_CLAIMS"),
            ("{".to_owned(), "INVALID_CLAIMS"),
            (format!(r#"{{"a":"{}"}}"#, "x".repeat(1000)), "CLAIMS_TOO_LARGE"),
        ] {
            assert_eq!(attributes(&text), Err(Error::Code(code)));
        }
        let forbidden = Err(Error::Said("FORBIDDEN_CLAIM : firebase".to_owned()));
        assert_eq!(attributes(r#"{"firebase":{}}"#), forbidden);
    }
}
