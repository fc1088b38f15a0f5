//! Everything the runner prints, but the requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::part::Part;
use crate::report::Endpoints;
use crate::stand_in::identity::{OUTBOX, TEST_PASSWORD, TEST_USER};
use crate::topology::{Places, Settings, Topology};

/// Prints to stdout. Nobody there any more is no reason to stop.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A part's own log line, on stderr.
pub(super) fn log(part: Part, line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{:>10} | {line}", part.name());
}

/// Name, address, pid and one phrase for each part, the outermost first.
pub(super) fn table(settings: &Settings, endpoints: &Endpoints, pids: &BTreeMap<Part, u32>) -> String {
    let mut text = String::new();
    for part in settings.topology.parts().iter().rev() {
        let address = endpoints.get(part.name()).map_or("-", String::as_str);
        let pid = pids.get(part).map_or("-".to_owned(), u32::to_string);
        let phrase = phrase(*part, settings.topology);
        // writing to a String cannot fail
        let _ = writeln!(text, "  {:<10}  {address:<24}  {pid:>7}  {phrase}", part.name());
    }
    text
}

fn phrase(part: Part, topology: Topology) -> &'static str {
    match (part, topology) {
        (Part::Frontend, _) => "signs users in, asks for them",
        (Part::FrontDoor, _) => "Cloud Run's check: only the frontend may call the proxy",
        (Part::Proxy, _) => "adds the service's certificate: mutual TLS to the gateway",
        (Part::Gateway, Topology::Private) => "admits the proxy's certificate, checks the user's token",
        (Part::Gateway, Topology::Gke) => "the public door: checks the user's token on /api/",
        (Part::Backend, _) => "has the message, and no authentication code",
        (Part::Identity, _) => "stands in for Identity Platform",
        (Part::Metadata, _) => "stands in for the metadata server: service tokens",
    }
}

/// The line one waits for, and what to do next.
pub(super) fn ready(settings: &Settings, places: &Places, took: Duration) -> String {
    format!(
        "Ready in {:.1} s. Open {} and sign in as {TEST_USER} / {TEST_PASSWORD}\n  \
         Try   {}\n  Edit  {}: the next request obeys\n  Mail  {}{OUTBOX}: what sign-up and reset would send\n  Stop  Ctrl-C\n",
        took.as_secs_f64(),
        settings.entry(),
        refused_example(settings, places),
        policy(settings, places).display(),
        settings.url(Part::Identity),
    )
}

/// A request that the gateway refuses, because no user is signed in.
fn refused_example(settings: &Settings, places: &Places) -> String {
    let port = settings.address(Part::Gateway).port();
    let pki = places.state.join("pki");
    let pki = pki.display();
    match settings.topology {
        Topology::Private => format!(
            "curl -i --resolve services.acme.internal:{port}:127.0.0.1 --cacert {pki}/ca.crt --cert {pki}/client.crt \
             --key {pki}/client.key https://services.acme.internal:{port}/api/secure.json"
        ),
        Topology::Gke => format!("curl -i http://localhost:{port}/api/secure.json"),
    }
}

/// The file that has the policy, whatever it is called.
fn policy(settings: &Settings, places: &Places) -> PathBuf {
    let folder = places.istio.join(settings.topology.folder());
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    files.sort();
    let has_policy = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .any(|line| line.trim() == "kind: AuthorizationPolicy")
    };
    files.into_iter().find(has_policy).unwrap_or(folder)
}

/// Who is waited for, after a while.
pub(super) fn not_ready(missing: &[Part], waited: Duration) -> String {
    let names: Vec<&str> = missing.iter().map(|part| part.name()).collect();
    format!(
        "Not ready after {} s: {}. Everything else runs; a proxy waits for its gateway.",
        waited.as_secs(),
        names.join(", ")
    )
}

/// A part is down and stays down.
pub(super) fn ended(part: Part, how: &str, places: &Places) -> String {
    format!(
        "{} has ended ({how}). Everything else goes on. To run it again, in another terminal:\n  {}",
        part.name(),
        command(part, places)
    )
}

/// A part was never started; its address is kept for whoever takes its place.
pub(super) fn left_out(part: Part, settings: &Settings, places: &Places) -> String {
    format!(
        "{} is left out. Whatever listens on {} takes its place; ours does, in another terminal, with:\n  {}",
        part.name(),
        settings.url(part),
        command(part, places)
    )
}

/// What a person types to run one part.
fn command(part: Part, places: &Places) -> String {
    match places.is_usual_state {
        true => format!("cargo run -- run {}", part.name()),
        false => format!(
            "cargo run -- run {} --state {}",
            part.name(),
            places.state.display()
        ),
    }
}
