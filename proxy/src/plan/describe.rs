//! A plan as a person reads it: what `proxy check` prints and the admin port shows at `/config`.

use std::fmt::{self, Write};

use super::Plan;
use super::authentication::{JwtRule, KeySource, TokenPlace};
use super::authorization::{Condition, Policy};
use super::listener::{
    ClientCertificate, Credential, Listener, ListenerKind, ServerName, VirtualHost, VirtualHosts,
};
use super::route::{Action, Forward, PathMatch, Route};
use super::upstream::{Address, Endpoints, Trust, UpstreamSpec, VerifyName};

/// The whole plan, one fact a line.
pub(crate) fn describe(plan: &Plan) -> String {
    let mut out = String::new();
    // writing to a String cannot fail
    let _ = write_plan(&mut out, plan);
    out
}

fn write_plan(out: &mut String, plan: &Plan) -> fmt::Result {
    writeln!(
        out,
        "paths: {:?}, trusted proxies: {}",
        plan.path, plan.trusted_hops
    )?;
    for listener in &plan.listeners {
        write_listener(out, listener)?;
    }
    for upstream in &plan.upstreams {
        write_upstream(out, upstream)?;
    }
    for rule in &plan.jwt_rules {
        write_jwt_rule(out, rule)?;
    }
    for (action, policies) in [("DENY", &plan.policies.deny), ("ALLOW", &plan.policies.allow)] {
        for policy in policies {
            write_policy(out, action, policy)?;
        }
    }
    for source in &plan.sources {
        writeln!(out, "source {} sha256 {}", source.path, source.sha256)?;
    }
    Ok(())
}

fn write_listener(out: &mut String, listener: &Listener) -> fmt::Result {
    let port = listener.server_port;
    match &listener.kind {
        ListenerKind::Plain(hosts) => {
            writeln!(out, "listener {} (port {port}) HTTP", listener.address)?;
            write_hosts(out, hosts, "  ")
        }
        ListenerKind::Tls(servers) => {
            writeln!(out, "listener {} (port {port}) HTTPS", listener.address)?;
            for server in servers {
                let names: Vec<_> = server.names.iter().map(name).collect();
                let client = match &server.tls.client {
                    ClientCertificate::NotAsked => "no client certificate".to_owned(),
                    ClientCertificate::Optional => "client certificate optional".to_owned(),
                    ClientCertificate::Required(names) if names.is_empty() => {
                        "client certificate required".to_owned()
                    }
                    ClientCertificate::Required(names) => {
                        format!("client certificate of {}", names.join(" or "))
                    }
                };
                writeln!(
                    out,
                    "  server {} of {}: {}, {client}, {:?} to {:?}",
                    names.join(" "),
                    server.gateway,
                    credential(&server.tls.certificate),
                    server.tls.min,
                    server.tls.max,
                )?;
                write_hosts(out, &server.hosts, "    ")?;
            }
            Ok(())
        }
    }
}

fn name(name: &ServerName) -> String {
    match name {
        ServerName::Exact(name) => name.to_string(),
        ServerName::Suffix(suffix) => format!("*{suffix}"),
        ServerName::Any => "*".to_owned(),
    }
}

fn credential(credential: &Credential) -> String {
    match credential {
        Credential::Secret(name) => format!("certificate of secret {name}"),
        Credential::Files { certificate, .. } => format!("certificate {}", certificate.display()),
    }
}

fn write_hosts(out: &mut String, hosts: &VirtualHosts, indent: &str) -> fmt::Result {
    let mut exact: Vec<_> = hosts.exact.iter().collect();
    exact.sort_by_key(|(name, _)| *name);
    for (name, host) in exact {
        write_host(out, name, host, indent)?;
    }
    for (suffix, host) in &hosts.suffixes {
        write_host(out, &format!("*{suffix}"), host, indent)?;
    }
    if let Some(host) = &hosts.any {
        write_host(out, "*", host, indent)?;
    }
    Ok(())
}

fn write_host(out: &mut String, name: &str, host: &VirtualHost, indent: &str) -> fmt::Result {
    let redirect = if host.https_redirect {
        " redirects plain requests to https"
    } else {
        ""
    };
    writeln!(out, "{indent}host {name}{redirect}")?;
    for route in &host.routes {
        write_route(out, route, indent)?;
    }
    Ok(())
}

fn write_route(out: &mut String, route: &Route, indent: &str) -> fmt::Result {
    let matches = &route.matches;
    let path = match &matches.path {
        None => "any path".to_owned(),
        Some(PathMatch::Exact(text)) => format!("path is {text:?}"),
        Some(PathMatch::Prefix(text, _)) => format!("path is {text:?}"),
        Some(PathMatch::Regex(regex)) => format!("path matches {regex:?}"),
    };
    let others = usize::from(matches.scheme.is_some())
        + usize::from(matches.method.is_some())
        + usize::from(matches.authority.is_some())
        + matches.headers.len()
        + matches.without_headers.len()
        + matches.absent_headers.len()
        + matches.query.len()
        + matches.claims.len()
        + matches.without_claims.len();
    let more = match others {
        0 => String::new(),
        1 => " and 1 condition".to_owned(),
        others => format!(" and {others} conditions"),
    };
    write!(
        out,
        "{indent}  {} of {}: {path}{more} -> ",
        route.name, route.document
    )?;
    match &*route.action {
        Action::Forward(forward) => write_forward(out, forward)?,
        Action::Redirect(redirect) => write!(out, "redirect {}", redirect.code.as_u16())?,
        Action::DirectResponse(response) => write!(out, "answer {}", response.status.as_u16())?,
    }
    writeln!(out)
}

