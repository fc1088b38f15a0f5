//! Documents to a plan: every name resolved, every pattern compiled, every mistake of all documents told
//! at once.
//!
//! The order is that of dependence: what exists (`registry`), how it is reached (`policy`, `upstream`),
//! where connections come in (`gateway`), which of them leads where (`virtual_host`, `rule`), and whose
//! they must be (`authentication`, `authorization`). Where Istio has two ways to read a document, the
//! comments say which one was recorded.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Plan;
use crate::istio::Documents;
use crate::istio::report::Report;

pub(crate) mod actions;
pub(crate) mod authentication;
pub(crate) mod authorization;
pub(crate) mod client_tls;
pub(crate) mod cors;
pub(crate) mod destination;
pub(crate) mod endpoint;
pub(crate) mod fault;
pub(crate) mod gateway;
pub(crate) mod headers;
pub(crate) mod matches;
pub(crate) mod mesh;
pub(crate) mod names;
pub(crate) mod pattern;
pub(crate) mod policy;
pub(crate) mod pool;
pub(crate) mod principal;
pub(crate) mod registry;
pub(crate) mod retry;
pub(crate) mod rule;
pub(crate) mod scope;
pub(crate) mod server_tls;
pub(crate) mod template;
pub(crate) mod upstream;
pub(crate) mod value;
pub(crate) mod virtual_host;

#[cfg(test)]
mod tests;

/// Whose plan it is: what Istio knows of a pod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload<'a> {
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// Its labels.
    pub(crate) labels: &'a BTreeMap<String, String>,
    /// Where servers without a `bind` listen.
    pub(crate) bind: IpAddr,
    /// From a server's port to the one that is really bound; what is not in it is bound as it is.
    pub(crate) ports: &'a BTreeMap<u16, u16>,
}

impl Workload<'_> {
    /// The port that is bound for a server's.
    pub(crate) fn bound_port(&self, number: u16) -> u16 {
        self.ports.get(&number).copied().unwrap_or(number)
    }

    /// The labels, for a message.
    pub(crate) fn labels(&self) -> String {
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if labels.is_empty() {
            "it has no labels; give them with --labels".to_owned()
        } else {
            format!("labels {}", labels.join(","))
        }
    }
}

/// Makes the plan. It is worth something only when the report has no errors.
pub(crate) fn compile(documents: &Documents, workload: &Workload<'_>, report: &mut Report) -> Plan {
    let mesh = mesh::compile(documents.mesh.as_ref(), report);
    let registry = registry::build(&documents.service_entries, workload, report);
    let rules = policy::build(&documents.destination_rules, &registry, workload, report);
    let mut upstreams = upstream::Upstreams::new(&registry, &rules);
    let servers = gateway::servers(&documents.gateways, workload, report);
    let listeners = virtual_host::listeners(
        &servers,
        &documents.virtual_services,
        &documents.gateways,
        workload,
        &mut upstreams,
        report,
    );
    let jwt_rules = authentication::compile(&documents.request_authentications, workload, report);
    let scope = authorization::Scope {
        workload,
        mesh: &mesh,
        ports: servers
            .iter()
            .map(|server| workload.bound_port(server.number))
            .collect(),
        reads_tokens: !jwt_rules.is_empty(),
    };
    let policies = authorization::compile(&documents.authorization_policies, &scope, report);
    Plan {
        path: mesh.path,
        trusted_hops: mesh.trusted_hops,
        listeners,
        upstreams: upstreams.into_list(),
        jwt_rules,
        policies,
        sources: documents.sources.clone(),
        warnings: report.warnings.clone(),
    }
}
