//! Which DestinationRule speaks for a host, and what it says for one port and subset.
//!
//! The lookup goes through namespaces, the gateway's own first, and within the first that has a match
//! takes the most specific host; nothing is inherited from a broader rule. Levels replace each other
//! group by group: port settings replace the rule's four groups whole, a subset overrides what it names.

use crate::istio::Document;
use crate::istio::destination_rule::{
    ClientTls, ConnectionPool, DestinationRule, LoadBalancer, OutlierDetection, PortPolicy, RetryBudget,
    Subset, TrafficPolicy,
};
use crate::istio::report::{At, Report};

use super::Workload;
use super::names::{check_host, covers, expand, is_lower_label};
use super::registry::{Registry, Service};
use super::scope::{ROOT_NAMESPACE, Visibility, check_export_to, visibility};
use super::value::{NOT_IN_SUBSET, port, refuse};
use super::{client_tls, pool};

/// All rules that this workload sees.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    merged: Vec<Merged<'a>>,
    namespace: String,
}

/// The rules of one host in one namespace, joined.
#[derive(Debug)]
pub(crate) struct Merged<'a> {
    namespace: String,
    host: String,
    visibility: Visibility,
    policy: Option<(&'a TrafficPolicy, At<'a>)>,
    subsets: Vec<(&'a Subset, At<'a>)>,
}

/// A group of settings and where it stands.
pub(crate) type Group<'a, T> = Option<(&'a T, At<'a>)>;

/// What holds for one port and subset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effective<'a> {
    pub(crate) balancer: Group<'a, LoadBalancer>,
    pub(crate) pool: Group<'a, ConnectionPool>,
    pub(crate) outlier: Group<'a, OutlierDetection>,
    pub(crate) tls: Group<'a, ClientTls>,
    pub(crate) budget: Group<'a, RetryBudget>,
}

/// Reads every rule.
pub(crate) fn build<'a>(
    documents: &'a [Document<DestinationRule>],
    registry: &Registry,
    workload: &Workload<'_>,
    report: &mut Report,
) -> Rules<'a> {
    let mut rules = Rules {
        merged: Vec::new(),
        namespace: workload.namespace.to_owned(),
    };
    for document in documents {
        let namespace = &*document.about.id.namespace;
        let host = expand(document.spec.host.as_deref().unwrap_or(""), namespace);
        check(document, &host, registry, report);
        let at = At::spec(&document.about);
        match visibility(&document.spec.export_to, namespace, workload) {
            Some(visibility) => rules.merge(document, &host, visibility, report),
            // rules of our own namespace count whatever they say of others
            None if namespace == workload.namespace => {
                rules.merge(document, &host, Visibility::Own, report);
            }
            None => {
                let message = format!("not exported to {}: has no effect here", workload.namespace);
                report.warn(&at.key("exportTo"), message);
            }
        }
        warn_if_without_effect(document, &host, registry, workload, report);
    }
    rules
}

impl<'a> Rules<'a> {
    fn merge(
        &mut self,
        document: &'a Document<DestinationRule>,
        host: &str,
        visibility: Visibility,
        report: &mut Report,
    ) {
        let at = At::spec(&document.about);
        let namespace = &*document.about.id.namespace;
        let known = self.merged.iter().position(|known| {
            known.host == host && known.namespace == namespace && known.visibility == visibility
        });
        let place = known.unwrap_or_else(|| {
            self.merged.push(Merged {
                namespace: namespace.to_owned(),
                host: host.to_owned(),
                visibility,
                policy: None,
                subsets: Vec::new(),
            });
            self.merged.len() - 1
        });
        let merged = &mut self.merged[place];
        if let Some(policy) = &document.spec.traffic_policy {
            let at = at.key("trafficPolicy");
            match &merged.policy {
                None => merged.policy = Some((policy, at)),
                Some((_, first)) => {
                    let first = first.about.label();
                    report.warn(
                        &at,
                        format!("without effect: {first} has the policy for {host} already"),
                    );
                }
            }
        }
        for (place, subset) in document.spec.subsets.iter().enumerate() {
            let at = at.key("subsets").index(place);
            match merged.subsets.iter().find(|(known, _)| known.name == subset.name) {
                None => merged.subsets.push((subset, at)),
                Some((_, first)) if first.about.id != document.about.id => {
                    let first = first.about.label();
                    report.warn(
                        &at.key("name"),
                        format!("without effect: {first} has this subset already"),
                    );
                }
                Some(_) => report.error(&at.key("name"), "this subset is there twice"),
            }
        }
    }

