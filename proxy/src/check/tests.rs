//! Every document of `tests/documents` against its verdict.

use std::fs;
use std::path::{Path, PathBuf};

use chassis::env::Env;
use clap::Parser;
use serde::Deserialize;

use super::judge;
use crate::bootstrap::{Arguments, Config};
use crate::istio::common::{Anything, Labels};
use crate::istio::{decode, node, yaml};

/// A row of `verdicts.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    file: String,
    ours: String,
    names: Vec<String>,
    warns: Vec<String>,
    env: Labels,
    labels: Option<String>,
    why: String,
    istio: Option<Anything>,
    istio_says: Option<Anything>,
    istio_makes: Option<Anything>,
    istioctl: Option<Anything>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents")
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(folder().join("verdicts.yaml")).unwrap();
    let (documents, error) = yaml::parse(&text);
    assert!(error.is_none(), "{error:?}");
    let decoded = decode::decode::<Vec<Row>>(&documents[0].root, &node::Path::default());
    assert!(
        decoded.errors.is_empty() && decoded.unknown.is_empty(),
        "{decoded:?}"
    );
    decoded.value
}

/// The files that must be accepted.
pub(crate) fn accepted_documents() -> Vec<String> {
    let accepted = rows().into_iter().filter(|row| row.ours == "accepted");
    accepted.map(|row| row.file).collect()
}

/// What the documents take from the environment.
fn env(row: &Row) -> Env {
    let jwks = |name: &str| fs::read_to_string(folder().join(name)).unwrap().trim().to_owned();
    let base = Env::from_iter([
        ("PKI", "/pki".to_owned()),
        ("SECRETS", "/secrets".to_owned()),
        ("JWKS", jwks("shop.jwks.json")),
        ("JWKS_OTHER", jwks("other.jwks.json")),
    ]);
    row.env
        .iter()
        .fold(base, |env, (name, value)| env.with(name, value.clone()))
}

fn config(row: &Row) -> Config {
    let file = folder().join(&row.file);
    let file = file.to_str().unwrap();
    let labels = row.labels.as_deref().unwrap_or("istio=ingress");
    let mut line = vec![
        "proxy",
        "check",
        "--namespace",
        "istio-ingress",
        "--labels",
        labels,
        "--secrets",
        "/secrets",
    ];
    let one_of_each = folder().join("general/one-of-each.yaml");
    if row.file.starts_with("mesh-config/") {
        line.extend(["--mesh-config", file, one_of_each.to_str().unwrap()]);
    } else {
        line.push(file);
    }
    Config::new(&Arguments::try_parse_from(line).unwrap(), &env(row)).unwrap()
}

/// Where a row and we differ.
fn difference(row: &Row) -> Option<String> {
    let judgement = judge(&config(row), false);
    let ours = if judgement.is_accepted {
        "accepted"
    } else {
        "rejected"
    };
    let missing: Vec<_> = row
        .names
        .iter()
        .chain(&row.warns)
        .filter(|text| !judgement.findings.contains(*text))
        .collect();
    if ours == row.ours && missing.is_empty() {
        return None;
    }
    let missing = if missing.is_empty() {
        String::new()
    } else {
        format!(", not named: {missing:?}")
    };
    Some(format!(
        "{}: {ours}, not {}{missing} ({})\n{}",
        row.file, row.ours, row.why, judgement.findings
    ))
}

#[test]
fn verdicts() {
    let rows = rows();
    assert!(rows.len() >= 346, "{} rows", rows.len());
    let wrong: Vec<_> = rows.iter().filter_map(difference).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} rows differ:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_strict_check_refuses_what_only_deserves_a_warning() {
    let row = Row {
        file: "gateway/no-virtual-service.yaml".to_owned(),
        ..Row::default()
    };
    let (lax, strict) = (judge(&config(&row), false), judge(&config(&row), true));
    assert!(lax.is_accepted && !strict.is_accepted);
    assert!(strict.findings.starts_with("error: "), "{}", strict.findings);
    assert!(
        lax.plan.contains("listener 0.0.0.0:31080 (port 31080) HTTP"),
        "{}",
        lax.plan
    );
}
