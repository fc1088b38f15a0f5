//! `http` of a VirtualService: its rules in order, each with its matches and its action.

use std::sync::Arc;

use crate::istio::Document;
use crate::istio::report::{At, Report};
use crate::istio::virtual_service::{HttpMatch, HttpRoute, VirtualService};
use crate::plan::route::Route;

use super::actions;
use super::matches;
use super::names::{check_host, meet};
use super::scope::check_export_to;
use super::upstream::Upstreams;
use super::value::{port, refuse};

/// Where the rules are bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<'b> {
    /// `namespace/name`; none = nowhere, they are only judged.
    pub(crate) gateway: Option<&'b str>,
    /// The number of the server's port.
    pub(crate) server_port: u16,
}

/// The full name of a Gateway by what `gateways` says.
pub(crate) fn gateway_name(name: &str, namespace: &str) -> String {
    if name == "mesh" || name.contains('/') {
        return name.to_owned();
    }
    // the old form, name.namespace.svc.cluster.local
    let parts: Vec<_> = name.split('.').collect();
    match parts.as_slice() {
        [name, namespace, "svc", ..] => format!("{namespace}/{name}"),
        _ => format!("{namespace}/{name}"),
    }
}

/// The routes of a VirtualService as they are at one place, and which of them are catch-alls.
///
/// A catch-all is decided by how a match is written, not by what it takes; what follows the first one in
/// its own document is dropped (recorded).
pub(crate) fn compile(
    document: &Document<VirtualService>,
    bound: &Bound<'_>,
    upstreams: &mut Upstreams<'_>,
    report: &mut Report,
) -> Vec<(Route, bool)> {
    let at = At::spec(&document.about).key("http");
    let namespace = &*document.about.id.namespace;
    let mut routes = Vec::new();
    let mut done = false;
    for (place, rule) in document.spec.http.iter().enumerate() {
        let at = at.index(place);
        let name = rule.name.as_deref().filter(|name| !name.is_empty());
        let name: Arc<str> = name.map_or_else(|| format!("http[{place}]").into(), Into::into);
        let whole = [HttpMatch::default()];
        let entries = if rule.matches.is_empty() {
            &whole[..]
        } else {
            &rule.matches
        };
        for (entry_place, entry) in entries.iter().enumerate() {
            let match_at = at.key("match").index(entry_place);
            let matches = matches::compile(entry, &match_at, report);
            let is_catch_all = matches::is_catch_all(entry);
            let action = actions::compile(rule, entry, namespace, bound.server_port, upstreams, &at, report);
            if done || !is_here(entry, namespace, bound) {
                continue;
            }
            let (Some(matches), Some(action)) = (matches, action) else {
                continue;
            };
            done = is_catch_all;
            let route = Route {
                document: document.about.id.clone(),
                name: name.clone(),
                matches: actions::rewritable(matches, rule),
                action: Arc::new(action),
            };
            routes.push((route, is_catch_all));
        }
    }
    routes
}

/// Whether an entry is meant for this server: `port` and `gateways` of a match.
fn is_here(entry: &HttpMatch, namespace: &str, bound: &Bound<'_>) -> bool {
    let gateway = |name: &String| Some(gateway_name(name, namespace).as_str()) == bound.gateway;
    entry.port.is_none_or(|port| port == i64::from(bound.server_port))
        && (entry.gateways.is_empty() || entry.gateways.iter().any(gateway))
}