    /// The rules for a host: of our namespace, else of the service's, else of the root namespace.
    pub(crate) fn find(&self, service: &Service) -> Option<&Merged<'a>> {
        let own = self.namespace.as_str();
        // a gateway in the root namespace takes only private rules from there at first
        let private = own == ROOT_NAMESPACE;
        let lookups = [
            (own, private),
            (service.namespace.as_str(), false),
            (ROOT_NAMESPACE, false),
        ];
        lookups
            .iter()
            .find_map(|(namespace, private)| self.most_specific(&service.host, namespace, *private))
    }

    fn most_specific(&self, host: &str, namespace: &str, private: bool) -> Option<&Merged<'a>> {
        let candidates = self.merged.iter().filter(|merged| {
            merged.namespace == namespace
                && covers(&merged.host, host)
                && (!private || merged.visibility == Visibility::Own)
        });
        candidates.max_by_key(|merged| (!merged.host.starts_with('*'), merged.host.len()))
    }
}

impl<'a> Merged<'a> {
    /// A subset by its name.
    pub(crate) fn subset(&self, name: &str) -> Option<&(&'a Subset, At<'a>)> {
        self.subsets
            .iter()
            .find(|(subset, _)| subset.name.as_deref() == Some(name))
    }

    /// What holds for a port, and for a subset of it.
    pub(crate) fn effective(&self, port: u16, subset: Option<&(&'a Subset, At<'a>)>) -> Effective<'a> {
        let mut effective = Effective::default();
        if let Some((policy, at)) = &self.policy {
            effective.overlay(policy, at, port);
        }
        if let Some((subset, at)) = subset
            && let Some(policy) = &subset.traffic_policy
        {
            effective.overlay(policy, &at.key("trafficPolicy"), port);
        }
        effective
    }
}

impl<'a> Effective<'a> {
    fn overlay(&mut self, policy: &'a TrafficPolicy, at: &At<'a>, port: u16) {
        fn group<'a, T>(value: Option<&'a T>, at: &At<'a>, key: &str) -> Group<'a, T> {
            value.map(|value| (value, at.key(key)))
        }
        self.balancer = group(policy.load_balancer.as_ref(), at, "loadBalancer").or(self.balancer.take());
        self.pool = group(policy.connection_pool.as_ref(), at, "connectionPool").or(self.pool.take());
        self.outlier =
            group(policy.outlier_detection.as_ref(), at, "outlierDetection").or(self.outlier.take());
        self.tls = group(policy.tls.as_ref(), at, "tls").or(self.tls.take());
        self.budget = group(policy.retry_budget.as_ref(), at, "retryBudget").or(self.budget.take());
        let mut settings = policy.port_level_settings.iter().enumerate();
        let is_ours = |settings: &PortPolicy| {
            let number = settings.port.as_ref().and_then(|port| port.number);
            number == Some(i64::from(port))
        };
        if let Some((place, settings)) = settings.rfind(|(_, settings)| is_ours(settings)) {
            let at = at.key("portLevelSettings").index(place);
            self.balancer = group(settings.load_balancer.as_ref(), &at, "loadBalancer");
            self.pool = group(settings.connection_pool.as_ref(), &at, "connectionPool");
            self.outlier = group(settings.outlier_detection.as_ref(), &at, "outlierDetection");
            self.tls = group(settings.tls.as_ref(), &at, "tls");
        }
    }
}

/// Judges a rule by itself.
fn check(document: &Document<DestinationRule>, host: &str, registry: &Registry, report: &mut Report) {
    let at = At::spec(&document.about);
    let spec = &document.spec;
    check_export_to(&spec.export_to, false, &at.key("exportTo"), report);
    refuse(
        spec.workload_selector.as_ref(),
        &at.key("workloadSelector"),
        NOT_IN_SUBSET,
        report,
    );
    match &spec.host {
        None => report.error(&at.key("host"), "missing: which host is this rule for?"),
        Some(host) => {
            if let Err(problem) = check_host(host) {
                report.error(&at.key("host"), problem);
            }
        }
    }
    let service = registry.get(host);
    if let Some(policy) = &spec.traffic_policy {
        check_policy(policy, service, &at.key("trafficPolicy"), report);
    }
    for (place, subset) in spec.subsets.iter().enumerate() {
        let at = at.key("subsets").index(place);
        let name = subset.name.as_deref().unwrap_or("");
        if !is_lower_label(&name.to_ascii_lowercase()) {
            report.error(
                &at.key("name"),
                format!("{name:?} is no name of a subset; a DNS label is needed"),
            );
        }
        if let Some(policy) = &subset.traffic_policy {
            check_policy(policy, service, &at.key("trafficPolicy"), report);
        }
        let has = |service: &Service| {
            service
                .endpoints
                .iter()
                .any(|endpoint| super::scope::selects(&subset.labels, &endpoint.labels))
        };
        if !subset.labels.is_empty() && service.is_some_and(|service| !has(service)) {
            report.warn(
                &at.key("labels"),
                format!(
                    "no endpoint of {host} has the labels of {name}: requests get 503 `no healthy upstream`"
                ),
            );
        }
    }
}

