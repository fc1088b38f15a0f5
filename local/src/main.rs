//! Development only: the whole system with one command, and its parts one by one.
//!
//! Without a sub-command it prepares what a laptop lacks, starts every part as a process of its own and
//! shows what happens ([`runner`]).

mod files;
mod part;
mod prepare;
mod probe;
mod report;
mod runner;
mod stand_in;
mod topology;

use std::path::PathBuf;
use std::process::ExitCode;

use chassis::env::Env;
use clap::{Parser, Subcommand};

use crate::part::Part;

/// Runs the whole system on this machine: `cargo run`. Ctrl-C stops it.
#[derive(Parser)]
#[command(name = "local", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    runner: runner::Arguments,
}

#[derive(Subcommand)]
enum Command {
    /// Run one part in the foreground
    Run(part::Arguments),
    /// Run the stand-in for Identity Platform: short for `run identity`
    Identity(part::Options),
    /// Write certificates, secrets and registry documents into a directory
    Prepare(prepare::Arguments),
    /// Ask a part's /health/ready; exit with 0 or 1
    Healthcheck {
        /// Which part
        part: Part,
        /// Where the runner keeps its files
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
    },
    /// Print what answers at an address, or how it fails within 2 s
    Probe {
        /// A URL, or HOST:PORT for a connection only
        target: String,
    },
}

fn main() -> ExitCode {
    let began = std::time::Instant::now();
    chassis::crypto::install();
    let arguments = Arguments::parse();
    let run_part = |arguments| part::run(arguments, &Env::process());
    match arguments.command {
        None => {
            chassis::log::install(&Env::process(), "warn");
            runner::run(arguments.runner, began)
        }
        Some(Command::Run(arguments)) => run_part(arguments),
        Some(Command::Identity(options)) => run_part(part::Arguments::identity(options)),
        Some(Command::Prepare(arguments)) => {
            chassis::log::install(&Env::process(), "warn");
            exit(arguments.run())
        }
        Some(Command::Healthcheck { part, state }) => part::healthcheck(part, state),
        Some(Command::Probe { target }) => probe::run(&target),
    }
}

fn exit(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => chassis::exit::refuse("local", &error),
    }
}

/// An error with its causes: client libraries say `error sending request` and hide the reason below.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
