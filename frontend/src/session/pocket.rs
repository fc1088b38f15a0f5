//! What a browser carries from one page of a flow to the next: an encrypted cookie of ten minutes, under a
//! label of its own, which is sealed in, so that it can never be taken for a session or for another flow's.

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{cookie, parts};
use crate::App;
use crate::arrival::Arrival;

#[derive(Serialize, Deserialize)]
struct Content<T> {
    until: u64,
    of: T,
}

/// Puts it into the answer.
pub(crate) fn put<T: Serialize>(app: &App, arrival: &Arrival, response: &mut Response, label: &str, of: T) {
    let name = name(arrival, label);
    let until = app.now() + LIFE;
    let content = serde_json::to_vec(&Content { until, of }).unwrap_or_default();
    let sealed = app.sessions.seal.seal(&name, content);
    let pieces = parts::split(sealed.unwrap_or_default()).unwrap_or_default();
    for (place, piece) in pieces.iter().enumerate() {
        set(arrival, response, &part(&name, place), piece, LIFE);
    }
}

/// What is in it, if it is whole and not over.
pub(crate) fn get<T: DeserializeOwned>(
    app: &App,
    arrival: &Arrival,
    headers: &HeaderMap,
    label: &str,
) -> Option<T> {
    let name = name(arrival, label);
    let mut values = cookie::values(headers, &name).take(2);
    let others = |place| {
        cookie::values_of(headers, part(&name, place))
            .take(2)
            .collect::<Vec<_>>()
    };
    let opened = values.find_map(|value| {
        let whole = parts::join(value, |place| others(place).into_iter())?;
        app.sessions.seal.open(&name, &whole)
    })?;
    let content: Content<T> = serde_json::from_slice(&opened.content).ok()?;
    (content.until > app.now()).then_some(content.of)
}

/// Ends it.
pub(crate) fn empty(arrival: &Arrival, response: &mut Response, label: &str) {
    set(arrival, response, &name(arrival, label), "", 0);
}

/// The labels that a browser has of a kind.
pub(crate) fn labels(arrival: &Arrival, headers: &HeaderMap, begin: &str) -> Vec<String> {
    let names = cookie::names(headers);
    let labels = names.filter_map(|name| name.strip_prefix(prefix(arrival)));
    labels
        .filter(|label| label.starts_with(begin))
        .map(str::to_owned)
        .collect()
}

fn set(arrival: &Arrival, response: &mut Response, name: &str, value: &str, age: u64) {
    let secure = cookie::secure(arrival.https);
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(SET_COOKIE, line);
    }
}

fn name(arrival: &Arrival, label: &str) -> String {
    format!("{}{label}", prefix(arrival))
}

/// What is longer than a cookie may be stands in several.
fn part(name: &str, place: usize) -> String {
    match place {
        0 => name.to_owned(),
        place => format!("{name}.{place}"),
    }
}

fn prefix(arrival: &Arrival) -> &'static str {
    if arrival.https { "__Host-" } else { "" }
}

/// The label of the second step, of a sign-in or of an enrolment.
pub(crate) const STEP: &str = "step";
/// Seconds between two pages of a flow.
const LIFE: u64 = 600;
