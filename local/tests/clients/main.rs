//! Google's and Firebase's own libraries against the stand-ins, each in the language that it is written in. The
//! scripts beside this file assert; here each gets a stand-in of its own, and has to end well.
//!
//! `./test --only clients` installs Python's and Node's packages and runs this; plain `cargo test` leaves it out,
//! because it needs more than Rust.
#![allow(clippy::unwrap_used, clippy::panic, reason = "panicking is how tests fail")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod harness;

#[path = "../it/part.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod part;

use part::Part;

/// For one script; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// `firebase-admin` for Python is told of an emulator, as people do: it asks, and checks no signature.
#[tokio::test]
async fn firebase_admin_for_python_manages_users() {
    let identity = Part::start("identity", &["--tenant", "retail"]).await;
    let mut script = python("admin.py", &identity);
    script.env("FIREBASE_AUTH_EMULATOR_HOST", host(&identity));
    passes(script).await;
}

/// The same is told of nothing but the address of the keys: it checks as in production.
#[tokio::test]
async fn firebase_admin_for_python_verifies_signed_tokens_and_refuses_others() {
    let identity = Part::start("identity", &[]).await;
    passes(python("verify.py", &identity)).await;
}

#[tokio::test]
async fn google_auth_for_python_gets_a_service_token_and_verifies_it() {
    let metadata = Part::start("metadata", &[]).await;
    let mut script = python("metadata.py", &metadata);
    script.env("GCE_METADATA_HOST", host(&metadata));
    script.env("GCE_METADATA_IP", host(&metadata));
    passes(script).await;
}

/// The SDK for browsers, on Node, with `connectAuthEmulator`.
#[tokio::test]
async fn firebase_for_javascript_signs_users_in() {
    let identity = Part::start("identity", &["--tenant", "retail"]).await;
    passes(node("firebase.mjs", &identity)).await;
}

/// The Admin SDK for Node.js refuses signed tokens when it is told of an emulator.
#[tokio::test]
async fn firebase_admin_for_node_takes_tokens_without_a_signature() {
    let identity = Part::start("identity", &["--unsigned", "--tenant", "retail"]).await;
    let mut script = node("admin.mjs", &identity);
    script.env("FIREBASE_AUTH_EMULATOR_HOST", host(&identity));
    script.env("GOOGLE_CLOUD_PROJECT", "demo-acme");
    passes(script).await;
}

fn host(part: &Part) -> String {
    part.url.strip_prefix("http://").unwrap().to_owned()
}

fn target(path: &str) -> PathBuf {
    harness::workspace().join("target").join(path)
}

fn python(script: &str, part: &Part) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let mut command = Command::new(target("test-tools/bin/python"));
    command.arg("-B").arg(folder.join(script)).arg(&part.url);
    command
}

/// Node finds packages beside the script, so `./test` has put both in one folder.
fn node(script: &str, part: &Part) -> Command {
    let mut command = Command::new("node");
    command.arg(target("test-clients").join(script)).arg(&part.url);
    command
}

/// Runs a script to its end, with nothing in the environment that would send it elsewhere.
async fn passes(mut script: Command) {
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ] {
        script.env_remove(name);
    }
    script.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, script.output()).await;
    let output = output.unwrap_or_else(|_| panic!("it does not end within {PATIENCE:?}: {script:?}"));
    let output = output
        .unwrap_or_else(|error| panic!("./test --only clients installs what runs this: {script:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
}
