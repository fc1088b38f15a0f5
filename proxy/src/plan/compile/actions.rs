//! What a rule does: send on, redirect, or answer. Exactly one of the three.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::uri::Authority;

use crate::istio::report::{At, Report};
use crate::istio::virtual_service::{self as raw, HttpMatch, HttpRoute};
use crate::plan::route::{
    Action, DirectResponse, Forward, PathMatch, PathRewrite, Redirect, RedirectPort, RequestMatch,
};
use crate::plan::text::TextMatch;

use super::upstream::Upstreams;
use super::value::{duration, one_of, port, refuse, regex};
use super::{cors, destination, fault, headers, retry};

/// Istio's bound on a body that is written in a document.
const MAX_BODY: usize = 1_048_576;

/// Reads the action of a rule for one of its matches; none when it cannot be read.
pub(crate) fn compile(
    rule: &HttpRoute,
    entry: &HttpMatch,
    namespace: &str,
    server_port: u16,
    upstreams: &mut Upstreams<'_>,
    at: &At<'_>,
    report: &mut Report,
) -> Option<Action> {
    let before = report.errors.len();
    refuse(
        rule.delegate.as_ref(),
        &at.key("delegate"),
        "not supported: write its rules here",
        report,
    );
    let given = [
        ("route", !rule.route.is_empty()),
        ("redirect", rule.redirect.is_some()),
        ("directResponse", rule.direct_response.is_some()),
    ];
    let given: Vec<_> = given
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name)
        .collect();
    if given.len() > 1 {
        report.error(
            at,
            format!("{} at the same time: one of them only", given.join(" and ")),
        );
    }
    let action = if let Some(raw) = &rule.redirect {
        check_alone(rule, "redirect", at, report);
        redirect(raw, rule, &at.key("redirect"), report).map(Action::Redirect)
    } else if let Some(raw) = &rule.direct_response {
        check_alone(rule, "directResponse", at, report);
        direct_response(raw, rule, &at.key("directResponse"), report).map(Action::DirectResponse)
    } else if !rule.route.is_empty() {
        let forward = forward(rule, entry, namespace, server_port, upstreams, at, report);
        Some(Action::Forward(Box::new(forward)))
    } else {
        if rule.delegate.is_none() {
            report.error(at, "no action: route, redirect or directResponse is needed");
        }
        None
    };
    action.filter(|_| report.errors.len() == before)
}

/// Without a uri match a rewrite replaces the leading slash, as if prefix `/` were written (recorded).
pub(crate) fn rewritable(mut matches: RequestMatch, rule: &HttpRoute) -> RequestMatch {
    let rewrites = rule.rewrite.as_ref().is_some_and(|rewrite| rewrite.uri.is_some());
    if rewrites && matches.path.is_none() {
        matches.path = Some(PathMatch::Prefix(TextMatch::Prefix("/".into()), 1));
    }
    matches
}

fn forward(
    rule: &HttpRoute,
    entry: &HttpMatch,
    namespace: &str,
    server_port: u16,
    upstreams: &mut Upstreams<'_>,
    at: &At<'_>,
    report: &mut Report,
) -> Forward {
    let timeout = duration(rule.timeout.as_ref(), &at.key("timeout"), report);
    let (headers, host) = headers::compile(rule.headers.as_ref(), &at.key("headers"), report);
    let authority = rule
        .rewrite
        .as_ref()
        .and_then(|rewrite| rewrite.authority.clone());
    if let Some(authority) = &authority {
        check_authority(authority, &at.key("rewrite.authority"), report);
        if host.is_some() {
            report.error(
                &at.key("rewrite.authority"),
                "headers.request sets the Host too: one of them only",
            );
        }
    }
    let mut from = destination::Place {
        namespace,
        server_port,
        upstreams,
    };
    let destinations = destination::all(&rule.route, &mut from, &at.key("route"), report);
    let hashed = matches!(destinations.as_slice(), [only] if only.hash.is_some());
    Forward {
        destinations,
        mirrors: destination::mirrors(rule, &mut from, at, report),
        timeout,
        retry: retry::compile(rule.retries.as_ref(), timeout, hashed, &at.key("retries"), report),
        path_rewrite: path_rewrite(rule, entry, &at.key("rewrite"), report),
        authority_rewrite: authority.map(Into::into).or(host),
        headers,
        cors: rule
            .cors_policy
            .as_ref()
            .map(|raw| cors::compile(raw, &at.key("corsPolicy"), report)),
        fault: rule
            .fault
            .as_ref()
            .map(|raw| fault::compile(raw, &at.key("fault"), report)),
    }
}

