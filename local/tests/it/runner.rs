//! The runner as a person meets it: the table, `Ready`, lines, and an end that leaves nothing behind.

use std::net::TcpListener;
use std::path::Path;

use crate::harness::{Folder, Process, Refused, System, signal, workspace};
use crate::part::{client, sign_in};

const ALONE: [&str; 2] = ["--without", "frontend,proxy,gateway"];

/// Whether a process is there and not a zombie.
fn runs(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status
        .rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

async fn gone(pid: u32) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while runs(pid) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "process {pid} is still there"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn it_tells_where_everything_is_and_what_to_do_next() {
    let system = System::start(&ALONE).await;
    assert_eq!(sign_in(&system.url("identity"), "Acme-demo-2026").await.0, 200);
    let ready = system.line(|line| line.starts_with("Ready in ")).await;
    assert!(
        ready.contains(" s. Open http://localhost:")
            && ready.ends_with("shopper@acme.example / Acme-demo-2026")
    );
    for word in ["  Try   curl ", "  Edit  ", "  Mail  http", "  Stop  Ctrl-C"] {
        system.line(|line| line.starts_with(word)).await;
    }
    let health = client()
        .get(format!("{}/health/ready", system.url("backend")))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 200);
}

#[tokio::test]
async fn one_line_tells_of_a_request_and_who_refused_it() {
    let system = System::start(&ALONE).await;
    client()
        .get(format!("{}/some/path?token=x", system.url("front-door")))
        .send()
        .await
        .unwrap();
    let line = system.line(|line| line.starts_with("GET /some/path 403 ")).await;
    assert!(
        line.contains("  front-door  refused by Cloud Run: roles/run.invoker"),
        "{line}"
    );
    assert!(!line.contains("token=x"), "{line}");
}

#[tokio::test]
async fn a_part_that_dies_stays_down_until_its_command_is_typed() {
    let system = System::start(&ALONE).await;
    let url = format!("{}/api/healthz", system.url("backend"));
    system.kill("backend").await;
    assert!(client().get(&url).send().await.is_err());
    assert_eq!(
        sign_in(&system.url("identity"), "Acme-demo-2026").await.0,
        200,
        "the rest goes on"
    );
    let again = system.run_again("backend").await;
    assert_eq!(client().get(&url).send().await.unwrap().status(), 200);
    drop(again);
}

#[tokio::test]
async fn ctrl_c_stops_everything_and_a_killed_runner_leaves_nothing_behind() {
    for (name, code) in [("INT", Some(0)), ("TERM", Some(0)), ("KILL", None)] {
        let mut system = System::start(&ALONE).await;
        let pids: Vec<u32> = ["identity", "metadata", "backend", "front-door"]
            .map(|part| system.pid(part))
            .into();
        assert!(pids.iter().all(|pid| runs(*pid)));
        signal(system.runner(), name);
        assert_eq!(system.end().await, code, "{name}");
        for pid in pids {
            gone(pid).await;
        }
    }
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line_and_nothing_is_left_running() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ports = format!("auto,metadata={}", address.port());
    let folder = Folder::new();
    let arguments = ["--ports", &ports, "--without", "frontend,proxy,gateway"];
    let refused = Refused::start(&folder, &workspace(), &arguments).await;
    assert_eq!(refused.code, Some(2), "{}", refused.output);
    let lines: Vec<&str> = refused
        .output
        .lines()
        .filter(|line| line.contains("in use"))
        .collect();
    assert_eq!(lines.len(), 1, "{}", refused.output);
    assert!(
        lines[0].contains("metadata") && lines[0].contains(&address.to_string()),
        "{}",
        lines[0]
    );
    assert!(!refused.output.contains("Ready"), "{}", refused.output);
}

#[tokio::test]
async fn two_runners_do_not_share_a_folder() {
    let system = System::start(&ALONE).await;
    let state = system.state().to_str().unwrap();
    let mut second = Process::start(&workspace(), &["--ports", "auto", "--state", state]);
    assert_eq!(second.end().await, Some(2));
    assert!(
        second.output().contains("in use by another run"),
        "{}",
        second.output()
    );
}

#[tokio::test]
async fn a_part_that_the_topology_lacks_cannot_be_left_out() {
    let arguments = ["--topology", "gke", "--without", "proxy"];
    let refused = Refused::start(&Folder::new(), &workspace(), &arguments).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.output.contains("--without proxy"), "{}", refused.output);
}

#[tokio::test]
async fn healthcheck_and_probe_tell_by_their_exit_code() {
    let system = System::start(&ALONE).await;
    let state = system.state().to_str().unwrap().to_owned();
    let backend = system.url("backend");
    let address = system.address("backend").to_string();
    let frontend = system.address("frontend").to_string();
    for (arguments, code, word) in [
        (vec!["healthcheck", "backend", "--state", &state], 0, ""),
        (vec!["healthcheck", "front-door", "--state", &state], 0, ""),
        (vec!["healthcheck", "frontend", "--state", &state], 1, "refused"),
        (vec!["probe", &address], 0, "connected"),
        (vec!["probe", &frontend], 1, "refused"),
        (vec!["probe", &format!("{backend}/api/healthz")], 0, "ok"),
        (vec!["probe", &format!("http://{frontend}/")], 1, "refused"),
    ] {
        let mut process = Process::start(Path::new("."), &arguments);
        assert_eq!(
            process.end().await,
            Some(code),
            "{arguments:?}: {}",
            process.output()
        );
        assert!(
            process.output().contains(word),
            "{arguments:?}: {}",
            process.output()
        );
    }
}
