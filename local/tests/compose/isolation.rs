//! What cannot be reached, read or written, and by whom: asked from inside, by name and by address.

use std::process::Command;

use crate::engine::{System, docker};

/// Who listens where, and who may reach it: its neighbours on some network.
const SERVICES: [(&str, u16, &[&str]); 7] = [
    ("frontend", 8080, &["front-door", "identity", "metadata"]),
    ("front-door", 8081, &["frontend", "proxy", "metadata"]),
    ("proxy", 8084, &["front-door", "gateway"]),
    ("gateway", 8443, &["proxy", "backend", "identity"]),
    ("backend", 8082, &["gateway"]),
    ("identity", 9099, &["frontend", "metadata", "gateway"]),
    ("metadata", 9098, &["frontend", "identity", "front-door"]),
];

#[test]
fn nothing_is_reachable_but_by_its_neighbours() {
    let system = System::start();
    std::thread::scope(|scope| {
        for (from, _, _) in SERVICES {
            let system = &system;
            scope.spawn(move || reaches_its_neighbours_only(system, from));
        }
    });
    admin_listeners_are_loopback(&system);
    only_the_front_end_is_published(&system);
    every_network_but_the_edge_leads_nowhere(&system);
    each_volume_has_its_readers_share(&system);
    containers_are_as_small_as_they_get(&system);
}

fn reaches_its_neighbours_only(system: &System, from: &str) {
    for (to, port, neighbours) in SERVICES {
        if to == from {
            continue;
        }
        let by_name = system.probe(from, &format!("{to}:{port}"));
        if neighbours.contains(&from) {
            assert!(by_name.is_ok(), "{from} must reach {to}: {by_name:?}");
            continue;
        }
        assert!(by_name.is_err(), "{from} knows {to}: {by_name:?}");
        for (network, address) in system.addresses(to) {
            let by_address = system.probe(from, &format!("{address}:{port}"));
            assert!(
                by_address.is_err(),
                "{from} reaches {to} on {network}: {by_address:?}"
            );
        }
    }
}

/// Metrics and configuration are nobody's business but the container's own.
fn admin_listeners_are_loopback(system: &System) {
    for (from, to) in [
        ("gateway", "proxy"),
        ("proxy", "gateway"),
        ("proxy", "front-door"),
    ] {
        for port in [9081, 9082] {
            let answer = system.probe(from, &format!("{to}:{port}"));
            assert!(
                answer.is_err(),
                "{from} reaches the admin listener of {to}: {answer:?}"
            );
        }
    }
    let own = system.probe("proxy", "http://127.0.0.1:9081/health/ready");
    assert!(own.is_ok(), "{own:?}");
}

fn only_the_front_end_is_published(system: &System) {
    for (service, _, _) in SERVICES {
        let published = docker(&["port", &system.container(service)]);
        let expected = match service {
            "frontend" => format!("8080/tcp -> 127.0.0.1:{}", system.port()),
            _ => String::new(),
        };
        assert_eq!(published, expected, "{service}");
    }
}

/// Which networks have a way out is the engine's word: it drops packets, so a probe would only time out.
fn every_network_but_the_edge_leads_nowhere(system: &System) {
    for (service, _, _) in SERVICES {
        for (name, _) in system.addresses(service) {
            let internal = system.network(&name, "{{.Internal}}");
            assert_eq!(internal == "true", name != "edge", "{service} on {name}");
        }
    }
}

fn each_volume_has_its_readers_share(system: &System) {
    assert_eq!(
        files(system, "proxy", "/shares"),
        ["proxy/ca/ca.crt", "proxy/cert/tls.crt", "proxy/key/tls.key"]
    );
    assert_eq!(files(system, "frontend", "/shares"), ["frontend/session.key"]);
    for name in files(system, "gateway", "/shares") {
        let is_its_own = name.starts_with("gateway/secrets/services-acme-internal/")
            || name.starts_with("gateway/registry/");
        assert!(is_its_own && !name.contains("client"), "{name}");
    }
    keys_are_their_readers_alone(system);
    let everywhere = SERVICES.map(|(service, ..)| files(system, service, "/shares").join(" "));
    assert!(
        !everywhere.join(" ").contains("ca.key"),
        "the authority's key stays where it was made"
    );
}

/// By content, whatever the files are called: one private key each, and not the same.
fn keys_are_their_readers_alone(system: &System) {
    let private_keys = |service: &str| {
        let text = content(system, service, "/shares");
        let keys = text
            .split("-----BEGIN ")
            .filter(|block| block.contains("PRIVATE KEY-----"));
        keys.map(str::to_owned).collect::<Vec<_>>()
    };
    let (proxy, gateway) = (private_keys("proxy"), private_keys("gateway"));
    assert_eq!(
        (proxy.len(), gateway.len()),
        (1, 1),
        "the proxy's keys and the gateway's"
    );
    assert_ne!(proxy, gateway);
    for service in ["frontend", "front-door", "backend", "identity", "metadata"] {
        assert_eq!(private_keys(service), [""; 0], "of {service}");
    }
}

/// Everything that is written below a directory of a container.
fn content(system: &System, service: &str, directory: &str) -> String {
    archive(system, service, directory, "tar -x --to-stdout")
}

/// The files below a directory of a container, without its first segment.
fn files(system: &System, service: &str, directory: &str) -> Vec<String> {
    let text = archive(system, service, directory, "tar -t");
    let names = text.lines().filter(|name| !name.ends_with('/'));
    let mut names: Vec<String> = names
        .filter_map(|name| name.split_once('/').map(|(_, rest)| rest.to_owned()))
        .collect();
    names.sort();
    names
}

/// What a program prints about an archive of that directory; nothing if the container has no such one.
fn archive(system: &System, service: &str, directory: &str, reader: &str) -> String {
    let path = format!("{}:{directory}", system.container(service));
    let script = format!(r#"docker cp "$0" - 2>/dev/null | {reader} 2>/dev/null"#);
    let output = Command::new("sh").args(["-c", &script, &path]).output();
    String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
}

fn containers_are_as_small_as_they_get(system: &System) {
    for (service, _, _) in SERVICES {
        assert_eq!(
            system.fact(service, "{{.Config.User}}"),
            "65532:65532",
            "{service}"
        );
        assert_eq!(
            system.fact(service, "{{.HostConfig.ReadonlyRootfs}}"),
            "true",
            "{service}"
        );
        let shell = Command::new("docker")
            .args(["exec", &system.container(service), "/bin/sh", "-c", "true"])
            .output();
        assert!(!shell.unwrap().status.success(), "{service} has a shell");
    }
}
