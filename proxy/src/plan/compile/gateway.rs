//! Servers of Gateways: which are this workload's, and what each of them asks for.

use std::net::IpAddr;

use crate::istio::Document;
use crate::istio::gateway::{Gateway, Server as Raw};
use crate::istio::report::{At, Report};
use crate::plan::listener::ServerTls;

use super::Workload;
use super::names::check_server_host;
use super::value::{NOT_IN_SUBSET, one_of, port, refuse};
use super::{scope, server_tls};

/// A server that this workload has.
#[derive(Debug)]
pub(crate) struct Server<'a> {
    /// The Gateway it stands in.
    pub(crate) gateway: &'a Document<Gateway>,
    /// Where it stands.
    pub(crate) at: At<'a>,
    /// `port.number`.
    pub(crate) number: u16,
    /// `bind`.
    pub(crate) bind: Option<IpAddr>,
    /// `hosts`.
    pub(crate) hosts: Vec<ServerHost>,
    /// `tls.httpsRedirect`.
    pub(crate) https_redirect: bool,
    /// None = plain HTTP.
    pub(crate) tls: Option<ServerTls>,
}

/// An entry of `hosts`.
#[derive(Clone, Debug)]
pub(crate) struct ServerHost {
    /// Only VirtualServices of this namespace attach.
    pub(crate) namespace: Option<String>,
    /// The host, as written.
    pub(crate) name: String,
}

/// Reads every Gateway; those of other workloads are only checked.
pub(crate) fn servers<'a>(
    gateways: &'a [Document<Gateway>],
    workload: &Workload<'_>,
    report: &mut Report,
) -> Vec<Server<'a>> {
    let mut servers = Vec::new();
    for gateway in gateways {
        let own = read(gateway, report);
        let selector = gateway.spec.selector.as_ref();
        if selector.is_none_or(|selector| scope::selects(selector, workload.labels)) {
            servers.extend(own);
        } else {
            let at = At::spec(&gateway.about).key("selector");
            report.warn(
                &at,
                format!("selects other workloads than this one ({})", workload.labels()),
            );
        }
    }
    servers
}

fn read<'a>(gateway: &'a Document<Gateway>, report: &mut Report) -> Vec<Server<'a>> {
    let at = At::spec(&gateway.about).key("servers");
    if gateway.spec.servers.is_empty() {
        report.error(&at, "missing: a Gateway needs at least one server");
    }
    let mut names: Vec<&str> = Vec::new();
    let mut servers = Vec::new();
    for (place, raw) in gateway.spec.servers.iter().enumerate() {
        let at = at.index(place);
        let name = raw
            .port
            .as_ref()
            .and_then(|port| port.name.as_deref())
            .unwrap_or("");
        if names.contains(&name) && !name.is_empty() {
            report.error(
                &at.key("port.name"),
                format!("{name} is there twice in this Gateway"),
            );
        }
        names.push(name);
        servers.extend(server(gateway, raw, at, report));
    }
    servers
}

fn server<'a>(
    gateway: &'a Document<Gateway>,
    raw: &Raw,
    at: At<'a>,
    report: &mut Report,
) -> Option<Server<'a>> {
    const DEFAULT_ENDPOINT: &str = "not supported, by Istio neither";
    refuse(
        raw.default_endpoint.as_ref(),
        &at.key("defaultEndpoint"),
        DEFAULT_ENDPOINT,
        report,
    );
    let hosts = hosts(raw, gateway, &at.key("hosts"), report);
    let bind = bind(raw.bind.as_deref(), &at.key("bind"), report);
    let Some(raw_port) = &raw.port else {
        report.error(&at.key("port"), "missing: where does this server listen?");
        return None;
    };
    let place = at.key("port");
    const TARGET_PORT: &str = "without effect on gateways; map the port with --port-map";
    refuse(
        raw_port.target_port.as_ref(),
        &place.key("targetPort"),
        TARGET_PORT,
        report,
    );
    if raw_port.name.as_ref().is_none_or(String::is_empty) {
        report.error(&place.key("name"), "missing: a port needs a name");
    }
    let number = port(raw_port.number, &place.key("number"), report);
    let is_https = is_https(raw_port.protocol.as_deref(), &place.key("protocol"), report)?;
    let tls = tls(raw, is_https, &at, report);
    Some(Server {
        gateway,
        number: number?,
        bind: bind?,
        hosts,
        https_redirect: raw.tls.as_ref().and_then(|tls| tls.https_redirect) == Some(true),
        tls: if is_https { Some(tls?) } else { None },
        at,
    })
}

