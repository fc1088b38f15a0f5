//! Starts the whole system, or one part, as a person does: the real executable, real processes, free
//! ports, a folder of its own. Everything is gone when the value is dropped.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// For anything that a test waits for; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that is removed with the last value that uses it.
#[derive(Clone)]
pub(crate) struct Folder(Arc<Temporary>);

struct Temporary(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("acme-local-{}-{serial}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(Arc::new(Temporary(path)))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process whose output is read line by line, stdout and stderr together.
pub(crate) struct Process {
    child: Child,
    lines: watch::Receiver<Vec<String>>,
}

impl Process {
    /// `local ARGUMENTS`, in a directory that decides which `istio/` is meant.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Process {
        Process::told(directory, arguments, &[])
    }

    /// The same with variables of its environment.
    fn told(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(arguments)
            .current_dir(directory)
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the executable is built");
        let (sender, lines) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        collect(child.stdout.take().expect("piped"), sender.clone());
        collect(child.stderr.take().expect("piped"), sender);
        Process { child, lines }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first line that fits, from the beginning on; waits for it.
    pub(crate) async fn line(&self, fits: impl Fn(&str) -> bool) -> String {
        let mut lines = self.lines.clone();
        let found = |lines: &Vec<String>| lines.iter().find(|line| fits(line)).cloned();
        let wait = async {
            lines
                .wait_for(|lines| found(lines).is_some())
                .await
                .map(|lines| found(&lines))
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(Ok(Some(line))) => line,
            _ => panic!("no such line, but:\n{}", self.output()),
        }
    }

    /// Everything it said so far.
    pub(crate) fn output(&self) -> String {
        self.lines.borrow().join("\n")
    }

    /// Waits for its end; the exit code, if there is one.
    pub(crate) async fn end(&mut self) -> Option<i32> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // both pipes have ended when nobody can send lines any more
                let _ = tokio::time::timeout(PATIENCE, self.lines.clone().wait_for(|_| false)).await;
                return status.code();
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "it does not end:\n{}",
                self.output()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill(); // its children end with their lifelines
        let _ = self.child.wait();
    }
}

fn collect(pipe: impl Read + Send + 'static, lines: Arc<watch::Sender<Vec<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            lines.send_modify(|lines| lines.push(line));
        }
    });
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status();
    assert!(status.unwrap().success(), "kill -{name} {pid}");
}

/// The whole system.
pub(crate) struct System {
    process: Process,
    folder: Folder,
    directory: PathBuf,
    state: PathBuf,
    endpoints: BTreeMap<String, String>,
}

impl System {
    /// Starts it with free ports and waits until it is ready.
    pub(crate) async fn start(arguments: &[&str]) -> System {
        System::start_in(Folder::new(), workspace(), arguments, &[]).await
    }

    /// The same on a copy of `istio/` that a test may change.
    pub(crate) async fn start_with_own_documents(arguments: &[&str]) -> System {
        System::start_told(arguments, &[]).await
    }

    /// The same with variables of the runner's environment, which the parts inherit.
    pub(crate) async fn start_told(arguments: &[&str], variables: &[(&str, &str)]) -> System {
        let folder = Folder::new();
        let directory = own_documents(&folder);
        System::start_in(folder, directory, arguments, variables).await
    }

    async fn start_in(
        folder: Folder,
        directory: PathBuf,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> System {
        let state = folder.path().join("state");
        let mut all = vec!["--ports", "auto", "--state", state.to_str().unwrap()];
        all.extend(arguments);
        let process = Process::told(&directory, &all, variables);
        process.line(|line| line.starts_with("Ready in ")).await;
        let endpoints = std::fs::read(state.join("endpoints.json")).unwrap();
        System {
            endpoints: serde_json::from_slice(&endpoints).unwrap(),
            process,
            folder,
            directory,
            state,
        }
    }

    /// Stops it as Ctrl-C does and starts it again on the same state.
    pub(crate) async fn restart(mut self, arguments: &[&str]) -> System {
        self.stop().await;
        System::start_in(self.folder.clone(), self.directory.clone(), arguments, &[]).await
    }

    /// Stops it as Ctrl-C does; the exit code.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        signal(self.process.pid(), "INT");
        self.end().await
    }