fn write_forward(out: &mut String, forward: &Forward) -> fmt::Result {
    for (place, destination) in forward.destinations.iter().enumerate() {
        let separator = if place == 0 { "" } else { ", " };
        let unknown = if destination.upstream.is_none() {
            " (not defined: 503)"
        } else {
            ""
        };
        write!(out, "{separator}{}{unknown}", destination.name)?;
        if forward.destinations.len() > 1 {
            write!(out, " weight {}", destination.weight)?;
        }
    }
    if let Some(timeout) = forward.timeout {
        write!(out, ", timeout {timeout:?}")?;
    }
    if let Some(authority) = &forward.authority_rewrite {
        write!(out, ", Host {authority}")?;
    }
    match &forward.retry {
        Some(retry) => write!(out, ", {} retries", retry.attempts),
        None => out.write_str(", no retries"),
    }
}

fn write_upstream(out: &mut String, upstream: &UpstreamSpec) -> fmt::Result {
    write!(out, "upstream {} {:?} ", upstream.name(), upstream.protocol)?;
    match &upstream.tls {
        None => out.write_str("plain text")?,
        Some(tls) => {
            out.write_str(if tls.certificate.is_some() {
                "mutual TLS"
            } else {
                "TLS"
            })?;
            if let Some(sni) = &tls.sni {
                write!(out, " sni {sni}")?;
            }
            match &tls.verify {
                VerifyName::AnyOf { names, .. } => write!(out, " naming {}", names.join(" or "))?,
                VerifyName::Host => out.write_str(" naming the Host")?,
                VerifyName::ChainOnly => out.write_str(" of any name")?,
            }
            match &tls.trust {
                Trust::File { ca, .. } => write!(out, " of CA {}", ca.display())?,
                Trust::Secret(name) => write!(out, " of the CA in secret {name}")?,
                Trust::System => out.write_str(" of the system's CAs")?,
                Trust::Nothing => out.write_str(" NOT VERIFIED")?,
            }
        }
    }
    write!(out, ", connect timeout {:?}:", upstream.connect_timeout)?;
    match &upstream.endpoints {
        Endpoints::Static(endpoints) => {
            for endpoint in endpoints {
                match &endpoint.address {
                    Address::Ip(address) => write!(out, " {address}")?,
                    Address::Unix(path) => write!(out, " unix:{}", path.display())?,
                }
            }
            if endpoints.is_empty() {
                out.write_str(" no endpoints")?;
            }
        }
        Endpoints::Dns { names, .. } => {
            for endpoint in names {
                write!(out, " dns:{}:{}", endpoint.address.0, endpoint.address.1)?;
            }
        }
    }
    writeln!(out)
}

fn write_jwt_rule(out: &mut String, rule: &JwtRule) -> fmt::Result {
    let issuer = rule.issuer.as_deref().unwrap_or("any issuer");
    let keys = match &rule.keys {
        KeySource::Inline(_) => "in the document".to_owned(),
        KeySource::Remote { uri, .. } => uri.to_string(),
        KeySource::Discovery { issuer, .. } => format!("found through {issuer}"),
    };
    let audiences = if rule.audiences.is_empty() {
        "any audience".to_owned()
    } else {
        rule.audiences.join(" or ")
    };
    let places: Vec<_> = rule.places.iter().map(place).collect();
    writeln!(
        out,
        "token {issuer} for {audiences}, keys {keys}, in {}, of {}",
        places.join(", "),
        rule.document
    )
}

fn place(place: &TokenPlace) -> String {
    match place {
        TokenPlace::Header(name, prefix) => format!("header {name} {prefix:?}"),
        TokenPlace::Parameter(name) => format!("parameter {name}"),
        TokenPlace::Cookie(name) => format!("cookie {name}"),
    }
}

fn write_policy(out: &mut String, action: &str, policy: &Policy) -> fmt::Result {
    writeln!(out, "policy {action} {}", policy.document)?;
    if policy.rules.is_empty() {
        writeln!(out, "  no rules: takes nothing")?;
    }
    for (number, rule) in policy.rules.iter().enumerate() {
        let alternatives = |name: &str, alternatives: &[Vec<Condition>]| {
            let each: Vec<_> = alternatives.iter().map(|all| conditions(all)).collect();
            if each.is_empty() {
                String::new()
            } else {
                format!(" {name} ({})", each.join(") or ("))
            }
        };
        let from = alternatives("from", &rule.from);
        let to = alternatives("to", &rule.to);
        let when = if rule.when.is_empty() {
            String::new()
        } else {
            format!(" when {}", conditions(&rule.when))
        };
        let text = format!("{from}{to}{when}");
        let text = if text.is_empty() { " everything" } else { &text };
        writeln!(out, "  rules[{number}]{text}")?;
    }
    Ok(())
}

fn conditions(all: &[Condition]) -> String {
    let each = all.iter().map(|condition| {
        let mut text = format!("{:?}", condition.key);
        if !condition.values.is_empty() {
            let _ = write!(text, " is {:?}", condition.values);
        }
        if !condition.not_values.is_empty() {
            let _ = write!(text, " is not {:?}", condition.not_values);
        }
        text
    });
    each.collect::<Vec<_>>().join(" and ")
}
