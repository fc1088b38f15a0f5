//! `corsPolicy`: what browsers may ask from other origins.

use crate::istio::report::{At, Report};
use crate::istio::virtual_service as raw;
use crate::plan::route::CorsPolicy;
use crate::plan::text::TextMatch;

use super::value::{Matcher, duration, header_name, matcher, one_of, refuse, text_match};

/// Reads it.
pub(crate) fn compile(raw: &raw::CorsPolicy, at: &At<'_>, report: &mut Report) -> CorsPolicy {
    const OLD: &str = "the old spelling; use allowOrigins";
    refuse(raw.allow_origin.as_ref(), &at.key("allowOrigin"), OLD, report);
    let mut origins = Vec::new();
    for (place, origin) in raw.allow_origins.iter().enumerate() {
        let at = at.key("allowOrigins").index(place);
        match matcher(origin, &at, &mut Report::default()) {
            Matcher::Empty | Matcher::Exact("") => report.error(&at, "an origin must not be empty"),
            Matcher::Exact("*") => origins.push(TextMatch::Any),
            _ => origins.extend(text_match(origin, &at, report)),
        }
    }
    for (key, names) in [
        ("allowHeaders", &raw.allow_headers),
        ("exposeHeaders", &raw.expose_headers),
    ] {
        for (place, name) in names.iter().enumerate() {
            header_name(name, &at.key(key).index(place), report);
        }
    }
    for (place, method) in raw.allow_methods.iter().enumerate() {
        if http::Method::from_bytes(method.as_bytes()).is_err() {
            report.error(
                &at.key("allowMethods").index(place),
                format!("{method:?} is no method"),
            );
        }
    }
    let max_age = duration(raw.max_age.as_ref(), &at.key("maxAge"), report);
    CorsPolicy {
        forward_unmatched: forward_unmatched(raw, at, report),
        origins,
        methods: raw.allow_methods.join(",").into(),
        headers: raw.allow_headers.join(",").into(),
        expose: raw.expose_headers.join(",").into(),
        max_age: max_age.map(|age| age.as_secs()),
        credentials: raw.allow_credentials,
    }
}

/// A policy without origins forwards, unless it says IGNORE.
fn forward_unmatched(raw: &raw::CorsPolicy, at: &At<'_>, report: &mut Report) -> bool {
    const WORDS: [(&str, bool); 3] = [("UNSPECIFIED", true), ("FORWARD", true), ("IGNORE", false)];
    let word = raw.unmatched_preflights.as_ref();
    word.and_then(|word| one_of(word, &WORDS, &at.key("unmatchedPreflights"), report))
        .unwrap_or(true)
}
