//! `endpoints` of a ServiceEntry.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::istio::report::{At, Report};
use crate::istio::service_entry::Endpoint;

use super::names::check_host;
use super::registry::{Resolution, ServiceEndpoint, ServicePort};
use super::value::{NOT_IN_SUBSET, count, port, refuse};

/// All of them.
pub(crate) fn compile(
    raw: &[Endpoint],
    resolution: Resolution,
    ports: &[ServicePort],
    at: &At<'_>,
    report: &mut Report,
) -> Vec<ServiceEndpoint> {
    if raw.is_empty() && resolution == Resolution::Static {
        report.warn(at, "none: every request gets 503 `no healthy upstream`");
    }
    if raw.len() > 1 && resolution == Resolution::DnsRoundRobin {
        report.error(at, "DNS_ROUND_ROBIN takes one endpoint at most");
    }
    let each = raw.iter().enumerate();
    each.map(|(place, raw)| endpoint(raw, resolution, ports, &at.index(place), report))
        .collect()
}

fn endpoint(
    raw: &Endpoint,
    resolution: Resolution,
    ports: &[ServicePort],
    at: &At<'_>,
    report: &mut Report,
) -> ServiceEndpoint {
    refuse(raw.network.as_ref(), &at.key("network"), NOT_IN_SUBSET, report);
    refuse(raw.locality.as_ref(), &at.key("locality"), NOT_IN_SUBSET, report);
    refuse(
        raw.service_account.as_ref(),
        &at.key("serviceAccount"),
        NOT_IN_SUBSET,
        report,
    );
    check_address(raw, resolution, at, report);
    let mut own: BTreeMap<u16, u16> = ports.iter().map(|port| (port.number, port.target)).collect();
    for (name, number) in &raw.ports {
        let at = at.key("ports");
        let number = port(Some(*number), &at.name(name), report);
        match ports.iter().find(|known| known.name == *name) {
            Some(known) => {
                own.insert(known.number, number.unwrap_or(known.target));
            }
            None => report.error(&at, format!("{name}: the entry's own ports have no such name")),
        }
    }
    ServiceEndpoint {
        address: raw.address.clone().unwrap_or_default(),
        ports: own,
        labels: raw.labels.clone(),
        weight: count(raw.weight, &at.key("weight"), report).unwrap_or(1).max(1),
    }
}

fn check_address(raw: &Endpoint, resolution: Resolution, at: &At<'_>, report: &mut Report) {
    let place = at.key("address");
    let address = raw.address.as_deref().unwrap_or("");
    let is_static = resolution == Resolution::Static;
    let is_ip = address.parse::<IpAddr>().is_ok();
    if let Some(path) = address.strip_prefix("unix://") {
        if !raw.ports.is_empty() {
            report.error(at, "a unix socket has no ports");
        }
        if !path.starts_with('/') {
            report.error(&place, format!("{address:?}: an absolute path is needed"));
        }
        if !is_static {
            report.error(&place, "a unix socket needs resolution STATIC");
        }
    } else if address.is_empty() {
        report.error(&place, "missing: where is this endpoint?");
    } else if is_static && !is_ip {
        let with_port = address.parse::<SocketAddr>().is_ok();
        let hint = if with_port {
            "the port stands in `ports`"
        } else {
            "resolution DNS takes names"
        };
        report.error(&place, format!("{address:?} is no IP address; {hint}"));
    } else if !is_ip && (address.contains('*') || check_host(address).is_err()) {
        report.error(&place, format!("{address:?} is neither a name nor an IP address"));
    }
}
