//! Asks the proxy what real Istio and Envoy were asked, and compares the answers.
//!
//! `README.md` beside this file tells where the answers come from and how to add a case. Environment:
//! `CONFORMANCE_ONLY=REGEX` selects cases by name, `CONFORMANCE_CASES=DIR` takes them from another folder, and
//! `CONFORMANCE_ENVOY=BIN` starts Envoy with the case's `envoy.json`: the recorded answers are Envoy's, and this
//! harness asks what they were asked.
#![allow(
    clippy::print_stdout,
    clippy::panic,
    reason = "all of this is a test, not only the function that is marked so"
)]

mod answer;
mod ask;
mod case;
mod client;
mod compare;
mod differences;
mod gateway;
mod material;
mod ports;
mod request;
mod upstream;
mod wire;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex_automata::meta::Regex;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use case::Case;
use differences::Differences;
use gateway::Gateway;
use material::Material;
use upstream::Upstreams;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_answers_as_istio_and_envoy_do() {
    chassis::crypto::install();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let material = Arc::new(Material::read(&folder).expect("pki/ and jwt/ are readable"));
    let against_envoy = env::var_os("CONFORMANCE_ENVOY").is_some();
    let differences = Differences::read(&folder.join("differences.yaml")).unwrap_or_else(|e| panic!("{e}"));
    let differences = Arc::new(match against_envoy {
        true => differences.of_recordings(),
        false => differences,
    });
    let (cases, all) = selected(&folder.join("cases"));
    assert!(!cases.is_empty(), "no case is selected");

    let side_by_side = Arc::new(Semaphore::new(CASES_SIDE_BY_SIDE));
    let mut running = JoinSet::new();
    for case in cases {
        let (material, differences, turn) = (
            Arc::clone(&material),
            Arc::clone(&differences),
            Arc::clone(&side_by_side),
        );
        running.spawn(async move {
            let _turn = turn.acquire_owned().await;
            let report = run(&case, &material, &differences, against_envoy).await;
            (case, report)
        });
    }
    let mut ended = Vec::new();
    while let Some(case) = running.join_next().await {
        ended.push(case.expect("a case runs to its end"));
    }
    // what a busy machine did to a deadline does not happen to a case that runs alone; a difference does, one that is
    // excused too
    let (disturbed, undisturbed): (Vec<_>, Vec<_>) = ended
        .into_iter()
        .partition(|(case, report)| report.failed > 0 || all && !against_envoy && differences.awaits(case));
    let mut total = Report::default();
    undisturbed.iter().for_each(|(_, report)| total.add(report));
    for (case, _) in disturbed {
        println!("again, alone: {}", case.file_name().unwrap_or_default().display());
        let report = run(&case, &material, &differences, against_envoy).await;
        print!("{}", report.text);
        total.add(&report);
    }
    let complaints = if all && !against_envoy {
        differences.verdict(total.excused)
    } else {
        Vec::new()
    };
    complaints.iter().for_each(|complaint| println!("{complaint}"));
    println!(
        "{} agree, {} with a known difference, {} disagree",
        total.agreed, total.excused, total.failed
    );
    assert_eq!(
        total.failed + complaints.len(),
        0,
        "requests that disagree, and complaints about differences.yaml"
    );
}

/// The folders of the cases to run, and whether these are all.
fn selected(own: &Path) -> (Vec<PathBuf>, bool) {
    let folder = env::var_os("CONFORMANCE_CASES").map(PathBuf::from);
    let only = env::var("CONFORMANCE_ONLY").ok();
    let all = folder.is_none() && only.is_none();
    let pattern =
        Regex::new(only.as_deref().unwrap_or("")).unwrap_or_else(|e| panic!("CONFORMANCE_ONLY: {e}"));
    let entries =
        fs::read_dir(folder.as_deref().unwrap_or(own)).expect("the folder of the cases is readable");
    let mut cases: Vec<_> = entries
        .map(|entry| entry.expect("a folder entry").path())
        .collect();
    cases.retain(|case| pattern.is_match(case.file_name().unwrap_or_default().as_encoded_bytes()));
    cases.sort();
    (cases, all)
}

/// What became of a case, or of all.
#[derive(Default)]
struct Report {
    agreed: usize,
    excused: usize,
    failed: usize,
    text: String,
}

impl Report {
    fn add(&mut self, other: &Self) {
        self.agreed += other.agreed;
        self.excused += other.excused;
        self.failed += other.failed;
    }

    fn fail(&mut self, count: usize, why: &str) {
        self.failed += count;
        let _ = writeln!(self.text, "FAIL {why}");
    }
}

async fn run(
    folder: &Path,
    material: &Arc<Material>,
    differences: &Differences,
    against_envoy: bool,
) -> Report {
    let mut report = Report::default();
    let mut fixed = upstream::PORTS.to_vec();
    fixed.extend([gateway::ADMIN, request::FIRST_PLAIN_LISTENER]);
    let _turn = match case::depends_on_ports(folder) {
        true => Some(ports::turn().await),
        false => None,
    };
    let (case, mut ports) = match Case::read(folder, material, &fixed) {
        Ok(read) => read,
        Err(why) => {
            report.fail(1, &why);
            return report;
        }
    };
    let upstreams = Upstreams::start(&mut ports, material).expect("the upstreams' ports are reserved");
    let mut gateway = match Gateway::start(&case, &ports, material).await {
        Ok(gateway) => gateway,
        Err(why) => {
            report.fail(case.requests.len(), &format!("{}: the gateway {why}", case.name));
            return report;
        }
    };
    for (i, (request, expected)) in case.requests.iter().zip(&case.answers).enumerate() {
        let key = format!("{}/{}", case.name, request.name);
        let mut got = ask::ask(request, &key, &upstreams, material).await;
        if request.is_logged() && !against_envoy {
            let waits = expected.flags.as_deref().is_some_and(|flags| flags != "-");
            got.flags = gateway.flags(&client::trace(&key), waits).await;
        } else {
            got.flags.clone_from(&expected.flags);
        }
        if let Some(status) = gateway.ended() {
            let why = format!(
                "{} / {}: the gateway ended, {status}\n{}",
                case.name,
                request.name,
                gateway.output()
            );
            report.fail(case.requests.len() - i, &why);
            return report;
        }
        let found = compare::compare(expected, &got);
        let unexcused: Vec<_> = found
            .iter()
            .filter(|d| !differences.excuses(&case.name, &request.name, d))
            .collect();
        match (found.is_empty(), unexcused.is_empty()) {
            (true, _) => report.agreed += 1,
            (false, true) => report.excused += 1,
            (false, false) => report.fail(1, &format!("{} / {}", case.name, request.name)),
        }
        for d in unexcused {
            let _ = writeln!(
                report.text,
                "     {}\n       expected {}\n       got      {}",
                d.field, d.expected, d.got
            );
        }
    }
    gateway.stop().await;
    report
}

/// Most of a run is waiting; more of them would distort the durations that some cases measure.
const CASES_SIDE_BY_SIDE: usize = 2;