/// A prefix match is replaced in part, any other wholly; no match of the path is one of the prefix `/`.
fn path_rewrite(
    rule: &HttpRoute,
    entry: &HttpMatch,
    at: &At<'_>,
    report: &mut Report,
) -> Option<PathRewrite> {
    let rewrite = rule.rewrite.as_ref()?;
    if rewrite.uri.is_none() && rewrite.authority.is_none() && rewrite.uri_regex_rewrite.is_none() {
        report.error(at, "empty: uri, authority or uriRegexRewrite is needed");
    }
    if let Some(raw) = &rewrite.uri_regex_rewrite {
        if rewrite.uri.is_some() {
            report.error(at, "uri and uriRegexRewrite at the same time: one of them only");
        }
        let at = at.key("uriRegexRewrite");
        let replacement = raw.rewrite.as_deref().unwrap_or("");
        if replacement.is_empty() {
            report.error(&at.key("rewrite"), "missing: what is the match replaced by?");
        }
        let pattern = regex(raw.pattern.as_deref().unwrap_or(""), &at.key("match"), report)?;
        if let Err(problem) = pattern.check_rewrite(replacement) {
            report.error(&at.key("rewrite"), problem);
        }
        return Some(PathRewrite::Regex(pattern, replacement.into()));
    }
    let uri = rewrite.uri.as_deref()?;
    if !is_uri_text(uri) {
        report.error(
            &at.key("uri"),
            format!("{uri:?} has characters that no path can have"),
        );
    }
    let is_whole = entry
        .uri
        .as_ref()
        .is_some_and(|uri| uri.exact.is_some() || uri.regex.is_some());
    Some(if is_whole {
        PathRewrite::Whole(uri.into())
    } else {
        PathRewrite::Prefix(uri.into())
    })
}

/// What stands beside an action that does not send the request on.
fn check_alone(rule: &HttpRoute, action: &str, at: &At<'_>, report: &mut Report) {
    let conflicts = [
        ("rewrite", rule.rewrite.is_some()),
        ("fault", rule.fault.is_some()),
    ];
    for (field, _) in conflicts.iter().filter(|(_, given)| *given) {
        report.error(&at.key(field), format!("contradicts {action}"));
    }
    let unused = [
        ("timeout", rule.timeout.is_some()),
        ("retries", rule.retries.is_some()),
        ("corsPolicy", rule.cors_policy.is_some()),
        ("mirror", rule.mirror.is_some()),
        ("mirrors", !rule.mirrors.is_empty()),
    ];
    for (field, _) in unused.iter().filter(|(_, given)| *given) {
        report.warn(&at.key(field), format!("without effect beside {action}"));
    }
    duration(rule.timeout.as_ref(), &at.key("timeout"), report);
}

fn redirect(raw: &raw::Redirect, rule: &HttpRoute, at: &At<'_>, report: &mut Report) -> Option<Redirect> {
    if raw.uri.is_none()
        && raw.authority.is_none()
        && raw.scheme.is_none()
        && raw.port.is_none()
        && raw.derive_port.is_none()
    {
        report.error(at, "says nothing: uri, authority, scheme or port is needed");
    }
    const SCHEMES: [(&str, &str); 2] = [("http", "http"), ("https", "https")];
    let scheme = raw.scheme.as_ref();
    let scheme = scheme.and_then(|scheme| one_of(scheme, &SCHEMES, &at.key("scheme"), report));
    if let Some(authority) = &raw.authority {
        check_authority(authority, &at.key("authority"), report);
        if raw.port.is_some()
            && authority
                .parse::<Authority>()
                .is_ok_and(|parsed| parsed.port().is_some())
        {
            report.warn(
                &at.key("port"),
                format!("{authority} has a port already; the location gets both, as in Istio"),
            );
        }
    }
    if let Some(uri) = raw.uri.as_ref().filter(|uri| !is_uri_text(uri)) {
        report.error(
            &at.key("uri"),
            format!("{uri:?} has characters that no path can have"),
        );
    }
    let (headers, _) = headers::compile(rule.headers.as_ref(), &at.parent().key("headers"), report);
    Some(Redirect {
        code: redirect_code(raw.redirect_code, &at.key("redirectCode"), report)?,
        path: raw.uri.as_ref().map(|uri| with_slash(uri)),
        authority: raw.authority.as_deref().map(Into::into),
        scheme: scheme.map(Into::into),
        port: redirect_port(raw, at, report)?,
        response: headers.response,
    })
}

