//! Values of policies: `*` at an end is a wildcard, anywhere else a plain character.

use std::net::IpAddr;

use crate::istio::report::{At, Report};
use crate::plan::authorization::{Key, Pattern};
use crate::plan::text::TextMatch;

use super::authorization::Scope;
use super::{principal, template};

/// What a list of values is about.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Principal,
    RequestPrincipal,
    Namespace,
    ServiceAccount,
    TrustDomain,
    SourceIp,
    RemoteIp,
    DestinationIp,
    Host,
    Port,
    Method,
    Path,
    Sni,
    /// `request.headers[…]`.
    Header(Key),
    /// Claims, `aud` and `azp`.
    Claim(Key),
}

impl Kind {
    /// What is looked at.
    pub(crate) fn key(&self) -> Key {
        match self {
            Kind::Principal | Kind::Namespace | Kind::ServiceAccount | Kind::TrustDomain => Key::Principal,
            Kind::RequestPrincipal => Key::RequestPrincipal,
            Kind::SourceIp => Key::SourceIp,
            Kind::RemoteIp => Key::RemoteIp,
            Kind::DestinationIp => Key::DestinationIp,
            Kind::Host => Key::Host,
            Kind::Port => Key::DestinationPort,
            Kind::Method => Key::Method,
            Kind::Path => Key::Path,
            Kind::Sni => Key::Sni,
            Kind::Header(key) | Kind::Claim(key) => key.clone(),
        }
    }
}

/// Reads a value; several patterns when a trust domain has aliases.
pub(crate) fn compile(
    kind: &Kind,
    value: &str,
    namespace: &str,
    scope: &Scope<'_>,
    at: &At<'_>,
    report: &mut Report,
) -> Vec<Pattern> {
    let one = |pattern: Option<Pattern>| pattern.into_iter().collect();
    match kind {
        Kind::Principal => principal::principals(value, &scope.mesh.trust_domains, at, report),
        Kind::RequestPrincipal => vec![principal::request_principal(value)],
        Kind::Namespace => one(principal::namespace(value, at, report)),
        Kind::ServiceAccount => one(principal::service_account(value, namespace, at, report)),
        Kind::TrustDomain => principal::trust_domains(value, &scope.mesh.trust_domains, at, report),
        Kind::SourceIp | Kind::RemoteIp | Kind::DestinationIp => one(network(value, at, report)),
        Kind::Port => one(port(value, scope, at, report)),
        Kind::Host => vec![Pattern::Text(without_case(text(value, TextMatch::Any)))],
        Kind::Method => {
            if value.bytes().any(|b| b.is_ascii_lowercase()) {
                report.warn(
                    at,
                    format!("{value}: methods are case-sensitive, so this never matches"),
                );
            }
            vec![Pattern::Text(text(value, TextMatch::Any))]
        }
        Kind::Path => one(path(value, at, report)),
        Kind::Sni => vec![Pattern::Text(text(value, TextMatch::NotEmpty))],
        Kind::Header(_) => vec![Pattern::Text(text(value, TextMatch::Any))],
        Kind::Claim(_) => vec![Pattern::Text(text(value, TextMatch::NotEmpty))],
    }
}

/// `*` is `any`. A star in front is looked at first, so `*bot*` is the suffix `bot*`.
pub(crate) fn text(value: &str, any: TextMatch) -> TextMatch {
    if value == "*" {
        any
    } else if let Some(suffix) = value.strip_prefix('*') {
        TextMatch::Suffix(suffix.into())
    } else if let Some(prefix) = value.strip_suffix('*') {
        TextMatch::Prefix(prefix.into())
    } else {
        TextMatch::Exact(value.into())
    }
}

fn without_case(text: TextMatch) -> TextMatch {
    match text {
        TextMatch::Exact(text) => TextMatch::ExactNoCase(text),
        TextMatch::Prefix(text) => TextMatch::PrefixNoCase(text),
        TextMatch::Suffix(text) => TextMatch::SuffixNoCase(text),
        other => other,
    }
}

fn path(value: &str, at: &At<'_>, report: &mut Report) -> Option<Pattern> {
    if template::is_template(value) {
        return match template::compile(value) {
            Ok(regex) => Some(Pattern::Template(regex)),
            Err(problem) => {
                report.error(at, format!("{value}: {problem}"));
                None
            }
        };
    }
    if value.contains(['{', '}']) {
        report.error(
            at,
            format!("{value}: braces are possible only as {{*}} and {{**}}; segments have no names"),
        );
        return None;
    }
    if !value.starts_with(['/', '*']) {
        report.warn(at, format!("{value:?} never matches: every path begins with `/`"));
    }
    let inner = value
        .strip_prefix('*')
        .or_else(|| value.strip_suffix('*'))
        .unwrap_or(value);
    if inner.contains('*') {
        report.warn(
            at,
            format!("{value}: only one `*` at an end is a wildcard, this one stands for itself; {{*}} is any segment"),
        );
    }
    Some(Pattern::Text(text(value, TextMatch::NotEmpty)))
}

/// An address or a network; bits behind the prefix do not matter.
fn network(value: &str, at: &At<'_>, report: &mut Report) -> Option<Pattern> {
    let (address, length) = value
        .split_once('/')
        .map_or((value, None), |(ip, length)| (ip, Some(length)));
    let parsed = address.parse::<IpAddr>().ok().and_then(|address| {
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => Some(widest),
            Some(length) => length.parse::<u8>().ok().filter(|length| *length <= widest),
        };
        length.map(|length| Pattern::Network(address, length))
    });
    if parsed.is_none() {
        report.error(at, format!("{value} is no address and no network"));
    }
    parsed
}

fn port(value: &str, scope: &Scope<'_>, at: &At<'_>, report: &mut Report) -> Option<Pattern> {
    let port = value.parse::<u16>().ok().filter(|port| *port != 0);
    let Some(port) = port else {
        report.error(at, format!("{value} is no port; 1 to 65535 are"));
        return None;
    };
    // 0 is any port, known only when it is bound
    if !scope.ports.contains(&port) && !scope.ports.contains(&0) {
        let ports: Vec<_> = scope.ports.iter().map(ToString::to_string).collect();
        report.warn(
            at,
            format!(
                "{port}: this workload listens on {} (after --port-map), so this never matches",
                ports.join(", ")
            ),
        );
    }
    Some(Pattern::Port(port))
}
