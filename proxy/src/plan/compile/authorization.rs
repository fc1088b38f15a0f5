//! AuthorizationPolicies that select this workload: DENY first, then ALLOW; the rest has no effect on
//! traffic.

use crate::istio::authorization_policy::{
    AuthorizationPolicy, Condition as RawCondition, Operation, Rule as RawRule, Source, Values,
};
use crate::istio::report::{At, Report};
use crate::istio::{DRY_RUN, Document};
use crate::plan::authorization::{Condition, Key, Pattern, Policies, Policy, Rule};

use super::Workload;
use super::authentication::TARGET_REFS;
use super::mesh::Mesh;
use super::pattern::{self, Kind};
use super::scope::policy_applies;
use super::value::{one_of, refuse};

/// What policies are judged against.
#[derive(Debug)]
pub(crate) struct Scope<'s> {
    /// Whose policies.
    pub(crate) workload: &'s Workload<'s>,
    /// For trust domains.
    pub(crate) mesh: &'s Mesh,
    /// Ports that are really listened on.
    pub(crate) ports: Vec<u16>,
    /// Whether any RequestAuthentication applies.
    pub(crate) reads_tokens: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Allow,
    Deny,
    Audit,
}

/// Reads every document.
pub(crate) fn compile(
    documents: &[Document<AuthorizationPolicy>],
    scope: &Scope<'_>,
    report: &mut Report,
) -> Policies {
    let mut policies = Policies::default();
    for document in documents {
        let Some((action, policy)) = policy(document, scope, report) else {
            continue;
        };
        let is_dry = is_dry_run(document, action, report);
        let selector = document.spec.selector.as_ref();
        if !policy_applies(&document.about, selector, scope.workload, report) || is_dry {
            continue;
        }
        match action {
            Action::Allow => policies.allow.push(policy),
            Action::Deny => policies.deny.push(policy),
            Action::Audit => {}
        }
    }
    policies
}

fn policy(
    document: &Document<AuthorizationPolicy>,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Option<(Action, Policy)> {
    const ACTIONS: [(&str, Action); 3] = [
        ("ALLOW", Action::Allow),
        ("DENY", Action::Deny),
        ("AUDIT", Action::Audit),
    ];
    let at = At::spec(&document.about);
    let spec = &document.spec;
    refuse(
        spec.target_ref.as_ref(),
        &at.key("targetRef"),
        TARGET_REFS,
        report,
    );
    refuse(
        spec.target_refs.as_ref(),
        &at.key("targetRefs"),
        TARGET_REFS,
        report,
    );
    const PROVIDER: &str = "only the action CUSTOM has one, which is not supported";
    refuse(spec.provider.as_ref(), &at.key("provider"), PROVIDER, report);
    let action = match &spec.action {
        None => Some(Action::Allow),
        Some(action) => one_of(action, &ACTIONS, &at.key("action"), report),
    };
    if action == Some(Action::Deny) && spec.rules.is_empty() {
        report.error(
            &at.key("rules"),
            "DENY without rules never refuses anything; `rules: [{}]` refuses everything",
        );
    }
    let namespace = &*document.about.id.namespace;
    let mut rules = Vec::new();
    for (place, raw) in spec.rules.iter().enumerate() {
        rules.push(rule(raw, namespace, scope, &at.key("rules").index(place), report));
    }
    let document = document.about.id.clone();
    Some((action?, Policy { document, rules }))
}

/// The annotation's value is what Go takes for a boolean.
fn is_dry_run(document: &Document<AuthorizationPolicy>, action: Action, report: &mut Report) -> bool {
    let Some(value) = document.about.annotations.get(DRY_RUN) else {
        return false;
    };
    let at = At::root(&document.about)
        .key("metadata.annotations")
        .name(DRY_RUN);
    if action == Action::Audit {
        report.error(&at, "AUDIT has no effect on traffic anyway and cannot be run dry");
    }
    match value.as_str() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
        "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
        other => {
            report.error(
                &at,
                format!("{other:?} is no boolean; \"true\" or \"false\" is needed"),
            );
            false
        }
    }
}