fn with_slash(uri: &str) -> Box<str> {
    if uri.starts_with('/') {
        uri.into()
    } else {
        format!("/{uri}").into()
    }
}

fn redirect_port(raw: &raw::Redirect, at: &At<'_>, report: &mut Report) -> Option<RedirectPort> {
    const WORDS: [(&str, RedirectPort); 2] = [
        ("FROM_PROTOCOL_DEFAULT", RedirectPort::AsSent),
        ("FROM_REQUEST_PORT", RedirectPort::OfServer),
    ];
    match (raw.port, &raw.derive_port) {
        (Some(_), Some(_)) => {
            report.error(at, "port and derivePort at the same time: one of them only");
            None
        }
        (Some(number), None) => port(Some(number), &at.key("port"), report).map(RedirectPort::Number),
        (None, Some(word)) => one_of(word, &WORDS, &at.key("derivePort"), report),
        (None, None) => Some(RedirectPort::AsSent),
    }
}

/// Other codes of the 300s pass Istio's validation and make Envoy refuse its whole configuration.
fn redirect_code(code: Option<i64>, at: &At<'_>, report: &mut Report) -> Option<StatusCode> {
    let code = code.unwrap_or(301);
    if ![301, 302, 303, 307, 308].contains(&code) {
        report.error(
            at,
            format!("{code} is not supported; 301, 302, 303, 307 and 308 are"),
        );
        return None;
    }
    u16::try_from(code)
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok())
}

fn direct_response(
    raw: &raw::DirectResponse,
    rule: &HttpRoute,
    at: &At<'_>,
    report: &mut Report,
) -> Option<DirectResponse> {
    let (headers, _) = headers::compile(rule.headers.as_ref(), &at.parent().key("headers"), report);
    let body = raw.body.as_ref().map(|raw| body(raw, &at.key("body"), report));
    let Some(status) = raw.status else {
        report.error(&at.key("status"), "missing: 200 to 599 is needed");
        return None;
    };
    let code = u16::try_from(status)
        .ok()
        .filter(|code| (200..=599).contains(code));
    let Some(code) = code.and_then(|code| StatusCode::from_u16(code).ok()) else {
        report.error(
            &at.key("status"),
            format!("{status} is not possible; 200 to 599 are"),
        );
        return None;
    };
    Some(DirectResponse {
        status: code,
        body: body.unwrap_or_default().into(),
        response: headers.response,
    })
}

fn body(raw: &raw::Body, at: &At<'_>, report: &mut Report) -> Vec<u8> {
    let body = match (&raw.string, &raw.bytes) {
        (Some(_), Some(_)) => {
            report.error(at, "string and bytes at the same time: one of them only");
            Vec::new()
        }
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(encoded)) => STANDARD.decode(encoded).unwrap_or_else(|error| {
            report.error(&at.key("bytes"), format!("no base64: {error}"));
            Vec::new()
        }),
        (None, None) => Vec::new(),
    };
    if body.len() > MAX_BODY {
        report.error(
            at,
            format!("{} bytes; at most {MAX_BODY} are possible", body.len()),
        );
    }
    body
}

fn check_authority(text: &str, at: &At<'_>, report: &mut Report) {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('/') {
        report.error(at, format!("{text:?} is no Host"));
    }
}

/// A path is later made of it: graphic ASCII only, whatever else it holds.
fn is_uri_text(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
}
