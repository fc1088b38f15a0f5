//! What a browser carries from one page of a flow to the next: an encrypted cookie of ten minutes, under a
//! name of its own, so that it can never be taken for a session.

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::cookie;
use crate::App;
use crate::arrival::Arrival;

#[derive(Serialize, Deserialize)]
struct Content<T> {
    until: u64,
    of: T,
}

/// Puts it into the answer.
pub(crate) fn put<T: Serialize>(app: &App, arrival: &Arrival, response: &mut Response, of: T) {
    let name = name(arrival.https);
    let until = app.now() + LIFE;
    let content = serde_json::to_vec(&Content { until, of }).unwrap_or_default();
    let sealed = app.sessions.seal.seal(name, content);
    set(arrival, response, sealed.as_deref().unwrap_or_default(), LIFE);
}

/// What is in it, if it is whole and not over.
pub(crate) fn get<T: DeserializeOwned>(app: &App, arrival: &Arrival, headers: &HeaderMap) -> Option<T> {
    let name = name(arrival.https);
    let mut values = cookie::values(headers, name).take(2);
    let opened = values.find_map(|value| app.sessions.seal.open(name, value))?;
    let content: Content<T> = serde_json::from_slice(&opened.content).ok()?;
    (content.until > app.now()).then_some(content.of)
}

/// Ends it.
pub(crate) fn empty(arrival: &Arrival, response: &mut Response) {
    set(arrival, response, "", 0);
}

fn set(arrival: &Arrival, response: &mut Response, value: &str, age: u64) {
    let (name, secure) = (name(arrival.https), cookie::secure(arrival.https));
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(SET_COOKIE, line);
    }
}

/// Not to be confused with the session's: the name is sealed in.
fn name(https: bool) -> &'static str {
    if https { "__Host-step" } else { "step" }
}

/// Seconds between two pages of a flow.
const LIFE: u64 = 600;
