//! Listeners and their virtual hosts: which VirtualServices attach to which server, under which names,
//! in which order.
//!
//! Routes of one name are joined in the order of Gateways, then of servers, then of VirtualServices; at
//! the end what is written as a catch-all moves behind everything else (`rule` says what that is).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::istio::Document;
use crate::istio::gateway::Gateway;
use crate::istio::report::{At, Report};
use crate::istio::virtual_service::VirtualService;
use crate::plan::listener::{Listener, ListenerKind, ServerName, TlsServer, VirtualHost, VirtualHosts};
use crate::plan::route::Route;

use super::Workload;
use super::gateway::Server;
use super::names::{expand, meet};
use super::rule::{self, Bound};
use super::scope;
use super::upstream::Upstreams;

/// A VirtualService that this workload sees, its names and Gateways in full.
#[derive(Debug)]
struct Attachable<'a> {
    document: &'a Document<VirtualService>,
    hosts: Vec<String>,
    gateways: Vec<String>,
}

/// Everything that routes.
pub(crate) fn listeners<'a>(
    servers: &[Server<'a>],
    virtual_services: &'a [Document<VirtualService>],
    gateways: &[Document<Gateway>],
    workload: &Workload<'_>,
    upstreams: &mut Upstreams<'_>,
    report: &mut Report,
) -> Vec<Listener> {
    for document in virtual_services {
        rule::check(document, report);
    }
    let attachable = attachable(virtual_services, workload, report);
    let mut listeners = Vec::new();
    for group in groups(servers) {
        listeners.extend(listener(&group, &attachable, workload, upstreams, report));
    }
    for service in &attachable {
        warn_if_unreachable(service, servers, gateways, report);
        // what no server reaches is judged all the same
        let bound = Bound {
            gateway: None,
            server_port: servers.first().map_or(80, |server| server.number),
        };
        rule::compile(service.document, &bound, upstreams, report);
    }
    listeners
}

/// In the order in which they are asked: private ones, then those exported to us by name, then the rest.
fn attachable<'a>(
    documents: &'a [Document<VirtualService>],
    workload: &Workload<'_>,
    report: &mut Report,
) -> Vec<Attachable<'a>> {
    let mut ordered = Vec::new();
    for document in documents {
        let namespace = &*document.about.id.namespace;
        let spec = &document.spec;
        let Some(visibility) = scope::visibility(&spec.export_to, namespace, workload) else {
            let at = At::spec(&document.about).key("exportTo");
            report.warn(
                &at,
                format!("not exported to {}: routes nothing here", workload.namespace),
            );
            continue;
        };
        let service = Attachable {
            document,
            hosts: spec.hosts.iter().map(|host| expand(host, namespace)).collect(),
            gateways: spec
                .gateways
                .iter()
                .map(|name| rule::gateway_name(name, namespace))
                .collect(),
        };
        ordered.push((visibility, service));
    }
    ordered.sort_by_key(|(visibility, _)| *visibility);
    ordered.into_iter().map(|(_, service)| service).collect()
}

/// Servers by what makes an address: `bind` and the port.
type Group<'s, 'a> = ((Option<IpAddr>, u16), Vec<&'s Server<'a>>);

