//! How the session stands in cookies.
//!
//! On https its name is `__Host-session`: a browser takes that name only with `Secure`, `Path=/` and no
//! `Domain`, so no sibling host and no plain http can plant one (RFC 6265bis section 4.1.3.2). The second
//! cookie, where it is switched on, carries the ID token to `/api/` and nowhere else, because a gateway
//! that reads it there would refuse an expired one wherever it is sent.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use super::{Session, Sessions, SignedIn};
use crate::error::Failure;

impl Sessions {
    /// The session in a request's cookies, and whether there is a cookie of ours at all.
    pub(super) fn read(&self, headers: &HeaderMap, https: bool) -> (Option<SignedIn>, bool) {
        let name = name(https);
        let mut found = false;
        // a name may be there twice (another path, another port of localhost): ours is the one that opens
        for value in values(headers, name).take(SAME_NAME) {
            found = true;
            let Some(opened) = self.seal.open(name, value) else {
                continue;
            };
            if let Ok(session) = serde_json::from_slice::<Session>(&opened.content) {
                let renewed = !opened.newest_key;
                return (Some(SignedIn { session, renewed }), true);
            }
        }
        let api = self.api_token_cookie.as_deref();
        found |= api.is_some_and(|name| values(headers, name).next().is_some());
        (None, found)
    }

    /// The `Set-Cookie` of a session.
    pub(super) fn session_cookie(&self, session: &Session, https: bool) -> Result<HeaderValue, Failure> {
        let name = name(https);
        let content = serde_json::to_vec(session).unwrap_or_default();
        let value = self.seal.seal(name, content).ok_or(Failure::NoRandomness)?;
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{}", secure(https));
        if cookie.len() > LONGEST {
            return Err(Failure::SessionTooLarge(cookie.len()));
        }
        HeaderValue::from_str(&cookie).map_err(|_| Failure::NoRandomness)
    }

    /// The `Set-Cookie` that carries the ID token to `/api/`, if switched on; it ends before the token does.
    pub(super) fn api_cookie(&self, session: &Session, https: bool, now: u64) -> Option<HeaderValue> {
        let name = self.api_token_cookie.as_ref()?;
        let age = session.exp.saturating_sub(now + 60);
        let value = if age == 0 { "" } else { session.id_token.as_str() };
        api_cookie(name, value, age, https)
    }

    /// The `Set-Cookie`s that end everything.
    pub(super) fn cleared(&self, https: bool) -> Vec<HeaderValue> {
        let session = format!(
            "{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{}",
            name(https),
            secure(https)
        );
        let api = self
            .api_token_cookie
            .as_ref()
            .and_then(|name| api_cookie(name, "", 0, https));
        HeaderValue::from_str(&session)
            .ok()
            .into_iter()
            .chain(api)
            .collect()
    }
}

fn api_cookie(name: &str, value: &str, age: u64, https: bool) -> Option<HeaderValue> {
    let secure = secure(https);
    let cookie = format!("{name}={value}; Path=/api/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}");
    HeaderValue::from_str(&cookie).ok()
}

fn name(https: bool) -> &'static str {
    if https { "__Host-session" } else { "session" }
}

fn secure(https: bool) -> &'static str {
    if https { "; Secure" } else { "" }
}

fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    pairs.filter_map(move |pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// Browsers keep 4096 bytes of name, value and attributes; a longer cookie is dropped without a word.
const LONGEST: usize = 4096;
/// Cookies of our name that are tried.
const SAME_NAME: usize = 4;
