//! Names of hosts: which texts are one, how short ones are completed, where two sets of them meet.

use std::net::IpAddr;

/// The cluster's own domain.
const CLUSTER_DOMAIN: &str = "svc.cluster.local";

/// The full name of a host in a document of this namespace: short names are Kubernetes services.
pub(crate) fn expand(host: &str, namespace: &str) -> String {
    if host.contains('.') || host.contains('*') || host.parse::<IpAddr>().is_ok() {
        host.to_owned()
    } else {
        format!("{host}.{namespace}.{CLUSTER_DOMAIN}")
    }
}

/// A host of a Gateway's server: a full name, an address, `*.x` or `*`.
pub(crate) fn check_server_host(host: &str) -> Result<(), String> {
    if host == "*" || host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    if name.contains('*') {
        return Err(format!("{host:?}: only the whole leftmost label may be `*`"));
    }
    check_labels(name, host)?;
    if name == host && !host.contains('.') {
        return Err(format!(
            "{host:?} is a short name; a full name, an address, *.NAME or * is needed"
        ));
    }
    Ok(())
}

/// A host of a VirtualService or ServiceEntry: also short, also `*-x.y`.
pub(crate) fn check_host(host: &str) -> Result<(), String> {
    if host == "*" || host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let name = match host.strip_prefix('*') {
        Some(rest) if rest.contains('*') => {
            return Err(format!("{host:?}: only one `*`, and at the beginning"));
        }
        Some(rest) => rest.trim_start_matches(['.', '-']),
        None if host.contains('*') => return Err(format!("{host:?}: `*` may stand at the beginning only")),
        None => host,
    };
    check_labels(name, host)
}

fn check_labels(name: &str, whole: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > 255 {
        return Err(format!("{whole:?} is no host name"));
    }
    for label in name.strip_suffix('.').unwrap_or(name).split('.') {
        if !is_label(label) {
            let port = if label.contains(':') {
                "; a host has no port here"
            } else {
                ""
            };
            return Err(format!("{whole:?} is no host name: {label:?} is no label{port}"));
        }
    }
    Ok(())
}

/// A DNS label, RFC 1123; in any case, since hosts may be written so.
fn is_label(label: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    label.len() <= 63
        && label.starts_with(alphanumeric)
        && label.ends_with(alphanumeric)
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The name of a port, a subset or a namespace: a label in lower case.
pub(crate) fn is_lower_label(label: &str) -> bool {
    is_label(label) && !label.bytes().any(|b| b.is_ascii_uppercase())
}

/// The more specific of two hosts, where the one covers the other. Case counts (istiod compares so).
pub(crate) fn meet<'h>(one: &'h str, other: &'h str) -> Option<&'h str> {
    if covers(other, one) {
        Some(one)
    } else if covers(one, other) {
        Some(other)
    } else {
        None
    }
}

/// Whether every name that the second stands for belongs to the first.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    match (wide.strip_prefix('*'), narrow.strip_prefix('*')) {
        (Some(wide), Some(narrow)) => narrow.ends_with(wide),
        (Some(suffix), None) => narrow.ends_with(suffix),
        (None, Some(_)) => false,
        (None, None) => wide == narrow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_specific_host_remains() {
        for (one, other, both) in [
            ("*", "a.test", Some("a.test")),
            ("*.test", "a.test", Some("a.test")),
            ("*.dev.io", "*.io", Some("*.dev.io")),
            ("*.foo.com", "*-x.foo.com", Some("*-x.foo.com")),
            ("*.test", "test", None),
            ("Shop.test", "shop.test", None),
            ("a.test", "b.test", None),
        ] {
            assert_eq!(meet(one, other), both, "{one} {other}");
            assert_eq!(meet(other, one), both, "{other} {one}");
        }
    }

    #[test]
    fn hosts_of_servers_are_full_names() {
        for host in ["*", "a.test", "*.a.test", "127.0.0.1", "::1", "Shop.test"] {
            assert_eq!(check_server_host(host), Ok(()), "{host}");
        }
        for host in [
            "localhost",
            "a.*.test",
            "*-x.test",
            "shop.test:80",
            "",
            "a..b",
            "a b.test",
        ] {
            assert!(check_server_host(host).is_err(), "{host}");
        }
    }

    #[test]
    fn short_names_are_services_of_the_namespace() {
        assert_eq!(expand("b", "shop"), "b.shop.svc.cluster.local");
        for host in ["b.ns", "*", "127.0.0.1", "::1"] {
            assert_eq!(expand(host, "shop"), host);
        }
    }
}
