//! Values that must never be printed: the API key and the keys of the session cookie.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chassis::env::Reader;
use serde::Deserialize;

/// A text that `Debug` does not show.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// A key of AES-256.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(pub [u8; 32]);

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(not shown)")
    }
}

/// `SESSION_KEYS`: base64, 32 bytes each, separated by commas. Problems name the position, not the value.
pub(super) fn session_keys(reader: &mut Reader<'_>) -> Vec<SessionKey> {
    let text = reader.required(
        "SESSION_KEYS",
        "the keys of the session cookie, base64 of 32 bytes each, separated by commas; make one with `openssl rand -base64 32`",
    );
    let mut keys = Vec::new();
    for (at, part) in text.split(',').map(str::trim).enumerate() {
        if text.is_empty() {
            break;
        }
        let at = at + 1;
        match LENIENT.decode(part).map(<[u8; 32]>::try_from) {
            Ok(Ok(key)) => keys.push(SessionKey(key)),
            Ok(Err(bytes)) => reader.problems.add(format!(
                "SESSION_KEYS: key {at} has {} bytes, 32 are needed (`openssl rand -base64 32`)",
                bytes.len()
            )),
            Err(_) => reader
                .problems
                .add(format!("SESSION_KEYS: key {at} is not base64")),
        }
    }
    if keys.len() > MOST_KEYS {
        reader.problems.add(format!(
            "SESSION_KEYS: {} keys; at most {MOST_KEYS} are useful at a time",
            keys.len()
        ));
    }
    keys
}

/// Keys at a time: the newest, and those whose cookies are still around.
const MOST_KEYS: usize = 8;

/// The standard alphabet, with padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
