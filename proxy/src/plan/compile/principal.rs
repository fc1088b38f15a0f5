//! Identities in policies: of certificates, by trust domain, namespace and service account; of tokens,
//! by issuer and subject.

use crate::istio::report::{At, Report};
use crate::plan::authorization::Pattern;
use crate::plan::text::TextMatch;
use crate::re2::Re2;

use super::pattern::text;

/// The trust domain that stands for the mesh's own, whatever it is.
const LOCAL: &str = "cluster.local";

/// `principals`: the value behind `spiffe://`.
pub(crate) fn principals(value: &str, domains: &[String], at: &At<'_>, report: &mut Report) -> Vec<Pattern> {
    let values = in_every_domain(value, domains);
    let patterns = values.iter().filter_map(|value| spiffe(value, at, report));
    patterns.collect()
}

/// A value of five parts whose trust domain is the mesh's stands for its aliases too.
pub(crate) fn in_every_domain(value: &str, domains: &[String]) -> Vec<String> {
    let mut values = Vec::new();
    let domain = value.split('/').next().unwrap_or("");
    let is_full = value.split('/').count() == 5 && domain != "*";
    if is_full && (domain == LOCAL || domains.iter().any(|mesh| fits(domain, mesh))) {
        for mesh in domains {
            let rest = &value[domain.len()..];
            // `*local/ns/…` already takes every domain that it fits
            let is_suffix = domain
                .strip_prefix('*')
                .is_some_and(|suffix| mesh.ends_with(suffix));
            let value = if is_suffix {
                value.to_owned()
            } else {
                format!("{mesh}{rest}")
            };
            if !values.contains(&value) {
                values.push(value);
            }
        }
    } else {
        values.push(value.to_owned());
    }
    values
}

fn fits(pattern: &str, domain: &str) -> bool {
    pattern == domain
        || pattern
            .strip_suffix('*')
            .is_some_and(|prefix| domain.starts_with(prefix))
        || pattern
            .strip_prefix('*')
            .is_some_and(|suffix| domain.ends_with(suffix))
}

fn spiffe(value: &str, at: &At<'_>, report: &mut Report) -> Option<Pattern> {
    let text = match text(value, TextMatch::NotEmpty) {
        TextMatch::Exact(text) => TextMatch::Exact(format!("spiffe://{text}").into()),
        TextMatch::Prefix(text) => TextMatch::Prefix(format!("spiffe://{text}").into()),
        // a value that cannot be compared must not become no condition at all: that would let everyone in
        TextMatch::Suffix(text) => return expression(&format!("spiffe://.*{}", quote(&text)), at, report),
        other => other,
    };
    Some(Pattern::Text(text))
}

/// `namespaces`: the part behind `/ns/`.
pub(crate) fn namespace(value: &str, at: &At<'_>, report: &mut Report) -> Option<Pattern> {
    let value = match text(value, TextMatch::Any) {
        TextMatch::Exact(text) => quote(&text),
        TextMatch::Prefix(text) => format!("{}.*", quote(&text)),
        TextMatch::Suffix(text) => format!(".*{}", quote(&text)),
        _ => ".*".to_owned(),
    };
    expression(&format!(".*/ns/{value}/.*"), at, report)
}

/// `serviceAccounts`: `namespace/name`, or `name` in the policy's own namespace.
pub(crate) fn service_account(
    value: &str,
    namespace: &str,
    at: &At<'_>,
    report: &mut Report,
) -> Option<Pattern> {
    let (namespace, name) = value.split_once('/').unwrap_or((namespace, value));
    if value.contains('*') || namespace.is_empty() || name.is_empty() || name.contains('/') {
        report.error(
            at,
            format!("{value:?}: NAMESPACE/NAME or NAME is needed, without wildcards"),
        );
        return None;
    }
    let (namespace, name) = (quote(namespace), quote(name));
    expression(
        &format!("spiffe://.+/ns/{namespace}/(.+/|)sa/{name}(/.+)?"),
        at,
        report,
    )
}

/// `trustDomains`: the part behind `spiffe://`. The mesh's own stands for its aliases too.
pub(crate) fn trust_domains(
    value: &str,
    domains: &[String],
    at: &At<'_>,
    report: &mut Report,
) -> Vec<Pattern> {
    let inner = value
        .strip_prefix('*')
        .or_else(|| value.strip_suffix('*'))
        .unwrap_or(value);
    if inner.contains(['*', '/']) {
        report.error(
            at,
            format!("{value:?}: a trust domain, with one `*` at an end at most"),
        );
        return Vec::new();
    }
    let domain = |domain: &str| Pattern::Text(TextMatch::Prefix(format!("spiffe://{domain}/").into()));
    match text(value, TextMatch::Any) {
        TextMatch::Exact(text) if domains.iter().any(|known| **known == *text) => {
            domains.iter().map(|known| domain(known)).collect()
        }
        TextMatch::Exact(text) => vec![domain(&text)],
        TextMatch::Prefix(text) => {
            let pattern = format!("spiffe://{}[^/]*/.*", quote(&text));
            expression(&pattern, at, report).into_iter().collect()
        }
        TextMatch::Suffix(text) => {
            let pattern = format!("spiffe://[^/]*{}/.*", quote(&text));
            expression(&pattern, at, report).into_iter().collect()
        }
        _ => vec![Pattern::Text(TextMatch::Prefix("spiffe://".into()))],
    }
}

/// `requestPrincipals`: issuer and subject, divided at the last slash. A star in front belongs to the
/// issuer, or to the subject when there is no slash; one at the end the other way round.
pub(crate) fn request_principal(value: &str) -> Pattern {
    let exact = |text: &str| TextMatch::Exact(text.into());
    let (issuer, subject) = match (
        value.rsplit_once('/'),
        value.strip_prefix('*'),
        value.strip_suffix('*'),
    ) {
        (None, Some(""), _) => (TextMatch::NotEmpty, TextMatch::NotEmpty),
        (None, Some(suffix), _) => (TextMatch::NotEmpty, TextMatch::Suffix(suffix.into())),
        (None, None, Some(prefix)) => (TextMatch::Prefix(prefix.into()), TextMatch::NotEmpty),
        // a principal always has a slash, so this fits none
        (None, None, None) => (exact(value), exact("")),
        (Some((issuer, subject)), Some(_), _) => (text(issuer, TextMatch::NotEmpty), exact(subject)),
        (Some((issuer, subject)), None, Some(_)) => (exact(issuer), text(subject, TextMatch::NotEmpty)),
        (Some((issuer, subject)), None, None) => (exact(issuer), exact(subject)),
    };
    Pattern::Principal { issuer, subject }
}

fn expression(pattern: &str, at: &At<'_>, report: &mut Report) -> Option<Pattern> {
    match Re2::compile(pattern) {
        Ok(regex) => Some(Pattern::Text(TextMatch::Regex(regex))),
        Err(problem) => {
            report.error(at, format!("the value is too long or no identity: {problem}"));
            None
        }
    }
}

/// Text as an expression that means itself.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}
