//! One part of the system in this process: `local run PART`, by hand or as a child of the runner.
//!
//! The services are linked as libraries ([`build`] knows them). Where a part listens and what it is told
//! comes from [`crate::topology`], the same for the runner and for the
//! command that a person types, so a part that ended can be run again in another terminal.

mod build;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chassis::env::Env;
use chassis::shutdown::{Shutdown, Trigger};
use serde::{Deserialize, Serialize};

use crate::report::Report;
use crate::topology::{Places, Settings};

/// How often readiness is looked at until it is there.
const LOOK: Duration = Duration::from_millis(5);
/// Logs of a part below the runner: what went wrong, and what live reload did.
const RUNNER_LOGS: &str = "warn,proxy::life=info,proxy::reload=info";

/// The parts, by the names they have everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// Identity Platform's stand-in
    Identity,
    /// The metadata server's stand-in
    Metadata,
    /// The private microservice
    Backend,
    /// `proxy` in the role of the Istio ingress gateway
    Gateway,
    /// `proxy` as it runs on Cloud Run
    Proxy,
    /// Cloud Run's front door before the proxy
    FrontDoor,
    /// The public front end
    Frontend,
}

impl Part {
    /// As it is written on the command line and in records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Identity => "identity",
            Part::Metadata => "metadata",
            Part::Backend => "backend",
            Part::Gateway => "gateway",
            Part::Proxy => "proxy",
            Part::FrontDoor => "front-door",
            Part::Frontend => "frontend",
        }
    }
}

/// `local run PART …`.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Which part
    part: Part,
    #[command(flatten)]
    options: Options,
}

/// How a part is run.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Where to listen: IP or IP:PORT. Loopback unless given
    #[arg(long, value_name = "ADDRESS", value_parser = Listen::parse)]
    listen: Option<Listen>,
    /// Where keys, accounts and the runner's settings are kept [default: target/local]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// front-door: the service behind it
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// front-door: whose /oauth2/v3/certs it trusts
    #[arg(long, value_name = "URL")]
    metadata: Option<String>,
    /// front-door: its own address, as callers know it
    #[arg(long, value_name = "URL")]
    audience: Option<String>,
    /// front-door: the service account that may invoke
    #[arg(long, value_name = "EMAIL")]
    invoker: Option<String>,
    #[command(flatten)]
    identity: crate::stand_in::identity::Options,
    /// Started by the runner: stdin is the lifeline, stdout carries reports
    #[arg(long, hide = true)]
    supervised: bool,
}

impl Arguments {
    /// `local identity`.
    pub(crate) fn identity(options: Options) -> Arguments {
        Arguments {
            part: Part::Identity,
            options,
        }
    }
}

/// An address whose port may be left to the settings.
#[derive(Clone, Copy, Debug)]
struct Listen(IpAddr, Option<u16>);

impl Listen {
    fn parse(text: &str) -> Result<Listen, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Listen(address.ip(), Some(address.port())));
        }
        let host = text
            .parse()
            .map_err(|_| format!("{text:?} is not IP or IP:PORT"))?;
        Ok(Listen(host, None))
    }
}

/// Runs one part until a signal, or until the runner's pipe closes.
pub(crate) fn run(arguments: Arguments, env: &Env) -> ExitCode {
    let Arguments { part, options } = arguments;
    let supervised = options.supervised;
    chassis::log::install(env, if supervised { RUNNER_LOGS } else { "info" });
    match serve(part, options, env) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if supervised => {
            let lines = format!("{error:#}").lines().map(str::to_owned).collect();
            Report::Failed { lines }.send();
            ExitCode::from(2)
        }
        Err(error) => chassis::exit::refuse(part.name(), &error),
    }
}

/// Asks a part where the settings say it is.
pub(crate) fn healthcheck(part: Part, state: Option<PathBuf>) -> ExitCode {
    match Settings::load(&Places::find(state).state) {
        Ok(settings) => chassis::health::check(settings.health(part)),
        Err(error) => chassis::exit::refuse("local healthcheck", &error),
    }
}

#[tokio::main]
async fn serve(part: Part, options: Options, env: &Env) -> Result<()> {
    let shutdown = stop_requests(options.supervised)?;
    let supervised = options.supervised;
    let bound = build::build(part, options, env)?;
    let addresses = bound.addresses.clone();
    match supervised {
        true => Report::Addresses { addresses }.send(),
        false => addresses
            .iter()
            .for_each(|(name, url)| say(&format!("{name} listens on {url}; Ctrl-C stops it"))),
    }
    let ready = async {
        while !bound.health.is_ready() {
            tokio::time::sleep(LOOK).await;
        }
        if supervised {
            Report::Ready.send();
        }
        std::future::pending::<()>().await;
    };
    tokio::select! { () = (bound.run)(shutdown) => {}, () = ready => {} }
    Ok(())
}

/// SIGTERM and SIGINT; below a runner also the end of stdin, so that nothing outlives a killed runner.
fn stop_requests(supervised: bool) -> Result<Shutdown> {
    let (trigger, shutdown) = Shutdown::manual();
    let trigger = Arc::new(trigger);
    let on_signal = trigger.clone();
    let signals = Shutdown::on_signals().context("cannot install signal handlers")?;
    tokio::spawn(async move {
        signals.requested().await;
        on_signal.stop();
    });
    if supervised {
        // a thread, because a read of stdin cannot be cancelled
        std::thread::Builder::new()
            .name("lifeline".to_owned())
            .spawn(move || hold(&trigger))?;
    }
    Ok(shutdown)
}

fn hold(trigger: &Trigger) {
    let mut nothing = [0_u8; 16];
    while matches!(std::io::stdin().lock().read(&mut nothing), Ok(1..)) {}
    trigger.stop();
}

/// Prints to stdout. Nobody there any more is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
