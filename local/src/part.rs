//! One part of the system in this process: `local run PART`, by hand or as a child of the runner.
//!
//! The services are linked as libraries; this file is the only one that knows their names. Where a part
//! listens and what it is told comes from [`crate::topology`], the same for the runner and for the
//! command that a person types, so a part that ended can be run again in another terminal.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chassis::access::AccessLog;
use chassis::env::Env;
use chassis::health::Health;
use chassis::shutdown::{Shutdown, Trigger};
use serde::{Deserialize, Serialize};

use crate::prepare;
use crate::report::{Endpoints, Report};
use crate::runner::requests;
use crate::stand_in::server::Server;
use crate::stand_in::{front_door, identity, metadata};
use crate::topology::{PROJECT, Places, Settings};

/// How often readiness is looked at until it is there.
const LOOK: Duration = Duration::from_millis(5);
/// Logs of a part below the runner: what went wrong, and what live reload did.
const RUNNER_LOGS: &str = "warn,proxy::reload=info";

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
    let bound = build(part, options, env)?;
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

/// A part with everything bound.
struct Bound {
    addresses: Endpoints,
    health: Health,
    run: Box<dyn FnOnce(Shutdown) -> Running + Send>,
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

fn build(part: Part, options: Options, process: &Env) -> Result<Bound> {
    let places = Places::find(options.state.clone());
    let settings = Settings::load(&places.state)?;
    let service = Service {
        part,
        access_log: access_log(options.supervised),
        listen: listen(&settings, part, options.listen),
        options,
        process,
        settings,
        places,
    };
    match part {
        Part::Identity => service.identity(),
        Part::Metadata => service.metadata(),
        Part::FrontDoor => service.front_door(),
        Part::Backend => service.backend(),
        Part::Frontend => service.frontend(),
        Part::Proxy | Part::Gateway => service.proxy(),
    }
}

fn listen(settings: &Settings, part: Part, asked: Option<Listen>) -> SocketAddr {
    let mut address = settings.address(part);
    if let Some(Listen(host, port)) = asked {
        address.set_ip(host);
        address.set_port(port.unwrap_or(address.port()));
    }
    address
}

/// Below the runner JSON for the pipe, by hand a line for the reader.
fn access_log(supervised: bool) -> AccessLog {
    match supervised {
        true => AccessLog::stdout(),
        false => AccessLog::to(|record| say(&requests::line(std::slice::from_ref(record)))),
    }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Everything that building a part needs.
struct Service<'a> {
    part: Part,
    options: Options,
    settings: Settings,
    places: Places,
    process: &'a Env,
    access_log: AccessLog,
    listen: SocketAddr,
}

impl Service<'_> {
    fn identity(self) -> Result<Bound> {
        let server = identity::build(identity::Config {
            listen: self.listen,
            state: self.places.state,
            project: PROJECT.to_owned(),
            access_log: self.access_log,
        })?;
        let address = server.address()?;
        Ok(stand_in(one(self.part, address), serving(server)))
    }

    fn metadata(self) -> Result<Bound> {
        let server = metadata::build(metadata::Config {
            listen: self.listen,
            state: self.places.state,
            project: PROJECT.to_owned(),
            access_log: self.access_log,
        })?;
        let address = server.address()?;
        Ok(stand_in(one(self.part, address), serving(server)))
    }

    fn front_door(self) -> Result<Bound> {
        let Service {
            settings, options, ..
        } = self;
        let url = |given: Option<String>, part| given.unwrap_or_else(|| settings.url(part));
        let front_door::Bound { door, health } = front_door::build(front_door::Config {
            listen: self.listen,
            health: settings.health(Part::FrontDoor),
            upstream: url(options.upstream, Part::Proxy),
            metadata: url(options.metadata, Part::Metadata),
            audience: url(options.audience, Part::FrontDoor),
            invoker: options.invoker.unwrap_or_else(|| metadata::FRONTEND.to_owned()),
            access_log: self.access_log,
        })?;
        let mut addresses = one(Part::FrontDoor, door.address()?);
        addresses.insert(
            "front-door-health".to_owned(),
            format!("http://{}", health.address()?),
        );
        let run = Box::new(move |shutdown: Shutdown| -> Running {
            Box::pin(async move {
                tokio::join!(door.run(shutdown.clone()), health.run(shutdown));
            })
        });
        Ok(stand_in(addresses, run))
    }

    fn backend(self) -> Result<Bound> {
        let arguments = backend::Arguments::default();
        let mut config = backend::Config::new(&arguments, &self.env())?;
        config.access_log = self.access_log;
        let bound = backend::build(config)?;
        let addresses = one(self.part, bound.addresses()?.public);
        let health = bound.health();
        let run = Box::new(move |shutdown| -> Running { Box::pin(bound.run(shutdown)) });
        Ok(Bound {
            addresses,
            health,
            run,
        })
    }

    fn frontend(self) -> Result<Bound> {
        prepare::session_key(&self.places.state)?;
        anyhow::bail!("the frontend is not part of this build yet")
    }

    fn proxy(self) -> Result<Bound> {
        let arguments = self.settings.arguments(self.part, &self.places);
        anyhow::bail!(
            "the proxy is not part of this build yet: {arguments:?} {:?}",
            self.env()
        )
    }

    /// The process' environment, with what the topology says in place of what it happens to hold.
    fn env(&self) -> Env {
        let mut ours = self.settings.variables(self.part, &self.places);
        for (name, value) in &mut ours {
            match *name {
                "LISTEN_ADDRESS" => *value = self.listen.ip().to_string(),
                "PORT" => *value = self.listen.port().to_string(),
                _ => {}
            }
        }
        let is_ours = |name: &str| {
            let plain = name.strip_suffix("_FILE").unwrap_or(name);
            ours.iter()
                .any(|(our, _)| our.strip_suffix("_FILE").unwrap_or(our) == plain)
        };
        let inherited = self.process.iter().filter(|(name, _)| !is_ours(name));
        let ours = ours.iter().map(|(name, value)| (*name, value.as_str()));
        inherited.chain(ours).collect()
    }
}

fn one(part: Part, address: SocketAddr) -> Endpoints {
    Endpoints::from([(part.name().to_owned(), format!("http://{address}"))])
}

fn serving(server: Server) -> Box<dyn FnOnce(Shutdown) -> Running + Send> {
    Box::new(move |shutdown| Box::pin(server.run(shutdown)))
}

/// Ready as soon as it is bound.
fn stand_in(addresses: Endpoints, run: Box<dyn FnOnce(Shutdown) -> Running + Send>) -> Bound {
    let health = Health::starting();
    health.started();
    Bound {
        addresses,
        health,
        run,
    }
}
