//! What signs tokens: two keys of which one signs and both are published, as Google does it, and another one
//! for session cookies. Signing moves to another key when a test asks for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::compact;
use super::error::Error;
use crate::stand_in::key::SigningKey;

/// Where the key that signs is kept, below the state's folder.
pub(crate) const SIGNING_KEY: &str = "identity/signing-key.pk8";
/// And the other one that is published.
pub(crate) const STANDBY_KEY: &str = "identity/standby-key.pk8";
/// And that of session cookies, which is made when the first one is asked for.
const COOKIE_KEY: &str = "identity/cookie-key.pk8";

/// All keys.
pub(super) struct Keys {
    state: PathBuf,
    /// Tokens without a signature, for clients that insist on them.
    unsigned: bool,
    pair: RwLock<Arc<Pair>>,
    cookie: Mutex<Option<Arc<SigningKey>>>,
}

/// What verifies ID tokens.
struct Pair {
    signing: Arc<SigningKey>,
    standby: Arc<SigningKey>,
}

impl Keys {
    /// Reads the keys, or makes them.
    pub(super) fn load_or_make(state: &Path, unsigned: bool) -> Result<Keys> {
        let load = |path: &str| SigningKey::load_or_make(&state.join(path)).map(Arc::new);
        Ok(Keys {
            state: state.to_owned(),
            unsigned,
            pair: RwLock::new(Arc::new(Pair {
                signing: load(SIGNING_KEY)?,
                standby: load(STANDBY_KEY)?,
            })),
            cookie: Mutex::new(None),
        })
    }

    /// Whether tokens are signed.
    pub(super) fn sign_tokens(&self) -> bool {
        !self.unsigned
    }

    /// An ID token over these claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, Error> {
        self.sign_with(&self.pair().signing, claims)
    }

    /// A session cookie over these claims.
    pub(super) fn sign_cookie(&self, claims: &Value) -> Result<String, Error> {
        let key = self.cookie()?;
        self.sign_with(&key, claims)
    }

    fn sign_with(&self, key: &SigningKey, claims: &Value) -> Result<String, Error> {
        if self.unsigned {
            return Ok(unsigned(claims));
        }
        key.sign(claims)
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// The claims of an ID token that came from here, or nothing. Says nothing about its time.
    pub(super) fn claims(&self, token: &str) -> Option<Map<String, Value>> {
        let pair = self.pair();
        let signed = pair.signing.claims(token).or_else(|| pair.standby.claims(token));
        if signed.is_some() || !self.unsigned {
            return signed;
        }
        let token = compact::parse(token).filter(compact::Token::is_unsigned)?;
        Some(token.claims)
    }

    /// The keys that verify ID tokens, the one that signs first.
    pub(super) fn jwks(&self) -> Value {
        let pair = self.pair();
        let keys: Vec<Value> = [&pair.signing, &pair.standby].map(|key| key.jwk()).into();
        json!({ "keys": keys })
    }

    /// The same as `{kid: certificate}`.
    pub(super) fn x509(&self) -> Result<Value, Error> {
        let pair = self.pair();
        certificates(
            &[&pair.signing, &pair.standby],
            "securetoken.system.gserviceaccount.com",
        )
    }

    /// The key that verifies session cookies.
    pub(super) fn cookie_jwks(&self) -> Result<Value, Error> {
        Ok(json!({ "keys": [self.cookie()?.jwk()] }))
    }

    /// The same as `{kid: certificate}`.
    pub(super) fn cookie_x509(&self) -> Result<Value, Error> {
        certificates(&[&*self.cookie()?], "session.firebase.google.com")
    }

    /// Moves signing to the standby key, which everybody may know already, or to a fresh one, which nobody
    /// can. What signed until now stays published.
    pub(super) fn rotate(&self, fresh: bool) -> Result<(), Error> {
        let next = |pair: &Pair| -> Result<Arc<SigningKey>> {
            match fresh {
                true => SigningKey::make().map(Arc::new),
                false => Ok(pair.standby.clone()),
            }
        };
        let rotate = || -> Result<()> {
            let mut pair = self.pair.write().unwrap_or_else(PoisonError::into_inner);
            let rotated = Pair {
                signing: next(&pair)?,
                standby: pair.signing.clone(),
            };
            rotated.standby.keep(&self.state.join(STANDBY_KEY))?;
            rotated.signing.keep(&self.state.join(SIGNING_KEY))?;
            *pair = Arc::new(rotated);
            Ok(())
        };
        rotate()
            .context("cannot change the signing key")
            .map_err(|error| Error::Internal(format!("{error:#}")))
    }

    fn pair(&self) -> Arc<Pair> {
        self.pair.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn cookie(&self) -> Result<Arc<SigningKey>, Error> {
        let mut kept = self.cookie.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*kept {
            return Ok(key.clone());
        }
        let key = SigningKey::load_or_make(&self.state.join(COOKIE_KEY))
            .map_err(|error| Error::Internal(format!("{error:#}")))?;
        Ok(kept.insert(Arc::new(key)).clone())
    }
}

fn certificates(keys: &[&SigningKey], name: &str) -> Result<Value, Error> {
    let mut all = Map::new();
    for key in keys {
        let certificate = key
            .certificate(name)
            .map_err(|error| Error::Internal(format!("{error:#}")))?;
        all.insert(key.id().to_owned(), certificate.into());
    }
    Ok(all.into())
}

/// A token that nobody vouches for: `alg` is `none` and the signature is empty.
pub(super) fn unsigned(claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.",
        encode(&json!({ "alg": "none", "typ": "JWT" })),
        encode(claims)
    )
}