/// Servers that share an address, in the order of the first of each.
fn groups<'s, 'a>(servers: &'s [Server<'a>]) -> Vec<Vec<&'s Server<'a>>> {
    let mut groups: Vec<Group<'s, 'a>> = Vec::new();
    for server in servers {
        let key = (server.bind, server.number);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(server),
            None => groups.push((key, vec![server])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn listener(
    group: &[&Server<'_>],
    services: &[Attachable<'_>],
    workload: &Workload<'_>,
    upstreams: &mut Upstreams<'_>,
    report: &mut Report,
) -> Option<Listener> {
    let first = group.first()?;
    for server in &group[1..] {
        if server.tls.is_some() != first.tls.is_some() {
            let (this, other) = if server.tls.is_some() {
                ("HTTPS", "HTTP")
            } else {
                ("HTTP", "HTTPS")
            };
            report.error(
                &server.at.key("port"),
                format!(
                    "{}: {this} here and {other} in {}; one port speaks one of them",
                    server.number, first.at
                ),
            );
        }
    }
    let kind = if first.tls.is_some() {
        check_names(group, report);
        let mut tls = Vec::new();
        for server in group {
            tls.extend(tls_server(server, services, upstreams, report));
        }
        ListenerKind::Tls(tls)
    } else {
        let mut table = Table::default();
        for server in group {
            table.attach(server, services, upstreams, report);
        }
        ListenerKind::Plain(Arc::new(table.finish()))
    };
    Some(Listener {
        server_port: first.number,
        address: SocketAddr::new(
            first.bind.unwrap_or(workload.bind),
            workload.bound_port(first.number),
        ),
        kind,
    })
}

fn tls_server(
    server: &Server<'_>,
    services: &[Attachable<'_>],
    upstreams: &mut Upstreams<'_>,
    report: &mut Report,
) -> Option<TlsServer> {
    let mut table = Table::default();
    table.attach(server, services, upstreams, report);
    let mut names: Vec<ServerName> = Vec::new();
    for host in &server.hosts {
        let name = server_name(&host.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some(TlsServer {
        gateway: server.gateway.about.id.clone(),
        names,
        tls: server.tls.clone()?,
        hosts: Arc::new(table.finish()),
    })
}

fn server_name(host: &str) -> ServerName {
    let host = host.to_ascii_lowercase();
    match host.strip_prefix('*') {
        Some("") => ServerName::Any,
        Some(suffix) => ServerName::Suffix(suffix.into()),
        None => ServerName::Exact(host.into()),
    }
}

/// A TLS name belongs to one server of a port; istiod would drop the second without a word.
fn check_names(group: &[&Server<'_>], report: &mut Report) {
    let mut known: Vec<(String, &Server<'_>)> = Vec::new();
    for server in group {
        for (place, host) in server.hosts.iter().enumerate() {
            let name = host.name.to_ascii_lowercase();
            match known.iter().find(|(other, _)| *other == name) {
                Some((_, first)) if !std::ptr::eq(*first, *server) => report.error(
                    &server.at.key("hosts").index(place),
                    format!("{name} is a TLS host of {} already", first.at),
                ),
                Some(_) => {}
                None => known.push((name, server)),
            }
        }
    }
}

/// A route table in the making.
#[derive(Debug, Default)]
struct Table {
    hosts: Vec<(String, Draft)>,
}

/// A virtual host in the making.
#[derive(Debug, Default)]
struct Draft {
    https_redirect: bool,
    routes: Vec<Route>,
    catch_alls: Vec<Route>,
    /// Gateway and VirtualService of what is in it: two servers of one Gateway may lead here.
    added: Vec<(String, String)>,
}

impl Table {
    fn attach(
        &mut self,
        server: &Server<'_>,
        services: &[Attachable<'_>],
        upstreams: &mut Upstreams<'_>,
        report: &mut Report,
    ) {
        let id = &server.gateway.about.id;
        let gateway = format!("{}/{}", id.namespace, id.name);
        let mut attached = false;
        for service in services
            .iter()
            .filter(|service| service.gateways.contains(&gateway))
        {
            let names = meeting(server, service);
            if names.is_empty() {
                continue;
            }
            attached = true;
            let bound = Bound {
                gateway: Some(&gateway),
                server_port: server.number,
            };
            let routes = rule::compile(service.document, &bound, upstreams, report);
            let key = (gateway.clone(), service.document.about.label());
            for name in names {
                let draft = self.draft(&name);
                draft.https_redirect |= server.https_redirect;
                if !draft.added.contains(&key) {
                    draft.added.push(key.clone());
                    for (route, is_catch_all) in &routes {
                        let list = if *is_catch_all {
                            &mut draft.catch_alls
                        } else {
                            &mut draft.routes
                        };
                        list.push(route.clone());
                    }
                }
            }
        }
        if server.https_redirect {
            // recorded: without a VirtualService `x` and `*/x` redirect, `ns/x` and `./x` do not
            for host in server.hosts.iter().filter(|host| host.namespace.is_none()) {
                self.draft(&host.name.to_ascii_lowercase()).https_redirect = true;
            }
        } else if !attached {
            report.warn(
                &server.at,
                "no VirtualService leads anywhere from here: every request gets 404",
            );
        }
    }

    fn draft(&mut self, name: &str) -> &mut Draft {
        let place = self.hosts.iter().position(|(known, _)| known == name);
        let place = place.unwrap_or_else(|| {
            self.hosts.push((name.to_owned(), Draft::default()));
            self.hosts.len() - 1
        });
        &mut self.hosts[place].1
    }

    fn finish(self) -> VirtualHosts {
        let mut hosts = VirtualHosts::default();
        for (name, draft) in self.hosts {
            let mut routes = draft.routes;
            routes.extend(draft.catch_alls);
            let host = Arc::new(VirtualHost {
                https_redirect: draft.https_redirect,
                routes,
            });
            match name.strip_prefix('*') {
                Some("") => hosts.any = Some(host),
                Some(suffix) => hosts.suffixes.push((suffix.into(), host)),
                None => {
                    hosts.exact.insert(name.into(), host);
                }
            }
        }
        hosts
            .suffixes
            .sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        hosts
    }
}

/// The names under which a VirtualService is reached at a server, in lower case, each once.
fn meeting(server: &Server<'_>, service: &Attachable<'_>) -> Vec<String> {
    let namespace = &*service.document.about.id.namespace;
    let mut names: Vec<String> = Vec::new();
    let admits = |of: &Option<String>| of.as_ref().is_none_or(|of| of == namespace);
    for host in server.hosts.iter().filter(|host| admits(&host.namespace)) {
        for wanted in &service.hosts {
            if let Some(name) = meet(&host.name, wanted) {
                let name = name.to_ascii_lowercase();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    names
}

/// Istio is silent on all of these.
fn warn_if_unreachable(
    service: &Attachable<'_>,
    servers: &[Server<'_>],
    gateways: &[Document<Gateway>],
    report: &mut Report,
) {
    let at = At::spec(&service.document.about);
    if service.gateways.is_empty() {
        report.warn(
            &at.key("gateways"),
            "missing: bound to `mesh`, the sidecars, only; no gateway routes by it",
        );
        return;
    }
    let full =
        |gateway: &Document<Gateway>| format!("{}/{}", gateway.about.id.namespace, gateway.about.id.name);
    let mut all_ours = true;
    for (place, name) in service.gateways.iter().enumerate() {
        if name == "mesh" {
            all_ours = false;
        } else if gateways.iter().all(|gateway| full(gateway) != *name) {
            report.warn(
                &at.key("gateways").index(place),
                format!("there is no Gateway {name}: nothing is routed"),
            );
            all_ours = false;
        } else if servers.iter().all(|server| full(server.gateway) != *name) {
            // a Gateway of another workload, which has its own warning
            all_ours = false;
        }
    }
    if !all_ours {
        return;
    }
    for (place, host) in service.hosts.iter().enumerate() {
        let one = Attachable {
            document: service.document,
            hosts: vec![host.clone()],
            gateways: Vec::new(),
        };
        let ours = servers
            .iter()
            .filter(|server| service.gateways.contains(&full(server.gateway)));
        if ours.into_iter().all(|server| meeting(server, &one).is_empty()) {
            report.warn(
                &at.key("hosts").index(place),
                format!("{host}: no server of its Gateways has this host"),
            );
        }
    }
}
