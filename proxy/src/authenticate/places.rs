//! Where tokens are: headers, query parameters, cookies.

use std::borrow::Cow;

use http::header::COOKIE;
use http::uri::PathAndQuery;

use crate::head::Head;
use crate::plan::authentication::{JwtRule, TokenPlace};

/// A token as it was found. Not a word about it is printed.
pub(super) struct Found<'h> {
    /// The place in [`JwtRule::places`].
    pub(super) place: usize,
    /// The token, perhaps empty.
    pub(super) text: Cow<'h, str>,
}

/// Every token in the places of a rule, in their order; of a repeated header, each line's.
pub(super) fn tokens<'h>(rule: &JwtRule, head: &'h Head) -> Vec<Found<'h>> {
    let mut tokens = Vec::new();
    for (place, wanted) in rule.places.iter().enumerate() {
        let mut found = |text| tokens.push(Found { place, text });
        match wanted {
            TokenPlace::Header(name, prefix) => {
                let lines = head.headers.get_all(name).iter();
                lines
                    .filter_map(|line| behind(line.as_bytes(), prefix.as_bytes()))
                    // what is no text is no token either, and the parser says so
                    .for_each(|token| found(String::from_utf8_lossy(token)));
            }
            TokenPlace::Parameter(name) => parameter(head, name).into_iter().for_each(found),
            TokenPlace::Cookie(name) => cookie(head, name).into_iter().for_each(found),
        }
    }
    tokens
}

/// Takes an accepted token out of the request, with all that has its name. A cookie stays.
pub(super) fn remove(place: &TokenPlace, head: &mut Head) {
    match place {
        TokenPlace::Header(name, _) => {
            head.headers.remove(name);
        }
        TokenPlace::Parameter(name) => remove_parameter(head, name),
        TokenPlace::Cookie(_) => {}
    }
}

/// The prefix may stand anywhere. Behind it, what cannot begin a token is skipped; from there on the whole
/// rest is the token.
fn behind<'v>(value: &'v [u8], prefix: &[u8]) -> Option<&'v [u8]> {
    if prefix.is_empty() {
        return Some(value);
    }
    let at = value.windows(prefix.len()).position(|window| window == prefix)?;
    let rest = &value[at + prefix.len()..];
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // when nothing is left the whole value stands for the token, so that it is refused
    Some(rest.iter().position(begins).map_or(value, |start| &rest[start..]))
}

/// The first of that name; `+` is a plus sign.
fn parameter<'h>(head: &'h Head, name: &str) -> Option<Cow<'h, str>> {
    let pairs = head.target.query()?.split('&');
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(key, _)| decoded(key) == name)?;
    Some(decoded(value))
}

fn remove_parameter(head: &mut Head, name: &str) {
    let Some(query) = head.target.query() else {
        return;
    };
    let key = |pair: &str| decoded(pair.split_once('=').map_or(pair, |(key, _)| key)) == name;
    let kept: Vec<&str> = query.split('&').filter(|pair| !key(pair)).collect();
    let mut target = head.target.path().to_owned();
    if !kept.is_empty() {
        target.push('?');
        target.push_str(&kept.join("&"));
    }
    // a part of what was a target is one
    if let Ok(target) = PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)) {
        head.target = target;
    }
}

/// The first of that name over all lines (RFC 6265, section 4.2.1), without quotes around it.
fn cookie<'h>(head: &'h Head, name: &str) -> Option<Cow<'h, str>> {
    let lines = head.headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        value.strip_prefix(b"=")
    });
    let value = values.next()?;
    let quoted = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    Some(String::from_utf8_lossy(quoted.unwrap_or(value)))
}

/// `%XX` decoded (RFC 3986, section 2.1); what is no escape stays.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |place: usize| bytes.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}
