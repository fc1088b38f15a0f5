//! How a process ends. A start that fails prints every problem, one line each, and exits with 2, so
//! that a script can tell "you configured me wrong" from "I broke" (1).

use std::io::Write;
use std::process::ExitCode;

/// The exit code of a process that was told something it cannot work with.
pub const MISCONFIGURED: u8 = 2;

/// Prints `name: problem` for each line of the error and gives exit code 2.
///
/// The whole chain of causes stands on one line, because an operator reads it in a log viewer.
/// It does not go through `tracing`: the subscriber may not be installed yet.
pub fn refuse(name: &str, error: &anyhow::Error) -> ExitCode {
    let text = format!("{error:#}");
    let mut stderr = std::io::stderr().lock();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        // `eprintln!` would panic when nobody reads any more, and hide the exit code
        let _ = writeln!(stderr, "{name}: {line}");
    }
    ExitCode::from(MISCONFIGURED)
}
