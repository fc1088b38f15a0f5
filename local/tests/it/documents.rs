//! This repository's own documents, with the registry's, pass `proxy check --strict`: no error, no warning.

use std::process::ExitCode;

use chassis::env::Env;
use clap::Parser;

use crate::harness::{Folder, Process, workspace};

/// What the laptop sets; values do not matter to a check.
const VARIABLES: [(&str, &str); 10] = [
    ("GOOGLE_CLOUD_PROJECT", "demo-acme"),
    ("AUTH_JWKS_URI", "https://www.googleapis.com/keys"),
    ("PUBLIC_HOST", "*"),
    ("HTTPS_REDIRECT", "true"),
    ("PORT", "8084"),
    ("GATEWAY_ADDRESS", "gateway.example.internal"),
    ("GATEWAY_PORT", "443"),
    ("CLIENT_CERT", "/secrets/cert/tls.crt"),
    ("CLIENT_KEY", "/secrets/key/tls.key"),
    ("CLIENT_CA", "/secrets/ca/ca.crt"),
];

/// Checks folders of `istio/` and more, for a workload.
fn check(workload: [&str; 2], mesh: &str, folders: &[std::path::PathBuf]) -> ExitCode {
    let mesh = workspace().join("istio").join(mesh);
    let mut words = vec![
        "proxy",
        "check",
        "--strict",
        "--namespace",
        workload[0],
        "--labels",
        workload[1],
    ];
    words.extend(["--mesh-config", mesh.to_str().unwrap()]);
    words.extend(folders.iter().map(|folder| folder.to_str().unwrap()));
    let arguments = proxy::Arguments::try_parse_from(words).unwrap();
    let config = proxy::Config::new(&arguments, &Env::from_iter(VARIABLES)).unwrap();
    proxy::check(&config, true).unwrap()
}

#[tokio::test]
async fn both_topologies_and_the_egress_pass_the_strict_check() {
    let folder = Folder::new();
    let mut prepare = Process::start(&workspace(), &["prepare", folder.path().to_str().unwrap()]);
    assert_eq!(prepare.end().await, Some(0), "{}", prepare.output());
    let registry = folder.path().join("registry");
    let istio = |name: &str| workspace().join("istio").join(name);
    let gateway = ["istio-ingress", "istio=ingress"];
    for topology in ["private", "gke"] {
        let verdict = check(gateway, "mesh-config.yaml", &[istio(topology), registry.clone()]);
        assert_eq!(verdict, ExitCode::SUCCESS, "{topology}: see the lines above");
    }
    let egress = check(
        ["cloud-run", "app=proxy"],
        "mesh-config-egress.yaml",
        &[istio("egress")],
    );
    assert_eq!(egress, ExitCode::SUCCESS, "egress: see the lines above");
}

/// Without the registry the strict check says what is missing: a check that cannot fail would prove nothing.
#[test]
fn a_destination_that_nobody_defines_fails_the_strict_check() {
    let gateway = ["istio-ingress", "istio=ingress"];
    let verdict = check(gateway, "mesh-config.yaml", &[workspace().join("istio/private")]);
    assert_ne!(verdict, ExitCode::SUCCESS);
}