fn check_policy(policy: &TrafficPolicy, service: Option<&Service>, at: &At<'_>, report: &mut Report) {
    refuse(policy.tunnel.as_ref(), &at.key("tunnel"), NOT_IN_SUBSET, report);
    refuse(
        policy.proxy_protocol.as_ref(),
        &at.key("proxyProtocol"),
        NOT_IN_SUBSET,
        report,
    );
    let empty = policy.load_balancer.is_none()
        && policy.connection_pool.is_none()
        && policy.outlier_detection.is_none()
        && policy.tls.is_none()
        && policy.port_level_settings.is_empty()
        && policy.retry_budget.is_none()
        && policy.tunnel.is_none()
        && policy.proxy_protocol.is_none();
    if empty {
        report.error(at, "a policy needs at least one field");
    }
    let groups = Groups {
        balancer: policy.load_balancer.as_ref(),
        pool: policy.connection_pool.as_ref(),
        outlier: policy.outlier_detection.as_ref(),
        tls: policy.tls.as_ref(),
    };
    check_groups(&groups, service, at, report);
    for (place, settings) in policy.port_level_settings.iter().enumerate() {
        let at = at.key("portLevelSettings").index(place);
        let number = settings.port.as_ref().and_then(|port| port.number);
        let number = port(number, &at.key("port"), report);
        let is_there =
            |number| service.is_none_or(|service| service.ports.iter().any(|port| port.number == number));
        if let Some(number) = number
            && !is_there(number)
        {
            report.warn(&at.key("port"), format!("{number}: the host has no such port"));
        }
        let groups = Groups {
            balancer: settings.load_balancer.as_ref(),
            pool: settings.connection_pool.as_ref(),
            outlier: settings.outlier_detection.as_ref(),
            tls: settings.tls.as_ref(),
        };
        check_groups(&groups, service, &at, report);
    }
}

/// The groups that every level can have.
struct Groups<'r> {
    balancer: Option<&'r LoadBalancer>,
    pool: Option<&'r ConnectionPool>,
    outlier: Option<&'r OutlierDetection>,
    tls: Option<&'r ClientTls>,
}

fn check_groups(groups: &Groups<'_>, service: Option<&Service>, at: &At<'_>, report: &mut Report) {
    if let Some(raw) = groups.balancer {
        pool::balance(raw, &at.key("loadBalancer"), report);
    }
    if let Some(raw) = groups.pool {
        pool::connections(raw, &at.key("connectionPool"), report);
    }
    if let Some(raw) = groups.outlier {
        pool::outlier(raw, &at.key("outlierDetection"), report);
    }
    if let Some(raw) = groups.tls {
        let names = service.map_or(&[][..], |service| &service.subject_alt_names);
        client_tls::compile(raw, names, &at.key("tls"), report);
    }
}

fn warn_if_without_effect(
    document: &Document<DestinationRule>,
    host: &str,
    registry: &Registry,
    workload: &Workload<'_>,
    report: &mut Report,
) {
    let at = At::spec(&document.about);
    let namespace = &*document.about.id.namespace;
    let mut services = registry
        .iter()
        .filter(|service| covers(host, &service.host))
        .peekable();
    if services.peek().is_none() {
        report.warn(
            &at.key("host"),
            format!("{host}: no document defines such a host"),
        );
    } else if namespace != workload.namespace
        && namespace != ROOT_NAMESPACE
        && services.all(|service| service.namespace != namespace)
    {
        report.warn(
            &At::root(&document.about).key("metadata.namespace"),
            format!(
                "rules for {host} are looked up in the gateway's namespace ({}), the host's own and {ROOT_NAMESPACE}, not in {namespace}: without effect",
                workload.namespace
            ),
        );
    }
}