fn is_https(protocol: Option<&str>, at: &At<'_>, report: &mut Report) -> Option<bool> {
    const WORDS: [(&str, bool); 5] = [
        ("HTTP", false),
        ("HTTP2", false),
        ("GRPC", false),
        ("GRPC-WEB", false),
        ("HTTPS", true),
    ];
    let Some(protocol) = protocol else {
        report.error(at, "missing: HTTP or HTTPS is needed");
        return None;
    };
    one_of(&protocol.to_ascii_uppercase(), &WORDS, at, report)
}

fn tls(raw: &Raw, is_https: bool, at: &At<'_>, report: &mut Report) -> Option<ServerTls> {
    let at = at.key("tls");
    match (&raw.tls, is_https) {
        (None, true) => {
            report.error(&at, "missing: an HTTPS server needs a certificate");
            None
        }
        (Some(tls), true) => server_tls::compile(tls, &at, report),
        (Some(tls), false) => {
            let given = tls.mode.is_some()
                || tls.credential_name.is_some()
                || tls.server_certificate.is_some()
                || tls.private_key.is_some()
                || tls.ca_certificates.is_some()
                || tls.ca_crl.is_some()
                || tls.credential_names.is_some()
                || tls.tls_certificates.is_some()
                || tls.ca_cert_credential_name.is_some()
                || !tls.subject_alt_names.is_empty()
                || tls.verify_certificate_spki.is_some()
                || tls.verify_certificate_hash.is_some()
                || tls.min_protocol_version.is_some()
                || tls.max_protocol_version.is_some()
                || !tls.cipher_suites.is_empty();
            if given {
                report.error(&at, "an HTTP server can have httpsRedirect here and nothing else");
            }
            None
        }
        (None, false) => None,
    }
}

/// The outer option is none when it cannot be read.
fn bind(text: Option<&str>, at: &At<'_>, report: &mut Report) -> Option<Option<IpAddr>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Some(None);
    };
    match text.parse() {
        Ok(ip) => Some(Some(ip)),
        Err(_) if text.starts_with('/') || text.starts_with("unix:") => {
            report.error(at, NOT_IN_SUBSET);
            None
        }
        Err(_) => {
            report.error(at, format!("{text:?} is no IP address"));
            None
        }
    }
}

fn hosts(raw: &Raw, gateway: &Document<Gateway>, at: &At<'_>, report: &mut Report) -> Vec<ServerHost> {
    let texts = raw.hosts.as_deref().unwrap_or_default();
    if texts.is_empty() {
        report.error(at, "missing: at least one host is needed; \"*\" is any");
    }
    let mut hosts = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let at = at.index(place);
        let (namespace, name) = match text.split_once('/') {
            None | Some(("*", _)) => (None, text.rsplit('/').next().unwrap_or(text)),
            Some((".", name)) => (Some(gateway.about.id.namespace.to_string()), name),
            Some(("~", _)) => {
                report.error(&at, format!("{text:?}: `~`, no namespace, lets nothing attach"));
                continue;
            }
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
        };
        match check_server_host(name) {
            Ok(()) => hosts.push(ServerHost {
                namespace,
                name: name.to_owned(),
            }),
            Err(problem) => report.error(&at, problem),
        }
    }
    hosts
}
