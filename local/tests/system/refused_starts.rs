//! Starts that are refused: one clear line that names it, exit code 2, nothing left running.

use std::path::Path;

use crate::harness::Refused;

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from:?}", path.display());
    std::fs::write(path, text.replace(from, to)).unwrap();
}

/// Starts with edited documents and expects a line with all of these words.
async fn refused(change: impl FnOnce(&Path), words: &[&str]) {
    let refused = Refused::with_own_documents(change).await;
    assert_eq!(refused.code, Some(2), "{}", refused.output);
    let named = refused
        .output
        .lines()
        .any(|line| words.iter().all(|word| line.contains(word)));
    assert!(named, "no line has all of {words:?}:\n{}", refused.output);
}

#[tokio::test]
async fn a_misspelt_field() {
    let change = |istio: &Path| {
        edit(
            &istio.join("private/gateway.yaml"),
            "credentialName:",
            "credentialname:",
        );
    };
    refused(
        change,
        &[
            "private/gateway.yaml",
            "Gateway",
            "spec.servers[0].tls.credentialname",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_unset_variable() {
    let change = |istio: &Path| {
        edit(
            &istio.join("private/users.yaml"),
            "${AUTH_JWKS_URI}",
            "${AUTH_JWKS_URL}",
        );
    };
    refused(change, &["private/users.yaml", "AUTH_JWKS_URL"]).await;
}

#[tokio::test]
async fn a_port_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let refused = Refused::with_port("backend", address.port()).await;
    assert_eq!(refused.code, Some(2), "{}", refused.output);
    let named = refused
        .output
        .lines()
        .any(|line| line.contains(&address.to_string()) && line.contains("in use"));
    assert!(named, "{}", refused.output);
}