fn rule(raw: &RawRule, namespace: &str, scope: &Scope<'_>, at: &At<'_>, report: &mut Report) -> Rule {
    const EMPTY: &str =
        "an empty list is no condition for Istio, so it admits everybody; leave it out if that is meant";
    let mut rule = Rule::default();
    for (key, is_empty) in [
        ("from", raw.from.as_ref().is_some_and(Vec::is_empty)),
        ("to", raw.to.as_ref().is_some_and(Vec::is_empty)),
        ("when", raw.when.as_ref().is_some_and(Vec::is_empty)),
    ] {
        if is_empty {
            report.error(&at.key(key), EMPTY);
        }
    }
    for (place, from) in raw.from.iter().flatten().enumerate() {
        let at = at.key("from").index(place).key("source");
        match &from.source {
            Some(raw) => rule.from.push(source(raw, namespace, scope, &at, report)),
            None => report.error(&at, "missing: who?"),
        }
    }
    for (place, to) in raw.to.iter().flatten().enumerate() {
        let at = at.key("to").index(place).key("operation");
        match &to.operation {
            Some(raw) => rule.to.push(operation(raw, scope, &at, report)),
            None => report.error(&at, "missing: what?"),
        }
    }
    for (place, raw) in raw.when.iter().flatten().enumerate() {
        let at = at.key("when").index(place);
        rule.when.extend(condition(raw, namespace, scope, &at, report));
    }
    rule
}

/// One field and its negation, by their names.
type Field<'f> = (Kind, &'static str, &'f Values, &'static str, &'f Values);

fn source(
    raw: &Source,
    namespace: &str,
    scope: &Scope<'_>,
    at: &At<'_>,
    report: &mut Report,
) -> Vec<Condition> {
    let accounts = raw.service_accounts.is_some() || raw.not_service_accounts.is_some();
    let identities = raw.principals.is_some()
        || raw.not_principals.is_some()
        || raw.namespaces.is_some()
        || raw.not_namespaces.is_some();
    if accounts && identities {
        report.error(
            at,
            "serviceAccounts beside namespaces or principals: one of them only",
        );
    }
    let fields: [Field<'_>; 7] = [
        (
            Kind::Principal,
            "principals",
            &raw.principals,
            "notPrincipals",
            &raw.not_principals,
        ),
        (
            Kind::RequestPrincipal,
            "requestPrincipals",
            &raw.request_principals,
            "notRequestPrincipals",
            &raw.not_request_principals,
        ),
        (
            Kind::Namespace,
            "namespaces",
            &raw.namespaces,
            "notNamespaces",
            &raw.not_namespaces,
        ),
        (
            Kind::ServiceAccount,
            "serviceAccounts",
            &raw.service_accounts,
            "notServiceAccounts",
            &raw.not_service_accounts,
        ),
        (
            Kind::TrustDomain,
            "trustDomains",
            &raw.trust_domains,
            "notTrustDomains",
            &raw.not_trust_domains,
        ),
        (
            Kind::SourceIp,
            "ipBlocks",
            &raw.ip_blocks,
            "notIpBlocks",
            &raw.not_ip_blocks,
        ),
        (
            Kind::RemoteIp,
            "remoteIpBlocks",
            &raw.remote_ip_blocks,
            "notRemoteIpBlocks",
            &raw.not_remote_ip_blocks,
        ),
    ];
    conditions(&fields, namespace, scope, at, report)
}

fn operation(raw: &Operation, scope: &Scope<'_>, at: &At<'_>, report: &mut Report) -> Vec<Condition> {
    let fields: [Field<'_>; 4] = [
        (Kind::Host, "hosts", &raw.hosts, "notHosts", &raw.not_hosts),
        (Kind::Port, "ports", &raw.ports, "notPorts", &raw.not_ports),
        (
            Kind::Method,
            "methods",
            &raw.methods,
            "notMethods",
            &raw.not_methods,
        ),
        (Kind::Path, "paths", &raw.paths, "notPaths", &raw.not_paths),
    ];
    conditions(&fields, "", scope, at, report)
}

fn conditions(
    fields: &[Field<'_>],
    namespace: &str,
    scope: &Scope<'_>,
    at: &At<'_>,
    report: &mut Report,
) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let mut given = false;
    for (kind, name, values, not_name, not_values) in fields {
        given |= values.is_some() || not_values.is_some();
        let values = list(kind, values, namespace, scope, &at.key(name), report);
        let not_values = list(kind, not_values, namespace, scope, &at.key(not_name), report);
        if !values.is_empty() || !not_values.is_empty() {
            conditions.push(Condition {
                key: kind.key(),
                values,
                not_values,
            });
        }
    }
    if !given {
        report.error(at, "empty: at least one field is needed");
    }
    conditions
}

