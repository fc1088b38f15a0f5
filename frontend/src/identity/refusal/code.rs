//! The error envelope of Google's APIs: the code in it, and the two details that are read.

use serde::Deserialize;

use crate::identity::policy::Rule;

#[derive(Deserialize)]
struct Envelope {
    error: Inner,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    message: String,
}

/// The message of an envelope; empty when it is none.
pub(super) fn message(body: &[u8]) -> String {
    serde_json::from_slice::<Envelope>(body).map_or_else(|_| String::new(), |envelope| envelope.error.message)
}

/// What stands before the first colon, if it looks like a code.
pub(super) fn code(message: &str) -> &str {
    let code = message.split(':').next().unwrap_or_default().trim();
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    match code.len() <= 64 && code.bytes().all(fits) {
        true => code,
        false => "",
    }
}

/// `… Missing password requirements: [a, b]`.
pub(super) fn rules(message: &str) -> Vec<Rule> {
    let list = message.split_once('[').map_or("", |(_, list)| list);
    let list = list.split(']').next().unwrap_or_default();
    list.split(", ").filter_map(Rule::of).collect()
}

/// What a blocking function says to the user, in either of its spellings: a JSON tail, or
/// `Message: "…"`. It is the project's own text; the page escapes it, and here it is cut short.
pub(super) fn blocking_message(message: &str) -> Option<String> {
    let text = match message
        .find('{')
        .and_then(|at| serde_json::from_str::<Envelope>(&message[at..]).ok())
    {
        Some(envelope) => envelope.error.message,
        None => {
            let (_, tail) = message.rsplit_once("Message: \"")?;
            tail.rsplit_once('"')?.0.to_owned()
        }
    };
    let text: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Characters of a blocking function's text that are shown.
const LONGEST: usize = 300;
