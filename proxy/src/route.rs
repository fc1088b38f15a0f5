//! Which route takes a request: virtual host first, then the first of its routes whose conditions all hold.

use std::borrow::Cow;

use crate::head::Head;
use crate::plan::listener::{VirtualHost, VirtualHosts};
use crate::plan::route::{Destination, Forward, HeaderKey, PathMatch, RequestMatch, Route};

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'p> {
    /// No virtual host has this name: 404, flag NR.
    NoHost,
    /// The virtual host has no route for this request: 404, flag NR. A wider host is never tried.
    NoRoute,
    /// The virtual host serves https only; routes are not looked at.
    HttpsRedirect,
    /// A route.
    Route(&'p Route),
}

/// Finds the route of a request.
pub(crate) fn find<'p>(hosts: &'p VirtualHosts, head: &Head) -> Found<'p> {
    let Some(host) = virtual_host(hosts, head.host()) else {
        return Found::NoHost;
    };
    if host.https_redirect && !head.is_forwarded_https() {
        return Found::HttpsRedirect;
    }
    match host.routes.iter().find(|route| matches(&route.matches, head)) {
        Some(route) => Found::Route(route),
        None => Found::NoRoute,
    }
}

/// Draws one of a route's destinations by weight. One alone takes all, whatever its weight.
pub(crate) fn choose(forward: &Forward, draw: u64) -> Option<&Destination> {
    if let [only] = forward.destinations.as_slice() {
        return Some(only);
    }
    let total: u64 = forward.destinations.iter().map(|one| u64::from(one.weight)).sum();
    let mut left = draw.checked_rem(total)?;
    forward.destinations.iter().find(|one| {
        let weight = u64::from(one.weight);
        let chosen = left < weight;
        left = left.saturating_sub(weight);
        chosen
    })
}

/// Without regard to case and port: exact, then the longest ending, then any.
fn virtual_host<'p>(hosts: &'p VirtualHosts, host: &str) -> Option<&'p VirtualHost> {
    let name = without_port(host);
    let name = match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    };
    let ends = |ending: &str| name.len() > ending.len() && name.ends_with(ending);
    let suffix = || hosts.suffixes.iter().find(|(ending, _)| ends(ending));
    let found = hosts.exact.get(&*name).or_else(|| suffix().map(|(_, host)| host));
    found.or(hosts.any.as_ref()).map(|host| &**host)
}

/// A Host without its port: whatever stands behind the last colon. An IPv6 address stands in brackets (RFC
/// 3986, section 3.2.2); one without loses its last group, as with Envoy.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

fn matches(conditions: &RequestMatch, head: &Head) -> bool {
    let RequestMatch {
        path,
        scheme,
        method,
        authority,
        headers,
        without_headers,
        absent_headers,
        query,
        claims,
        without_claims,
    } = conditions;
    let claim = |(path, expected): &(Vec<Box<str>>, crate::plan::text::TextMatch)| {
        let user = head.user.as_deref();
        user.is_some_and(|user| user.claim_matches(path, |text| expected.matches(text.as_bytes())))
    };
    path.as_ref().is_none_or(|path| path_matches(path, head.path()))
        && scheme
            .as_ref()
            .is_none_or(|scheme| scheme.matches(head.scheme.as_str().as_bytes()))
        && method
            .as_ref()
            .is_none_or(|method| method.matches(head.method.as_str().as_bytes()))
        && authority
            .as_ref()
            .is_none_or(|authority| authority.matches(head.authority.as_bytes()))
        && headers
            .iter()
            .all(|(key, expected)| value(key, head).is_some_and(|value| expected.matches(&value)))
        && absent_headers.iter().all(|key| value(key, head).is_none())
        && !without_headers
            .iter()
            .any(|(key, refused)| refused.matches(&value(key, head).unwrap_or_default()))
        && query.iter().all(|(name, expected)| {
            parameter(head, name).is_some_and(|value| expected.matches(value.as_bytes()))
        })
        && claims.iter().all(claim)
        && !without_claims.iter().any(claim)
}

fn path_matches(expected: &PathMatch, path: &str) -> bool {
    match expected {
        PathMatch::Exact(text) | PathMatch::Prefix(text, _) => text.matches(path.as_bytes()),
        PathMatch::Regex(regex) => regex.is_match(path.as_bytes()),
    }
}

/// A header's value, its lines joined with `,`: what routes compare, while policies look at each line.
fn value<'a>(key: &HeaderKey, head: &'a Head) -> Option<Cow<'a, [u8]>> {
    let name = match key {
        HeaderKey::Path => return Some(Cow::Borrowed(head.target.as_str().as_bytes())),
        HeaderKey::Method => return Some(Cow::Borrowed(head.method.as_str().as_bytes())),
        HeaderKey::Authority => return Some(Cow::Borrowed(head.authority.as_bytes())),
        HeaderKey::Scheme => return Some(Cow::Borrowed(head.scheme.as_str().as_bytes())),
        HeaderKey::Name(name) => name,
    };
    let mut lines = head.headers.get_all(name).iter();
    let mut value = Cow::Borrowed(lines.next()?.as_bytes());
    for line in lines {
        let joined = value.to_mut();
        joined.push(b',');
        joined.extend_from_slice(line.as_bytes());
    }
    Some(value)
}

/// The first parameter of that name, raw; without `=` it is there and empty.
fn parameter<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    let pairs = head.target.query()?.split('&');
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
