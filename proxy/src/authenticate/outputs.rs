//! `outputClaimToHeaders` and `outputPayloadToHeader`: what a verified token says, as headers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use jwt::Token;
use serde_json::Value;

use super::verify::Accepted;
use crate::plan::authentication::JwtRule;

/// Removes what only the rule may write.
pub(super) fn remove(rule: &JwtRule, headers: &mut HeaderMap) {
    let claims = rule.claim_headers.iter().map(|(name, _)| name);
    for name in claims.chain(&rule.payload_header) {
        headers.remove(name);
    }
}

/// Adds a line for each, so that several tokens are told one after the other.
pub(super) fn write(accepted: &Accepted, headers: &mut HeaderMap) {
    for (name, value) in &accepted.outputs {
        headers.append(name, value.clone());
    }
}

/// What the rule has to write for a token.
pub(super) fn of(rule: &JwtRule, token: &Token<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut outputs = Vec::new();
    for (name, path) in &rule.claim_headers {
        let claim = path.split_first().and_then(|(first, nested)| {
            let claim = token.claims().get(&**first);
            nested
                .iter()
                .fold(claim, |claim, name| claim?.as_object()?.get(&**name))
        });
        let Some(text) = claim.and_then(text) else {
            continue;
        };
        // what no header may hold is left out, as a claim that is missing; spaces around a value are no part
        // of it (RFC 9110, section 5.5)
        let value = HeaderValue::from_bytes(text.trim_matches([' ', '\t']).as_bytes());
        if let Some(value) = value.ok().filter(|value| !value.is_empty()) {
            outputs.push((name.clone(), value));
        }
    }
    if let Some(name) = &rule.payload_header
        && let Ok(value) = HeaderValue::from_str(token.payload().trim_end_matches('='))
    {
        outputs.push((name.clone(), value));
    }
    outputs
}

/// Numbers are doubles; lists and objects are Base64 of their JSON.
fn text(claim: &Value) -> Option<String> {
    match claim {
        Value::Null => None,
        Value::Bool(truth) => Some(truth.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_f64().map(number_text),
        Value::Array(_) | Value::Object(_) => Some(STANDARD.encode(claim.to_string())),
    }
}

fn number_text(number: f64) -> String {
    if (0.0..TWO_TO_THE_64).contains(&number) && number.fract() == 0.0 {
        format!("{}", number as u64)
    } else {
        format!("{number:.6}")
    }
}

const TWO_TO_THE_64: f64 = 18_446_744_073_709_551_616.0;