/// Judges what does not depend on the place.
pub(crate) fn check(document: &Document<VirtualService>, report: &mut Report) {
    const HTTP_ONLY: &str = "not supported: HTTP only";
    let at = At::spec(&document.about);
    let spec = &document.spec;
    refuse(spec.tls.as_ref(), &at.key("tls"), HTTP_ONLY, report);
    refuse(spec.tcp.as_ref(), &at.key("tcp"), HTTP_ONLY, report);
    check_export_to(&spec.export_to, false, &at.key("exportTo"), report);
    check_hosts(spec, &at.key("hosts"), report);
    check_gateways(spec, &at, report);
    if spec.http.is_empty() && spec.tls.is_none() && spec.tcp.is_none() {
        report.error(&at.key("http"), "missing: there is nothing to route by");
    }
    let mut catch_all: Option<At<'_>> = None;
    let mut seen: Vec<(&HttpMatch, At<'_>)> = Vec::new();
    for (place, rule) in spec.http.iter().enumerate() {
        let at = at.key("http").index(place);
        if let Some(first) = &catch_all {
            report.warn(
                &at,
                format!("never reached: {} takes every request", first.field()),
            );
        }
        for (place, entry) in rule.matches.iter().enumerate() {
            let at = at.key("match").index(place);
            check_entry(entry, document, &at, report);
            match seen.iter().find(|(known, _)| *known == entry) {
                Some((_, first)) if catch_all.is_none() => {
                    report.warn(
                        &at,
                        format!("never used: {} takes the same requests", first.field()),
                    );
                }
                _ => seen.push((entry, at)),
            }
        }
        if catch_all.is_none() && takes_everything(rule) {
            catch_all = Some(at);
        }
    }
}

fn takes_everything(rule: &HttpRoute) -> bool {
    let everywhere = |entry: &HttpMatch| entry.port.is_none() && entry.gateways.is_empty();
    rule.matches.is_empty()
        || rule
            .matches
            .iter()
            .any(|entry| matches::is_catch_all(entry) && everywhere(entry))
}

fn check_hosts(spec: &VirtualService, at: &At<'_>, report: &mut Report) {
    if spec.hosts.is_empty() {
        report.error(
            at,
            "missing: without hosts it would be a delegate, which is not supported",
        );
    }
    for (place, host) in spec.hosts.iter().enumerate() {
        let at = at.index(place);
        if let Err(problem) = check_host(host) {
            report.error(&at, problem);
        }
        if let Some(other) = spec.hosts[..place]
            .iter()
            .find(|other| meet(host, other).is_some())
        {
            report.error(&at, format!("{host} overlaps {other}"));
        }
        if host == "*" && (spec.gateways.is_empty() || spec.gateways.iter().any(|name| name == "mesh")) {
            report.error(&at, "\"*\" is possible only for Gateways, not for `mesh`");
        }
    }
}

fn check_gateways(spec: &VirtualService, at: &At<'_>, report: &mut Report) {
    for (place, name) in spec.gateways.iter().enumerate() {
        let at = at.key("gateways").index(place);
        match name.split_once('/') {
            Some((".", _)) => report.error(
                &at,
                format!("{name}: `./` is for hosts of a Gateway; write name or namespace/name"),
            ),
            Some((namespace, short)) if namespace.is_empty() || short.is_empty() || short.contains('/') => {
                report.error(
                    &at,
                    format!("{name:?} is no Gateway; name or namespace/name is needed"),
                );
            }
            None if name.is_empty() => report.error(&at, "empty: name or namespace/name is needed"),
            _ => {}
        }
    }
}

fn check_entry(entry: &HttpMatch, document: &Document<VirtualService>, at: &At<'_>, report: &mut Report) {
    const SIDECARS: &str = "for sidecars only: on a gateway it would never match";
    refuse(
        entry.source_labels.as_ref(),
        &at.key("sourceLabels"),
        SIDECARS,
        report,
    );
    refuse(
        entry.source_namespace.as_ref(),
        &at.key("sourceNamespace"),
        SIDECARS,
        report,
    );
    if entry.port.is_some() {
        port(entry.port, &at.key("port"), report);
    }
    let namespace = &*document.about.id.namespace;
    let bound = &document.spec.gateways;
    for (place, name) in entry.gateways.iter().enumerate() {
        let full = gateway_name(name, namespace);
        if bound.iter().all(|known| gateway_name(known, namespace) != full) {
            report.warn(
                &at.key("gateways").index(place),
                format!("{name}: spec.gateways does not list it, so this never matches"),
            );
        }
    }
    let names = entry.headers.keys().chain(entry.without_headers.keys());
    let on_mesh = bound.is_empty() || bound.iter().any(|name| name == "mesh");
    if on_mesh && names.into_iter().any(|name| matches::is_claim(name)) {
        report.error(
            &at.key("headers"),
            "claims can be matched at Gateways only, not at `mesh`",
        );
    }
}
