//! New paths and places: what is sent upstream instead of what was asked for, and where clients are sent.

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::downstream::Downstream;
use crate::head::Head;
use crate::plan::route::{
    Destination, Forward, PathMatch, PathRewrite, Redirect, RedirectPort, RequestMatch,
};

/// The target after `rewrite.uri`; the query stays. Text replaces text: no slash is added or dropped, except
/// that a path which would not begin with one gets it, for no such request can be made.
pub(crate) fn path(rewrite: &PathRewrite, matched: &RequestMatch, head: &Head) -> PathAndQuery {
    let path = head.path();
    let mut target = match rewrite {
        PathRewrite::Prefix(new) => {
            let replaced = match &matched.path {
                Some(PathMatch::Prefix(_, length)) => *length,
                Some(_) => path.len(),
                // without a match on the path the leading slash is what matched
                None => 1,
            };
            format!("{new}{}", path.get(replaced..).unwrap_or_default())
        }
        PathRewrite::Whole(new) => new.to_string(),
        PathRewrite::Regex(regex, new) => regex.replace_all(path, new).into_owned(),
    };
    if !target.starts_with('/') {
        target.insert(0, '/');
    }
    if let Some(query) = head.target.query() {
        target.push('?');
        target.push_str(query);
    }
    // what cannot be sent leaves the path as it was asked for
    PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)).unwrap_or_else(|_| head.target.clone())
}

/// The Host that is sent, with the Host that it replaced where that is told to the upstream.
///
/// The route's word beats the destination's. With several destinations Envoy applies the destination's
/// first, as a plain header, so what the route then replaces is the destination's Host.
pub(crate) fn authority(
    forward: &Forward,
    destination: &Destination,
    head: &Head,
) -> (HeaderValue, Option<HeaderValue>) {
    let parse = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| head.authority.clone());
    let several = forward.destinations.len() > 1;
    let by_destination = destination.authority.as_deref().map(parse);
    match (forward.authority_rewrite.as_deref().map(parse), by_destination) {
        (Some(new), Some(replaced)) if several => (new, Some(replaced)),
        (Some(new), _) => (new, Some(head.authority.clone())),
        (None, Some(new)) if several => (new, None),
        (None, Some(new)) => (new, Some(head.authority.clone())),
        (None, None) => (head.authority.clone(), None),
    }
}

/// `location` of a `redirect`.
pub(crate) fn location(redirect: &Redirect, head: &Head, downstream: &Downstream) -> HeaderValue {
    let old_scheme = head.scheme.as_str();
    let scheme = redirect.scheme.as_deref().unwrap_or(old_scheme);
    let port = match redirect.port {
        RedirectPort::AsSent => None,
        RedirectPort::Number(port) => Some(port),
        RedirectPort::OfServer => Some(downstream.server_port),
    };
    // the default port means that none was given
    let port = port.filter(|port| Some(*port) != default_port(scheme));
    let host = match (redirect.authority.as_deref(), port) {
        (Some(authority), _) => authority,
        (None, Some(_)) => crate::route::without_port(head.host()),
        (None, None) if scheme != old_scheme => without_default_port(head.host(), old_scheme),
        (None, None) => head.host(),
    };
    let mut location = format!("{scheme}://{host}");
    if let Some(port) = port {
        location.push_str(&format!(":{port}"));
    }
    match redirect.path.as_deref() {
        None => location.push_str(head.target.as_str()),
        Some(path) => {
            if !path.starts_with('/') {
                location.push('/');
            }
            location.push_str(path);
            if let Some(query) = head.target.query().filter(|_| !path.contains('?')) {
                location.push('?');
                location.push_str(query);
            }
        }
    }
    header(location)
}

/// `location` of `httpsRedirect`: the Host as sent, its port too.
pub(crate) fn https_redirect(head: &Head) -> HeaderValue {
    header(format!("https://{}{}", head.host(), head.target))
}

/// `location` of a direct response with status 201 or 3xx: the request's own address.
pub(crate) fn own_location(head: &Head) -> HeaderValue {
    header(format!(
        "{}://{}{}",
        head.scheme.as_str(),
        head.host(),
        head.target
    ))
}

/// Tells the upstream what was asked for before the rewrite.
pub(crate) fn remember(headers: &mut HeaderMap, path: Option<&PathAndQuery>, host: Option<HeaderValue>) {
    if let Some(path) = path {
        headers.insert(ORIGINAL_PATH, header(path.as_str().to_owned()));
    }
    if let Some(host) = host {
        headers.insert(ORIGINAL_HOST, host);
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

fn without_default_port<'h>(host: &'h str, scheme: &str) -> &'h str {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return host,
    };
    host.strip_suffix(port).unwrap_or(host)
}

/// Text that came out of a request's head, so it fits into one again.
fn header(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

const ORIGINAL_PATH: HeaderName = HeaderName::from_static("x-envoy-original-path");
const ORIGINAL_HOST: HeaderName = HeaderName::from_static("x-envoy-original-host");

#[cfg(test)]
mod tests;