fn list(
    kind: &Kind,
    values: &Values,
    namespace: &str,
    scope: &Scope<'_>,
    at: &At<'_>,
    report: &mut Report,
) -> Vec<Pattern> {
    const EMPTY: &str = "an empty list is no condition for Istio: written to mean none, it means any";
    let Some(values) = values else {
        return Vec::new();
    };
    if values.is_empty() {
        report.error(at, EMPTY);
    }
    if matches!(kind, Kind::RequestPrincipal) && !scope.reads_tokens {
        report.warn(
            at,
            "no RequestAuthentication applies here, so no request ever has a principal",
        );
    }
    if matches!(kind, Kind::ServiceAccount) && values.len() > 16 {
        report.error(at, format!("{} values; at most 16 are possible", values.len()));
    }
    let mut patterns = Vec::new();
    for (place, value) in values.iter().enumerate() {
        let at = at.index(place);
        if value.is_empty() {
            report.error(&at, "an empty value");
        } else {
            patterns.extend(pattern::compile(kind, value, namespace, scope, &at, report));
        }
    }
    patterns
}

fn condition(
    raw: &RawCondition,
    namespace: &str,
    scope: &Scope<'_>,
    at: &At<'_>,
    report: &mut Report,
) -> Option<Condition> {
    let Some(key) = raw.key.as_deref().filter(|key| !key.is_empty()) else {
        report.error(&at.key("key"), "missing: which property?");
        return None;
    };
    let empty = |values: &Values| values.as_ref().is_none_or(Vec::is_empty);
    if empty(&raw.values) && empty(&raw.not_values) {
        report.error(
            &at.key("values"),
            format!("values or notValues is needed for {key}"),
        );
        return None;
    }
    let kind = kind(key, &at.key("key"), report)?;
    Some(Condition {
        key: kind.key(),
        values: list(&kind, &raw.values, namespace, scope, &at.key("values"), report),
        not_values: list(
            &kind,
            &raw.not_values,
            namespace,
            scope,
            &at.key("notValues"),
            report,
        ),
    })
}

fn kind(key: &str, at: &At<'_>, report: &mut Report) -> Option<Kind> {
    let bracketed = |prefix: &str| key.strip_prefix(prefix).filter(|rest| rest.starts_with('['));
    if let Some(rest) = bracketed("request.headers") {
        let name = rest
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or("");
        return header_kind(name, at, report);
    }
    if let Some(rest) = bracketed("request.auth.claims") {
        let inner = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let parts: Vec<Box<str>> = inner.unwrap_or("").split("][").map(Into::into).collect();
        if parts
            .iter()
            .any(|part| part.is_empty() || part.contains(['[', ']']))
        {
            report.error(
                at,
                format!("{key}: write request.auth.claims[NAME] or request.auth.claims[NAME][NAME]"),
            );
            return None;
        }
        return Some(Kind::Claim(Key::Claim(parts)));
    }
    Some(match key {
        "source.ip" => Kind::SourceIp,
        "remote.ip" => Kind::RemoteIp,
        "source.namespace" => Kind::Namespace,
        "source.principal" => Kind::Principal,
        "source.serviceAccount" => Kind::ServiceAccount,
        "source.trustDomain" => Kind::TrustDomain,
        "request.auth.principal" => Kind::RequestPrincipal,
        "request.auth.audiences" => Kind::Claim(Key::Audiences),
        "request.auth.presenter" => Kind::Claim(Key::Presenter),
        "destination.ip" => Kind::DestinationIp,
        "destination.port" => Kind::Port,
        "connection.sni" => Kind::Sni,
        other if other.starts_with("experimental.envoy.filters.") => {
            report.error(at, format!("{other} is not supported: it looks into Envoy"));
            return None;
        }
        other => {
            report.error(
                at,
                format!("{other} is no property that can be looked at on a gateway"),
            );
            return None;
        }
    })
}

fn header_kind(name: &str, at: &At<'_>, report: &mut Report) -> Option<Kind> {
    let key = match name.to_ascii_lowercase().as_str() {
        ":path" => Key::PathWithQuery,
        ":method" => Key::Method,
        ":authority" | "host" => Key::Authority,
        _ => Key::Header(super::value::header_name(name, at, report)?),
    };
    Some(Kind::Header(key))
}
