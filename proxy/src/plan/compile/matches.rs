//! `match` of a rule: conditions on a request.

use std::collections::BTreeMap;

use crate::istio::common::StringMatch;
use crate::istio::report::{At, Report};
use crate::istio::virtual_service::HttpMatch;
use crate::plan::route::{HeaderKey, PathMatch, RequestMatch};
use crate::plan::text::TextMatch;

use super::value::{Matcher, header_name, matcher, regex, text_match};

/// How a header's name says that a claim is meant.
const CLAIMS: &str = "@request.auth.claims";

/// Reads an entry; none when it cannot be read.
pub(crate) fn compile(raw: &HttpMatch, at: &At<'_>, report: &mut Report) -> Option<RequestMatch> {
    let before = report.errors.len();
    let mut matches = RequestMatch {
        path: raw
            .uri
            .as_ref()
            .and_then(|uri| path(uri, raw.ignore_uri_case, &at.key("uri"), report)),
        ..RequestMatch::default()
    };
    let mut single = |field: &Option<StringMatch>, key: &str| {
        field
            .as_ref()
            .and_then(|raw| text_match(raw, &at.key(key), report))
    };
    matches.scheme = single(&raw.scheme, "scheme");
    matches.method = single(&raw.method, "method");
    matches.authority = single(&raw.authority, "authority");
    for (name, value) in &raw.headers {
        header(name, value, &mut matches, &at.key("headers").name(name), report);
    }
    for (name, value) in &raw.without_headers {
        without_header(
            name,
            value,
            &mut matches,
            &at.key("withoutHeaders").name(name),
            report,
        );
    }
    matches.query = query(&raw.query_params, &at.key("queryParams"), report);
    (report.errors.len() == before).then_some(matches)
}

/// A match that is written as taking everything. `port`, `gateways` and `ignoreUriCase` are no conditions;
/// prefix "" and regex `/.*` take everything too, but Istio does not see it.
pub(crate) fn is_catch_all(raw: &HttpMatch) -> bool {
    let any_path = raw.uri.as_ref().is_none_or(|uri| {
        let StringMatch { exact, prefix, regex } = uri;
        match (exact, prefix, regex) {
            (None, Some(prefix), None) => prefix == "/",
            (None, None, Some(regex)) => regex == ".*",
            (None, None, None) => true,
            _ => false,
        }
    });
    any_path
        && raw.scheme.is_none()
        && raw.method.is_none()
        && raw.authority.is_none()
        && raw.headers.is_empty()
        && raw.without_headers.is_empty()
        && raw.query_params.is_empty()
}

/// Whether a header's name stands for a claim.
pub(crate) fn is_claim(name: &str) -> bool {
    name.get(..CLAIMS.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(CLAIMS))
}

fn path(raw: &StringMatch, ignore_case: bool, at: &At<'_>, report: &mut Report) -> Option<PathMatch> {
    let mut warn_without_slash = |text: &str, key: &str| {
        if !text.is_empty() && !text.starts_with('/') {
            report.warn(
                &at.key(key),
                format!("{text:?} never matches: every path begins with `/`"),
            );
        }
    };
    match matcher(raw, at, &mut Report::default()) {
        Matcher::Exact(text) => warn_without_slash(text, "exact"),
        Matcher::Prefix(text) => warn_without_slash(text, "prefix"),
        Matcher::Empty => report.warn(at, "empty: says nothing, and so takes every path"),
        Matcher::Regex(_) => {}
    }
    match (matcher(raw, at, report), ignore_case) {
        (Matcher::Exact(text), false) => Some(PathMatch::Exact(TextMatch::Exact(text.into()))),
        (Matcher::Exact(text), true) => Some(PathMatch::Exact(TextMatch::ExactNoCase(text.into()))),
        (Matcher::Prefix(text), false) => Some(PathMatch::Prefix(TextMatch::Prefix(text.into()), text.len())),
        (Matcher::Prefix(text), true) => Some(PathMatch::Prefix(
            TextMatch::PrefixNoCase(text.into()),
            text.len(),
        )),
        (Matcher::Regex(text), _) => regex(text, &at.key("regex"), report).map(PathMatch::Regex),
        (Matcher::Empty, _) => None,
    }
}

fn header(name: &str, raw: &StringMatch, into: &mut RequestMatch, at: &At<'_>, report: &mut Report) {
    if is_claim(name) {
        if let (Some(claim), Some(text)) = (claim(name, at, report), text_match(raw, at, report)) {
            into.claims.push((claim, text));
        }
    } else if let (Some(key), Some(text)) = (header_key(name, at, report), text_match(raw, at, report)) {
        into.headers.push((key, text));
    }
}

/// An empty matcher, or the expression `*`, asks for the header's absence.
fn without_header(name: &str, raw: &StringMatch, into: &mut RequestMatch, at: &At<'_>, report: &mut Report) {
    let absent = *raw == StringMatch::default() || raw.regex.as_deref() == Some("*");
    let text = if absent {
        Some(TextMatch::Any)
    } else {
        text_match(raw, at, report)
    };
    if is_claim(name) {
        if let (Some(claim), Some(text)) = (claim(name, at, report), text) {
            into.without_claims.push((claim, text));
        }
    } else if let (Some(key), Some(text)) = (header_key(name, at, report), text) {
        if absent {
            into.absent_headers.push(key);
        } else {
            into.without_headers.push((key, text));
        }
    }
}

fn header_key(name: &str, at: &At<'_>, report: &mut Report) -> Option<HeaderKey> {
    match name.to_ascii_lowercase().as_str() {
        ":path" => Some(HeaderKey::Path),
        ":method" => Some(HeaderKey::Method),
        ":authority" | "host" => Some(HeaderKey::Authority),
        ":scheme" => Some(HeaderKey::Scheme),
        _ => header_name(name, at, report).map(HeaderKey::Name),
    }
}

/// `.a.b` or `[a][b]` behind the prefix.
fn claim(name: &str, at: &At<'_>, report: &mut Report) -> Option<Vec<Box<str>>> {
    let rest = &name[CLAIMS.len()..];
    let parts: Option<Vec<Box<str>>> = if let Some(rest) = rest.strip_prefix('.') {
        Some(rest.split('.').map(Into::into).collect())
    } else {
        let inner = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.map(|inner| inner.split("][").map(Into::into).collect())
    };
    let parts = parts.filter(|parts| parts.iter().all(|part| !part.is_empty()));
    if parts.is_none() {
        report.error(
            at,
            format!("{name} names no claim; write {CLAIMS}.NAME or {CLAIMS}[NAME]"),
        );
    }
    parts
}

fn query(
    raw: &BTreeMap<String, StringMatch>,
    at: &At<'_>,
    report: &mut Report,
) -> Vec<(Box<str>, TextMatch)> {
    let mut query = Vec::new();
    for (name, value) in raw {
        let at = at.name(name);
        if name.is_empty() {
            report.error(&at, "a parameter needs a name");
        }
        if let Some(text) = text_match(value, &at, report) {
            query.push((name.as_str().into(), text));
        }
    }
    query
}
