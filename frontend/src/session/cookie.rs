//! How the session stands in cookies.
//!
//! On https its name is `__Host-session`: a browser takes that name only with `Secure`, `Path=/` and no
//! `Domain`, so no sibling host and no plain http can plant one (RFC 6265bis section 4.1.3.2). The second
//! cookie, where it is switched on, carries the ID token to `/api/` and nowhere else, because a gateway
//! that reads it there would refuse an expired one wherever it is sent.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use super::{Session, Sessions, SignedIn, parts};
use crate::arrival::Arrival;
use crate::error::Failure;

impl Sessions {
    /// The session in a request's cookies, and whether there is a cookie of ours at all.
    pub(super) fn read(&self, headers: &HeaderMap, https: bool) -> (Option<SignedIn>, bool) {
        let name = name(https);
        let mut found = false;
        // a name may be there twice (another path, another port of localhost): ours is the one that opens
        for value in values(headers, name).take(SAME_NAME) {
            found = true;
            let whole = parts::join(value, |place| values_of(headers, part_name(name, place)));
            let Some(opened) = whole.and_then(|whole| self.seal.open(name, &whole)) else {
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

    /// The session of a request, whatever its age.
    pub(crate) fn peek(&self, headers: &HeaderMap, arrival: &Arrival) -> Option<Session> {
        Some(self.read(headers, arrival.https).0?.session)
    }

    /// The `Set-Cookie`s of a session, and the end of parts that a longer one left.
    pub(super) fn session_cookies(
        &self,
        session: &Session,
        arrival: &Arrival,
    ) -> Result<Vec<HeaderValue>, Failure> {
        let name = name(arrival.https);
        let content = serde_json::to_vec(session).unwrap_or_default();
        let value = self.seal.seal(name, content).ok_or(Failure::NoRandomness)?;
        let size = value.len();
        let parts = parts::split(value).ok_or(Failure::SessionTooLarge(size))?;
        let left = (parts.len()..parts::MOST).filter(|place| arrival.session_parts.has(*place));
        let left: Vec<_> = left.map(|place| ended(name, place, arrival.https)).collect();
        let parts = parts.iter().enumerate().map(|(place, part)| {
            let secure = secure(arrival.https);
            format!(
                "{}={part}; Path=/; HttpOnly; SameSite=Lax{secure}",
                part_name(name, place)
            )
        });
        let lines = parts.chain(left).map(|line| HeaderValue::from_str(&line));
        lines.collect::<Result<_, _>>().map_err(|_| Failure::NoRandomness)
    }

    /// The `Set-Cookie` that carries the ID token to `/api/`, if switched on; it ends before the token does.
    pub(super) fn api_cookie(&self, session: &Session, https: bool, now: u64) -> Option<HeaderValue> {
        let name = self.api_token_cookie.as_ref()?;
        let age = session.exp.saturating_sub(now + 60);
        let value = if age == 0 { "" } else { session.id_token.as_str() };
        api_cookie(name, value, age, https)
    }

    /// The `Set-Cookie`s that end everything.
    pub(super) fn cleared(&self, arrival: &Arrival) -> Vec<HeaderValue> {
        let name = name(arrival.https);
        let places = (0..parts::MOST).filter(|place| *place == 0 || arrival.session_parts.has(*place));
        let session =
            places.filter_map(|place| HeaderValue::from_str(&ended(name, place, arrival.https)).ok());
        let api = self.api_token_cookie.as_ref();
        let api = api.and_then(|name| api_cookie(name, "", 0, arrival.https));
        session.chain(api).collect()
    }
}

/// Which further parts of a session a request has, of whatever session they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parts([bool; parts::MOST]);

impl Parts {
    pub(crate) fn of(headers: &HeaderMap, https: bool) -> Parts {
        let name = name(https);
        let is_there = |place| place > 0 && values_of(headers, part_name(name, place)).next().is_some();
        Parts(std::array::from_fn(is_there))
    }

    fn has(self, place: usize) -> bool {
        self.0.get(place).copied().unwrap_or_default()
    }
}

fn ended(name: &str, place: usize, https: bool) -> String {
    let (name, secure) = (part_name(name, place), secure(https));
    format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}")
}

/// `session`, then `session-1` and so on.
fn part_name(name: &str, place: usize) -> String {
    match place {
        0 => name.to_owned(),
        place => format!("{name}-{place}"),
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

pub(super) fn secure(https: bool) -> &'static str {
    if https { "; Secure" } else { "" }
}

pub(super) fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    values_of(headers, name.to_owned())
}

/// The names of all cookies.
pub(super) fn names(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';'));
    pairs.filter_map(|pair| Some(pair.trim().split_once('=')?.0))
}

pub(super) fn values_of(headers: &HeaderMap, name: String) -> impl Iterator<Item = &str> {
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

/// Cookies of our name that are tried.
const SAME_NAME: usize = 4;
