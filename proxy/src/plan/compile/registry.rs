//! What exists: the hosts that ServiceEntries define, as seen from this workload.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::istio::Document;
use crate::istio::common::Labels;
use crate::istio::report::{At, Report};
use crate::istio::service_entry::{Port, ServiceEntry};

use super::Workload;
use super::endpoint;
use super::names::{check_host, is_lower_label};
use super::scope::{Visibility, check_export_to, visibility};
use super::value::{NOT_IN_SUBSET, one_of, port, refuse};

/// Hosts by their names as written: destinations compare with case.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    services: BTreeMap<String, Service>,
}

/// A host.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Its name.
    pub(crate) host: String,
    /// The namespace of the entry that defines it.
    pub(crate) namespace: String,
    /// Its ports.
    pub(crate) ports: Vec<ServicePort>,
    /// How its endpoints are found.
    pub(crate) resolution: Resolution,
    /// Where they are.
    pub(crate) endpoints: Vec<ServiceEndpoint>,
    /// What its certificates name.
    pub(crate) subject_alt_names: Vec<String>,
}

/// A port of a host.
#[derive(Clone, Debug)]
pub(crate) struct ServicePort {
    /// As endpoints name it.
    pub(crate) name: String,
    /// As routes name it.
    pub(crate) number: u16,
    /// HTTP2, GRPC or GRPC-WEB.
    pub(crate) http2: bool,
    /// Where it leads unless an endpoint says otherwise.
    pub(crate) target: u16,
}

/// An endpoint of a host.
#[derive(Clone, Debug)]
pub(crate) struct ServiceEndpoint {
    /// IP, name, or `unix://` and a path.
    pub(crate) address: String,
    /// From the host's port to its own.
    pub(crate) ports: BTreeMap<u16, u16>,
    /// For subsets.
    pub(crate) labels: Labels,
    /// Its share.
    pub(crate) weight: u32,
}

/// `resolution`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// Addresses.
    Static,
    /// Names, all addresses.
    Dns,
    /// One name, its first address.
    DnsRoundRobin,
}

/// Reads every entry. Of one host in two namespaces the first counts: entries exported to us by name
/// before public ones, then the oldest. Entries of one namespace are joined.
pub(crate) fn build(
    entries: &[Document<ServiceEntry>],
    workload: &Workload<'_>,
    report: &mut Report,
) -> Registry {
    let mut visible = Vec::new();
    for entry in entries {
        let services = services(entry, report);
        let about = &entry.about;
        let Some(visibility) = visibility(&entry.spec.export_to, &about.id.namespace, workload) else {
            let at = At::spec(about).key("exportTo");
            report.warn(
                &at,
                format!("not exported to {}: unknown to this workload", workload.namespace),
            );
            continue;
        };
        let age = (
            visibility == Visibility::Public,
            about.created.is_none(),
            about.created.clone(),
        );
        visible.push(((age, about.id.namespace.clone()), entry, services));
    }
    visible.sort_by(|(one, ..), (two, ..)| one.cmp(two));
    let mut registry = Registry::default();
    for (_, entry, services) in visible {
        for service in services {
            registry.add(service, entry, report);
        }
    }
    registry
}

impl Registry {
    /// A host by its full name.
    pub(crate) fn get(&self, host: &str) -> Option<&Service> {
        self.services.get(host)
    }

    /// All hosts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    fn add(&mut self, service: Service, entry: &Document<ServiceEntry>, report: &mut Report) {
        let Some(known) = self.services.get_mut(&service.host) else {
            self.services.insert(service.host.clone(), service);
            return;
        };
        if known.namespace != service.namespace {
            report.warn(
                &At::spec(&entry.about).key("hosts"),
                format!(
                    "{} of namespace {} hides the one of namespace {}",
                    service.host, known.namespace, service.namespace
                ),
            );
            return;
        }
        known.endpoints.extend(service.endpoints);
        for port in service.ports {
            if known.ports.iter().all(|known| known.number != port.number) {
                known.ports.push(port);
            }
        }
    }
}

fn services(entry: &Document<ServiceEntry>, report: &mut Report) -> Vec<Service> {
    let at = At::spec(&entry.about);
    let spec = &entry.spec;
    check_export_to(&spec.export_to, true, &at.key("exportTo"), report);
    refuse(
        spec.workload_selector.as_ref(),
        &at.key("workloadSelector"),
        NOT_IN_SUBSET,
        report,
    );
    if let Some(location) = &spec.location {
        let words = [("MESH_EXTERNAL", ()), ("MESH_INTERNAL", ())];
        one_of(location, &words, &at.key("location"), report);
    }
    let resolution = resolution(spec, &at, report);
    check_hosts(spec, resolution, &at, report);
    check_addresses(spec, resolution, &at, report);
    let ports = ports(&spec.ports, &at, report);
    let Some(resolution) = resolution else {
        return Vec::new();
    };
    let endpoints = endpoint::compile(&spec.endpoints, resolution, &ports, &at.key("endpoints"), report);
    let service = |host: &String| Service {
        host: host.clone(),
        namespace: entry.about.id.namespace.to_string(),
        ports: ports.clone(),
        resolution,
        endpoints: endpoints.clone(),
        subject_alt_names: spec.subject_alt_names.clone(),
    };
    spec.hosts.iter().map(service).collect()
}

