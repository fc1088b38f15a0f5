//! Destinations to upstreams: each host, port and subset that some route names, once.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::istio::report::Report;
use crate::plan::upstream::{Address, Endpoint, Endpoints, HashKey, Protocol, UpstreamSpec};

use super::policy::{Effective, Rules};
use super::registry::{Registry, Resolution, Service, ServiceEndpoint, ServicePort};
use super::{client_tls, pool, scope};

/// Istio's default for TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The upstreams that were asked for so far.
#[derive(Debug)]
pub(crate) struct Upstreams<'a> {
    registry: &'a Registry,
    rules: &'a Rules<'a>,
    found: BTreeMap<(String, u16, Option<String>), Found>,
    list: Vec<Arc<UpstreamSpec>>,
}

/// An upstream by its place in the plan, and what a route hashes for it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) index: usize,
    pub(crate) hash: Option<Arc<HashKey>>,
}

/// What the documents do not define.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Host,
    Port(u16),
    Subset,
}

impl<'a> Upstreams<'a> {
    /// None yet.
    pub(crate) fn new(registry: &'a Registry, rules: &'a Rules<'a>) -> Upstreams<'a> {
        Upstreams {
            registry,
            rules,
            found: BTreeMap::new(),
            list: Vec::new(),
        }
    }

    /// All that were found.
    pub(crate) fn into_list(self) -> Vec<Arc<UpstreamSpec>> {
        self.list
    }

    /// The upstream of a destination. Without a port it is the host's only one, else the one with the
    /// number of the Gateway's server.
    pub(crate) fn find(
        &mut self,
        host: &str,
        port: Option<u16>,
        server_port: u16,
        subset: Option<&str>,
        report: &mut Report,
    ) -> Result<Found, Missing> {
        let service = self.registry.get(host).ok_or(Missing::Host)?;
        let number = port.unwrap_or(match service.ports.as_slice() {
            [only] => only.number,
            _ => server_port,
        });
        let key = (host.to_owned(), number, subset.map(ToOwned::to_owned));
        if let Some(found) = self.found.get(&key) {
            return Ok(found.clone());
        }
        let service_port = service.ports.iter().find(|port| port.number == number);
        let service_port = service_port.ok_or(Missing::Port(number))?;
        let (spec, hash) = self.spec(service, service_port, subset, report)?;
        self.list.push(Arc::new(spec));
        let index = self.list.len() - 1;
        let found = Found { index, hash };
        self.found.insert(key, found.clone());
        Ok(found)
    }

    fn spec(
        &self,
        service: &Service,
        port: &ServicePort,
        subset: Option<&str>,
        report: &mut Report,
    ) -> Result<(UpstreamSpec, Option<Arc<HashKey>>), Missing> {
        let merged = self.rules.find(service);
        let rule = match (merged, subset) {
            (Some(merged), Some(name)) => Some(merged.subset(name).ok_or(Missing::Subset)?),
            (None, Some(_)) => return Err(Missing::Subset),
            (_, None) => None,
        };
        let effective = merged
            .map(|merged| merged.effective(port.number, rule))
            .unwrap_or_default();
        let wanted = |endpoint: &&ServiceEndpoint| {
            rule.is_none_or(|(subset, _)| scope::selects(&subset.labels, &endpoint.labels))
        };
        let endpoints: Vec<_> = service.endpoints.iter().filter(wanted).collect();
        Ok(assemble(service, port, subset, &endpoints, &effective, report))
    }
}

fn assemble(
    service: &Service,
    port: &ServicePort,
    subset: Option<&str>,
    endpoints: &[&ServiceEndpoint],
    effective: &Effective<'_>,
    report: &mut Report,
) -> (UpstreamSpec, Option<Arc<HashKey>>) {
    let connections = effective
        .pool
        .as_ref()
        .map(|(raw, at)| pool::connections(raw, at, report));
    let mut connections = connections.unwrap_or_default();
    let balance = effective
        .balancer
        .as_ref()
        .map(|(raw, at)| pool::balance(raw, at, report));
    let (balance, hash) = balance.unwrap_or_default();
    if let Some((raw, at)) = &effective.budget {
        connections.limits.retry_budget = Some(pool::retry_budget(raw, at, report));
    }
    let of_port = if port.http2 {
        Protocol::Http2
    } else {
        Protocol::Http1
    };
    let names = &service.subject_alt_names;
    let tls = effective
        .tls
        .as_ref()
        .and_then(|(raw, at)| client_tls::compile(raw, names, at, report));
    let spec = UpstreamSpec {
        host: service.host.as_str().into(),
        port: port.number,
        subset: subset.map(Into::into),
        endpoints: resolve(service, port, endpoints),
        protocol: connections.protocol.unwrap_or(of_port),
        tls,
        connect_timeout: connections.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
        limits: connections.limits,
        balance,
        outlier: effective
            .outlier
            .as_ref()
            .map(|(raw, at)| pool::outlier(raw, at, report)),
    };
    (spec, hash)
}

fn resolve(service: &Service, port: &ServicePort, endpoints: &[&ServiceEndpoint]) -> Endpoints {
    let own_port =
        |endpoint: &ServiceEndpoint| endpoint.ports.get(&port.number).copied().unwrap_or(port.target);
    if service.resolution == Resolution::Static {
        let address = |endpoint: &ServiceEndpoint| match endpoint.address.strip_prefix("unix://") {
            Some(path) => Some(Address::Unix(PathBuf::from(path))),
            None => {
                let ip: Option<IpAddr> = endpoint.address.parse().ok();
                ip.map(|ip| Address::Ip(SocketAddr::new(ip, own_port(endpoint))))
            }
        };
        let endpoints = endpoints.iter().filter_map(|endpoint| {
            let weight = endpoint.weight;
            address(endpoint).map(|address| Endpoint { address, weight })
        });
        return Endpoints::Static(endpoints.collect());
    }
    let mut names: Vec<_> = endpoints
        .iter()
        .map(|endpoint| Endpoint {
            address: (endpoint.address.as_str().into(), own_port(endpoint)),
            weight: endpoint.weight,
        })
        .collect();
    if service.endpoints.is_empty() {
        names.push(Endpoint {
            address: (service.host.as_str().into(), port.target),
            weight: 1,
        });
    }
    Endpoints::Dns {
        names,
        first_only: service.resolution == Resolution::DnsRoundRobin,
    }
}
