//! `proxy check`: what a start would make of these documents, or every reason why it would not start.

use std::io::{self, Write};
use std::process::ExitCode;

use chassis::exit::MISCONFIGURED;

use crate::bootstrap::{Config, examine};
use crate::plan::describe::describe;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::accepted_documents;

/// Prints the plan on stdout and warnings on stderr, exit code 0; or every problem on stderr, exit code 2.
/// With `strict` a warning is a problem.
///
/// # Errors
/// When stdout or stderr cannot be written to.
pub fn check(config: &Config, strict: bool) -> io::Result<ExitCode> {
    let judgement = judge(config, strict);
    io::stderr().lock().write_all(judgement.findings.as_bytes())?;
    if !judgement.is_accepted {
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    io::stdout().lock().write_all(judgement.plan.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// What is printed, and whether a start would succeed.
struct Judgement {
    is_accepted: bool,
    findings: String,
    plan: String,
}

/// Warnings of documents with errors are not told: half-read documents make false alarms.
fn judge(config: &Config, strict: bool) -> Judgement {
    let (plan, report) = examine(config);
    let lines = |kind: &str, lines: &[String]| -> String {
        lines.iter().map(|line| format!("{kind}: {line}\n")).collect()
    };
    let (is_accepted, findings) = if report.errors.is_empty() {
        let kind = if strict { "error" } else { "warning" };
        (
            !strict || report.warnings.is_empty(),
            lines(kind, &report.warnings),
        )
    } else {
        (false, lines("error", &report.errors))
    };
    Judgement {
        is_accepted,
        findings,
        plan: describe(&plan),
    }
}
