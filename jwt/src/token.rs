//! One token in compact form: three sections, two JSON objects, and the claims everyone looks at.

use std::fmt;

use serde_json::{Map, Value};

use crate::{Algorithm, Error, base64url, json};

/// A token that is well formed. Nothing in it is true until [`crate::Jwks::verify`] says so.
pub struct Token<'a> {
    signing_input: &'a str,
    payload: &'a str,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signature: Vec<u8>,
    algorithm: Algorithm,
    issued_at: Option<u64>,
    validity: Validity,
}

impl<'a> Token<'a> {
    /// Takes `text` apart, in Envoy's order, up to the signature's encoding.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let Sections {
            header,
            payload,
            signature,
            signing_input,
        } = Sections::of(text)?;

        let header = base64url::decode(header).ok_or(Error::HeaderBase64)?;
        let header = json::object(&header).ok_or(Error::HeaderJson)?;
        let algorithm = algorithm(&header)?;
        if header.get("kid").is_some_and(|kid| !kid.is_string()) {
            return Err(Error::KeyIdNotAString);
        }

        let claims = base64url::decode(payload).ok_or(Error::PayloadBase64)?;
        let claims = json::object(&claims).ok_or(Error::PayloadJson)?;
        string(&claims, "iss")?;
        string(&claims, "sub")?;
        let issued_at = seconds(&claims, "iat")?;
        let not_before = seconds(&claims, "nbf")?;
        let expires_at = seconds(&claims, "exp")?;
        string(&claims, "jti")?;
        string_or_strings(&claims)?;

        let signature = base64url::decode(signature).ok_or(Error::SignatureBase64)?;
        let validity = Validity {
            not_before,
            expires_at,
        };
        Ok(Self {
            signing_input,
            payload,
            header,
            claims,
            signature,
            algorithm,
            issued_at,
            validity,
        })
    }

    /// `alg`.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `kid`; an empty one is none.
    pub fn key_id(&self) -> Option<&str> {
        text(&self.header, "kid").filter(|kid| !kid.is_empty())
    }

    /// `crit`, whatever its form. We know no extension, so who follows RFC 7515 section 4.1.11 refuses
    /// every token that has it; Envoy does not look.
    pub fn critical(&self) -> Option<&Value> {
        self.header.get("crit")
    }

    /// All of the header.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// `iss`; an empty one is given as it is.
    pub fn issuer(&self) -> Option<&str> {
        text(&self.claims, "iss")
    }

    /// `sub`; an empty one is given as it is.
    pub fn subject(&self) -> Option<&str> {
        text(&self.claims, "sub")
    }

    /// `aud`, be it one string or a list.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        let audience = self.claims.get("aud");
        let one = audience.and_then(Value::as_str);
        let list = audience
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        one.into_iter().chain(list)
    }

    /// `iat` in Unix seconds. No check looks at it here.
    pub fn issued_at(&self) -> Option<u64> {
        self.issued_at
    }

    /// `nbf` and `exp`: small enough to keep for as long as the token is remembered.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Is the token valid at `now` (Unix seconds), with clocks that are `leeway` seconds apart?
    pub fn check_time(&self, now: u64, leeway: u64) -> Result<(), Error> {
        self.validity.check(now, leeway)
    }

    /// All claims.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// All claims, to keep.
    pub fn into_claims(self) -> Map<String, Value> {
        self.claims
    }

    /// The second section as it was sent, Base64url.
    pub fn payload(&self) -> &'a str {
        self.payload
    }

    /// What the signature is made over: the first two sections as they were sent.
    pub fn signing_input(&self) -> &'a str {
        self.signing_input
    }

    /// The signature's bytes.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// Says which algorithm and nothing that would let a reader of a log become the token's owner.
impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// From when until when, in Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// `nbf`.
    pub not_before: Option<u64>,
    /// `exp`. None and 0 both mean for ever, to Envoy.
    pub expires_at: Option<u64>,
}

impl Validity {
    /// As [`Token::check_time`].
    pub fn check(self, now: u64, leeway: u64) -> Result<(), Error> {
        if self
            .not_before
            .is_some_and(|nbf| nbf > now.saturating_add(leeway))
        {
            return Err(Error::NotYetValid);
        }
        match self.expires_at {
            Some(exp) if exp != 0 && now > exp.saturating_add(leeway) => Err(Error::Expired),
            _ => Ok(()),
        }
    }
}

/// The compact form (RFC 7515 section 3.1), not yet decoded.
struct Sections<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signing_input: &'a str,
}

impl<'a> Sections<'a> {
    fn of(text: &'a str) -> Result<Self, Error> {
        let (signing_input, signature) = text.rsplit_once('.').ok_or(Error::Form)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Error::Form)?;
        let sections = [header, payload, signature];
        if sections.iter().any(|section| section.is_empty()) || payload.contains('.') {
            return Err(Error::Form);
        }
        Ok(Self {
            header,
            payload,
            signature,
            signing_input,
        })
    }
}

fn algorithm(header: &Map<String, Value>) -> Result<Algorithm, Error> {
    let name = text(header, "alg").ok_or(Error::AlgorithmMissing)?;
    Algorithm::from_name(name).ok_or(Error::AlgorithmNotSupported)
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    members.get(name).and_then(Value::as_str)
}

fn string(claims: &Map<String, Value>, name: &'static str) -> Result<(), Error> {
    match claims.get(name) {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => Err(Error::NotAString(name)),
    }
}

fn string_or_strings(claims: &Map<String, Value>) -> Result<(), Error> {
    match claims.get("aud") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(Error::AudienceNotAString),
    }
}

/// A NumericDate (RFC 7519 section 2). Fractions are cut off, as Envoy, which holds a double, does.
fn seconds(claims: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, Error> {
    let number = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(Error::NotAnInteger(name)),
    };
    let double = number.as_f64().ok_or(Error::NotPositive(name))?;
    if !(0.0..TWO_TO_THE_64).contains(&double) {
        return Err(Error::NotPositive(name));
    }
    Ok(Some(number.as_u64().unwrap_or(double as u64)))
}

const TWO_TO_THE_64: f64 = 18_446_744_073_709_551_616.0;

#[cfg(test)]
mod tests;
