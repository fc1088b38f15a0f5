//! Tokens of others, taken apart and believed: those of providers and of the project's own server. Nobody
//! here has the keys to verify them, as in the emulator. They may be written as plain JSON, too.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// A token in its compact form (RFC 7515), unverified.
pub(super) struct Token {
    header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    signature: String,
}

impl Token {
    /// Whether it says that it has no signature, and has none.
    pub(super) fn is_unsigned(&self) -> bool {
        self.header.get("alg").and_then(Value::as_str) == Some("none") && self.signature.is_empty()
    }
}

/// Takes a token apart.
pub(super) fn parse(text: &str) -> Option<Token> {
    let mut parts = text.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let object = |part: &str| {
        let json = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&json).ok()
    };
    parts.next().is_none().then_some(Token {
        header: object(header)?,
        claims: object(claims)?,
        signature: signature.to_owned(),
    })
}

/// The claims of a token, or of plain JSON.
pub(super) fn claims(text: &str) -> Option<Map<String, Value>> {
    match text.starts_with('{') {
        true => serde_json::from_str(text).ok(),
        false => parse(text).map(|token| token.claims),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_so_and_has_no_signature_is_unsigned() {
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let token = |header: &str, signature: &str| {
            parse(&format!(
                "{}.{}.{signature}",
                encode(header),
                encode(r#"{"sub":"a"}"#)
            ))
        };
        assert!(token(r#"{"alg":"none"}"#, "").is_some_and(|token| token.is_unsigned()));
        for (header, signature) in [(r#"{"alg":"none"}"#, "x"), (r#"{"alg":"RS256"}"#, ""), ("{}", "")] {
            let token = token(header, signature).expect("it has three parts");
            assert!(!token.is_unsigned(), "{header} {signature}");
        }
        for broken in ["", "a.b", "e30.e30.x.y", "e30.bm8.x", "e30.$.x"] {
            assert!(parse(broken).is_none(), "{broken}");
        }
        assert_eq!(claims(r#"{"sub":"a"}"#).unwrap()["sub"], "a");
    }
}