fn resolution(spec: &ServiceEntry, at: &At<'_>, report: &mut Report) -> Option<Resolution> {
    const WORDS: [(&str, Resolution); 3] = [
        ("STATIC", Resolution::Static),
        ("DNS", Resolution::Dns),
        ("DNS_ROUND_ROBIN", Resolution::DnsRoundRobin),
    ];
    let at = at.key("resolution");
    if spec.resolution.as_deref().unwrap_or("NONE") == "NONE" {
        report.error(
            &at,
            "NONE, also when left out, sends requests where the client wanted to go, which a gateway does not know; STATIC, DNS and DNS_ROUND_ROBIN are supported",
        );
        return None;
    }
    one_of(spec.resolution.as_deref()?, &WORDS, &at, report)
}

fn check_hosts(spec: &ServiceEntry, resolution: Option<Resolution>, at: &At<'_>, report: &mut Report) {
    if spec.hosts.is_empty() {
        report.error(&at.key("hosts"), "missing: at least one host is needed");
    }
    for (place, host) in spec.hosts.iter().enumerate() {
        let at = at.key("hosts").index(place);
        if host == "*" {
            report.error(&at, "\"*\" is no host that could be reached");
        } else if let Err(problem) = check_host(host) {
            report.error(&at, problem);
        } else if host.contains('*') && spec.endpoints.is_empty() && resolution != Some(Resolution::Static) {
            report.error(
                &at,
                format!("{host}: a wildcard cannot be looked up; it needs endpoints"),
            );
        }
    }
}

/// `addresses` means nothing to a gateway, but must make sense.
fn check_addresses(spec: &ServiceEntry, resolution: Option<Resolution>, at: &At<'_>, report: &mut Report) {
    for (place, address) in spec.addresses.iter().enumerate() {
        let at = at.key("addresses").index(place);
        let (ip, length) = address.split_once('/').unwrap_or((address, ""));
        let Ok(ip) = ip.parse::<IpAddr>() else {
            report.error(&at, format!("{address:?} is no address"));
            continue;
        };
        let widest = if ip.is_ipv4() { 32 } else { 128 };
        if length.is_empty() {
            continue;
        }
        if length.parse::<u8>().ok().is_none_or(|length| length > widest) {
            report.error(&at, format!("{address:?} is no network"));
        } else if resolution != Some(Resolution::Static) {
            report.error(
                &at,
                format!("{address}: a network is possible with resolution STATIC only"),
            );
        }
    }
}

fn ports(raw: &[Port], at: &At<'_>, report: &mut Report) -> Vec<ServicePort> {
    let mut ports: Vec<ServicePort> = Vec::new();
    if raw.is_empty() {
        report.error(
            &at.key("ports"),
            "missing: without ports there is nothing to reach",
        );
    }
    for (place, raw) in raw.iter().enumerate() {
        let at = at.key("ports").index(place);
        let name = raw.name.clone().unwrap_or_default();
        if !is_lower_label(&name) {
            report.error(
                &at.key("name"),
                format!("{name:?} is no port name; a DNS label in lower case is needed"),
            );
        }
        let Some(number) = port(raw.number, &at.key("number"), report) else {
            continue;
        };
        if ports.iter().any(|known| known.number == number) {
            report.error(&at.key("number"), format!("{number} is there twice"));
        }
        if ports.iter().any(|known| known.name == name) {
            report.error(&at.key("name"), format!("{name} is there twice"));
        }
        let target = match raw.target_port {
            Some(target) => port(Some(target), &at.key("targetPort"), report).unwrap_or(number),
            None => number,
        };
        let http2 = protocol(raw.protocol.as_deref(), &at.key("protocol"), report);
        ports.push(ServicePort {
            name,
            number,
            http2,
            target,
        });
    }
    ports
}

fn protocol(text: Option<&str>, at: &At<'_>, report: &mut Report) -> bool {
    const WORDS: [(&str, bool); 5] = [
        ("HTTP", false),
        ("HTTPS", false),
        ("HTTP2", true),
        ("GRPC", true),
        ("GRPC-WEB", true),
    ];
    match text {
        None | Some("") => {
            report.warn(at, "missing: HTTP/1.1 is spoken to it; write HTTP");
            false
        }
        Some(text) => one_of(&text.to_ascii_uppercase(), &WORDS, at, report).unwrap_or(false),
    }
}