    /// Waits for its end; the exit code, if there is one.
    pub(crate) async fn end(&mut self) -> Option<i32> {
        self.process.end().await
    }

    /// `http://127.0.0.1:PORT` of a part, by its name in `endpoints.json`.
    pub(crate) fn url(&self, part: &str) -> String {
        let url = self.endpoints.get(part);
        url.unwrap_or_else(|| panic!("{part} is not in {:?}", self.endpoints))
            .clone()
    }

    /// The same as an address.
    pub(crate) fn address(&self, part: &str) -> SocketAddr {
        let url = self.url(part);
        url.rsplit('/').next().unwrap().parse().unwrap()
    }

    /// What a person opens.
    pub(crate) fn page(&self) -> String {
        let output = self.process.output();
        let words = output.split_whitespace();
        let page = words.skip_while(|word| *word != "Open").nth(1);
        page.expect("the terminal says what to open").to_owned()
    }

    /// Its keys, accounts and certificates.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// Its copy of `istio/`.
    pub(crate) fn documents(&self) -> PathBuf {
        self.directory.join("istio")
    }

    /// The first line of the terminal that fits; waits for it.
    pub(crate) async fn line(&self, fits: impl Fn(&str) -> bool) -> String {
        self.process.line(fits).await
    }

    /// The process id of a part, as the table has it.
    pub(crate) fn pid(&self, part: &str) -> u32 {
        let output = self.process.output();
        let mut rows = output
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row.len() > 2 && row[0] == part && row[1].contains("://"));
        row.expect("it is in the table")[2]
            .parse()
            .expect("it was started")
    }

    /// The runner's own process id.
    pub(crate) fn runner(&self) -> u32 {
        self.process.pid()
    }

    /// Kills a part as a crash does, and waits until the terminal says so.
    pub(crate) async fn kill(&self, part: &str) {
        signal(self.pid(part), "KILL");
        let begin = format!("{part} has ended");
        self.line(|line| line.starts_with(&begin)).await;
    }

    /// Runs the command that the terminal gave for a part, in another terminal so to speak.
    pub(crate) async fn run_again(&self, part: &str) -> Process {
        let begin = format!("cargo run -- run {part}");
        let line = self.line(|line| line.trim_start().starts_with(&begin)).await;
        let arguments: Vec<&str> = line.split_whitespace().skip(3).collect();
        let process = Process::start(&self.directory, &arguments);
        process.line(|line| line.contains("listens on")).await;
        process
    }
}

/// A start that is expected to fail.
pub(crate) struct Refused {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
}

impl Refused {
    /// With documents that were changed before.
    pub(crate) async fn with_own_documents(change: impl FnOnce(&Path)) -> Refused {
        let folder = Folder::new();
        let directory = own_documents(&folder);
        change(&directory.join("istio"));
        Refused::start(&folder, &directory, &["--ports", "auto"]).await
    }

    /// With a port of its own for one part.
    pub(crate) async fn with_port(part: &str, port: u16) -> Refused {
        let ports = format!("auto,{part}={port}");
        Refused::start(&Folder::new(), &workspace(), &["--ports", &ports]).await
    }

    /// With any arguments.
    pub(crate) async fn start(folder: &Folder, directory: &Path, arguments: &[&str]) -> Refused {
        let state = folder.path().join("state");
        let mut all = vec!["--state", state.to_str().unwrap()];
        all.extend(arguments);
        let mut process = Process::start(directory, &all);
        let code = process.end().await;
        Refused {
            code,
            output: process.output(),
        }
    }
}

/// The checkout.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// A directory with a copy of `istio/`.
fn own_documents(folder: &Folder) -> PathBuf {
    let directory = folder.path().join("checkout");
    copy(&workspace().join("istio"), &directory.join("istio"));
    directory
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (
            entry.as_ref().unwrap().path(),
            to.join(entry.unwrap().file_name()),
        );
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(std::fs::copy(from, to).unwrap()),
        }
    }
}
