//! Single values of documents: durations, ports, numbers, enums, header names, expressions, and the
//! string matchers made of them.

use std::fmt::Display;
use std::time::Duration;

use http::HeaderName;

use crate::istio::common::{Percent, StringMatch};
use crate::istio::report::{At, Report};
use crate::plan::text::TextMatch;
use crate::re2::Re2;

/// Istio's own limit on the length of an expression.
const MAX_REGEX: usize = 1024;

/// A hundred years: what is longer overflows somewhere, and nobody waits for it.
const MAX_MILLISECONDS: u64 = 100 * 365 * 24 * 3600 * 1000;

/// The usual reason for refusing a field.
pub(crate) const NOT_IN_SUBSET: &str =
    "not supported: legal in Istio, but not in the subset that is read here";

/// A duration as Go writes them, of whole milliseconds and at least one: what Istio's schema asks for.
pub(crate) fn duration(text: Option<&String>, at: &At<'_>, report: &mut Report) -> Option<Duration> {
    let duration = any_duration(text, at, report)?;
    if duration.is_zero() {
        report.error(at, format!("{} is below the least duration, 1ms", text?));
        return None;
    }
    Some(duration)
}

/// The same, and zero too.
pub(crate) fn any_duration(text: Option<&String>, at: &At<'_>, report: &mut Report) -> Option<Duration> {
    let text = text?;
    match parse_duration(text) {
        Ok(duration) => Some(duration),
        Err(problem) => {
            report.error(at, format!("{text:?} {problem}"));
            None
        }
    }
}

/// `1h30m`, `1.5s`, `250ms`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u128); 7] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let malformed = || "is no duration; write 1.5s, 250ms or 1h30m".to_owned();
    if text.starts_with('-') {
        return Err("is below zero".to_owned());
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() || rest.len() > 64 {
        return Err(malformed());
    }
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(malformed)?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let (_, scale) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(malformed)?;
        let part = scaled(number, *scale).ok_or_else(malformed)?;
        nanoseconds = nanoseconds.checked_add(part).ok_or_else(malformed)?;
        rest = tail;
    }
    if !nanoseconds.is_multiple_of(1_000_000) {
        return Err("is no whole number of milliseconds".to_owned());
    }
    match u64::try_from(nanoseconds / 1_000_000) {
        Ok(milliseconds) if milliseconds <= MAX_MILLISECONDS => Ok(Duration::from_millis(milliseconds)),
        _ => Err("is longer than a hundred years".to_owned()),
    }
}

/// A decimal number times a unit, without floating point.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        total = total.checked_add(u128::from(digit - b'0') * place)?;
    }
    Some(total)
}

/// A port number that must be there.
pub(crate) fn port(number: Option<i64>, at: &At<'_>, report: &mut Report) -> Option<u16> {
    let Some(number) = number else {
        report.error(at, "missing: a port from 1 to 65535 is needed");
        return None;
    };
    let port = u16::try_from(number).ok().filter(|port| *port != 0);
    if port.is_none() {
        report.error(at, format!("{number} is no port; 1 to 65535 are"));
    }
    port
}

/// A number that is not negative.
pub(crate) fn count(number: Option<i64>, at: &At<'_>, report: &mut Report) -> Option<u32> {
    let number = number?;
    let count = u32::try_from(number).ok();
    if count.is_none() {
        report.error(
            at,
            format!("{number} is out of range; 0 to {} is possible", u32::MAX),
        );
    }
    count
}

/// A share in parts of a million.
pub(crate) fn per_million(percent: &Percent, at: &At<'_>, report: &mut Report) -> Option<u32> {
    let value = percent.value.unwrap_or(0.0);
    if !(0.0..=100.0).contains(&value) {
        report.error(at, format!("{value} is no percentage; 0 to 100 are"));
        return None;
    }
    // between 0 and a million, so nothing is lost
    Some((value * 10_000.0).round() as u32)
}

