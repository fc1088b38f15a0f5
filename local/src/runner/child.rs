//! A part as a child process: its own process group, a lifeline on stdin, reports on stdout, logs on
//! stderr.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use chassis::shutdown::{Shutdown, Trigger};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use super::terminal;
use crate::part::Part;
use crate::report::Line;
use crate::topology::Places;

/// From the closed lifeline to the kill: a service's own grace period and a little more.
const STOP: Duration = Duration::from_secs(chassis::shutdown::GRACE.as_secs() + 1);
/// A line longer than this comes in pieces.
const LINE_BYTES: u64 = 64 * 1024;

/// A part that was started.
pub(super) struct Child {
    pub(super) part: Part,
    pub(super) pid: u32,
    stop: Trigger,
    gone: JoinHandle<()>,
}

/// What a part says, or that it said its last.
pub(super) struct Event {
    pub(super) part: Part,
    pub(super) what: What,
}

pub(super) enum What {
    Line(Line),
    Ended(String),
}

impl Child {
    /// Starts `run PART` of this very executable, so that one build makes everything.
    pub(super) fn spawn(part: Part, places: &Places, events: Sender<Event>) -> Result<Child> {
        let executable = std::env::current_exe().context("cannot find this executable")?;
        let mut command = Command::new(executable);
        command.args(["run", part.name(), "--supervised"]);
        if !places.is_usual_state {
            command.arg("--state").arg(&places.state);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0) // Ctrl-C is the runner's: it stops the parts in order
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", part.name()))?;
        let pid = process.id().unwrap_or_default();
        let (stop, stopped) = Shutdown::manual();
        let stdout = process.stdout.take();
        let logs = tokio::spawn(pass_on(part, process.stderr.take()));
        let gone = tokio::spawn(async move {
            let reports = tokio::spawn(read(part, stdout, events.clone()));
            let how = wait(process, stopped).await;
            // what it said last comes before the word that it is gone
            let _ = (reports.await, logs.await);
            let what = What::Ended(how);
            let _ = events.send(Event { part, what }).await;
        });
        Ok(Child {
            part,
            pid,
            stop,
            gone,
        })
    }

    /// Closes the lifeline and waits; kills after [`STOP`].
    pub(super) async fn stop(self) {
        self.stop.stop();
        let _ = self.gone.await;
    }
}

async fn wait(mut process: tokio::process::Child, stopped: Shutdown) -> String {
    let lifeline = process.stdin.take();
    let ended = tokio::select! {
        status = process.wait() => Some(told(status)), // which closes its own stdin only when it is not taken
        () = stopped.requested() => None,
    };
    drop(lifeline);
    if let Some(how) = ended {
        return how;
    }
    match tokio::time::timeout(STOP, process.wait()).await {
        Ok(status) => told(status),
        Err(_) => {
            let _ = process.kill().await;
            format!("killed, for it did not stop within {STOP:?}")
        }
    }
}

fn told(status: std::io::Result<std::process::ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

async fn read(part: Part, stdout: Option<impl AsyncRead + Unpin>, events: Sender<Event>) {
    let Some(stdout) = stdout else { return };
    let mut lines = BufReader::new(stdout);
    while let Some(line) = next_line(&mut lines).await {
        let what = What::Line(Line::parse(line));
        if events.send(Event { part, what }).await.is_err() {
            return;
        }
    }
}

async fn pass_on(part: Part, stderr: Option<impl AsyncRead + Unpin>) {
    let Some(stderr) = stderr else { return };
    let mut lines = BufReader::new(stderr);
    while let Some(line) = next_line(&mut lines).await {
        terminal::log(part, &line);
    }
}

/// A line without its end.
async fn next_line(lines: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    match lines.take(LINE_BYTES).read_until(b'\n', &mut bytes).await {
        Ok(1..) => Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
        _ => None,
    }
}