/// Text that must be one of a few words.
pub(crate) fn one_of<T: Copy>(
    text: &str,
    words: &[(&str, T)],
    at: &At<'_>,
    report: &mut Report,
) -> Option<T> {
    let found = words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, value)| *value);
    if found.is_none() {
        let supported = list(words.iter().map(|(word, _)| *word));
        report.error(at, format!("{text} is not supported; {supported}"));
    }
    found
}

/// `A is`, `A and B are`.
fn list<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.collect();
    match words.split_last() {
        Some((last, [])) => format!("{last} is"),
        Some((last, others)) => format!("{} and {last} are", others.join(", ")),
        None => "nothing is".to_owned(),
    }
}

/// Refuses a field that is there.
pub(crate) fn refuse<T>(field: Option<&T>, at: &At<'_>, reason: impl Display, report: &mut Report) {
    if field.is_some() {
        report.error(at, reason);
    }
}

/// The name of a header.
pub(crate) fn header_name(text: &str, at: &At<'_>, report: &mut Report) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(text.as_bytes()).ok();
    if name.is_none() {
        report.error(at, format!("{text:?} is no header name (RFC 9110, section 5.1)"));
    }
    name
}

/// An expression that matches whole values.
pub(crate) fn regex(text: &str, at: &At<'_>, report: &mut Report) -> Option<Re2> {
    if text.is_empty() {
        report.error(at, "an expression must not be empty");
        return None;
    }
    if text.len() > MAX_REGEX {
        report.error(
            at,
            format!(
                "the expression has {} bytes; at most {MAX_REGEX} are allowed",
                text.len()
            ),
        );
        return None;
    }
    match Re2::compile(text) {
        Ok(regex) => Some(regex),
        Err(problem) => {
            report.error(at, format!("{text:?} is no expression of RE2: {problem}"));
            None
        }
    }
}

/// A matcher by its kind.
pub(crate) enum Matcher<'m> {
    Exact(&'m str),
    Prefix(&'m str),
    Regex(&'m str),
    /// None of the three.
    Empty,
}

/// Reads a matcher, which may have one kind only.
pub(crate) fn matcher<'m>(matcher: &'m StringMatch, at: &At<'_>, report: &mut Report) -> Matcher<'m> {
    let kinds = [
        ("exact", &matcher.exact),
        ("prefix", &matcher.prefix),
        ("regex", &matcher.regex),
    ];
    let present: Vec<_> = kinds
        .iter()
        .filter(|(_, text)| text.is_some())
        .map(|(kind, _)| *kind)
        .collect();
    if present.len() > 1 {
        report.error(
            at,
            format!("{} at the same time: one of them only", present.join(" and ")),
        );
    }
    match (&matcher.exact, &matcher.prefix, &matcher.regex) {
        (Some(text), ..) => Matcher::Exact(text),
        (_, Some(text), _) => Matcher::Prefix(text),
        (.., Some(text)) => Matcher::Regex(text),
        _ => Matcher::Empty,
    }
}

/// A matcher for anything but a path; an empty one matches every value that is there.
pub(crate) fn text_match(raw: &StringMatch, at: &At<'_>, report: &mut Report) -> Option<TextMatch> {
    match matcher(raw, at, report) {
        Matcher::Exact(text) => Some(TextMatch::Exact(text.into())),
        Matcher::Prefix("") => {
            report.error(&at.key("prefix"), "a prefix must not be empty");
            None
        }
        Matcher::Prefix(text) => Some(TextMatch::Prefix(text.into())),
        Matcher::Regex("*") => {
            report.error(
                &at.key("regex"),
                "\"*\" is no expression; an empty matcher, {}, takes any value",
            );
            None
        }
        Matcher::Regex(text) => regex(text, &at.key("regex"), report).map(TextMatch::Regex),
        Matcher::Empty => Some(TextMatch::Any),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_duration;
    use std::time::Duration;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("1s", 1000),
            ("1.5s", 1500),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            (".5s", 500),
            ("1m0.001s", 60_001),
            ("1000us", 1),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "1",
            "soon",
            "-1s",
            "1d",
            "1.5us",
            "1..5s",
            "s",
            ".s",
            "99999999999999h",
            "1s 2s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
