//! Command line and environment: which documents, for whom, and where everything listens.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use chassis::access::AccessLog;
use chassis::env::{Env, Problems};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::istio::{self, Documents, report::Report};
use crate::plan::Plan;
use crate::plan::compile::{self, Workload};

mod egress;

#[cfg(test)]
mod tests;

/// A mutual-TLS proxy, configured by a strict subset of the Istio API.
///
/// It plays a gateway for the Istio documents that it is given, or, with --upstream, passes every request
/// on to one host over mutual TLS. Variables: every ${NAME} in the documents, PORT (with --upstream), RUST_LOG.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "proxy", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    egress: egress::UpstreamFlags,
    #[command(subcommand)]
    task: Option<Task>,
}

/// What else than running can be asked for.
#[derive(Clone, Debug, Subcommand)]
enum Task {
    /// Reads documents as a start would, prints the plan that they make, and opens nothing.
    Check {
        #[command(flatten)]
        flags: Box<Flags>,
        /// Makes warnings errors.
        #[arg(long)]
        strict: bool,
        /// More files and folders.
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Asks the running proxy's /health/ready; exits with 0 or 1.
    Healthcheck {
        /// Its admin address.
        #[arg(long, value_name = "ADDRESS", default_value_t = ADMIN)]
        admin: SocketAddr,
    },
}

/// What `proxy` and `proxy check` have in common.
#[derive(Args, Clone, Debug, Default)]
struct Flags {
    /// A file of Istio documents, or a folder: its *.yaml, not below it, kustomization.yaml left out. May be repeated.
    #[arg(long = "config", value_name = "PATH")]
    config: Vec<PathBuf>,
    /// A file with meshConfig, as in istiod's Helm values.
    #[arg(long, value_name = "FILE")]
    mesh_config: Option<PathBuf>,
    /// The folder of secrets for credentialName: DIR/NAME/{tls.crt,tls.key,ca.crt}.
    #[arg(long, value_name = "DIR")]
    secrets: Option<PathBuf>,
    /// This workload's labels, for selectors.
    #[arg(long, value_name = "K=V,...", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,
    /// This workload's namespace.
    #[arg(long, value_name = "NS", default_value = "default")]
    namespace: Option<String>,
    /// Where servers without a bind listen. Default: 0.0.0.0.
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<IpAddr>,
    /// Where health, metrics and the plan are shown. Default: 0.0.0.0:9081.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// Bound ports by the servers' ones, as a Service's targetPort; 0 is any.
    #[arg(long, value_name = "80:8080,...", value_delimiter = ',', value_parser = ports)]
    port_map: Vec<(u16, u16)>,
    /// One line of JSON per request on stdout, or none.
    #[arg(long, value_name = "WHERE", default_value = "stdout")]
    access_log: Option<Access>,
}

/// Where access records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Access {
    Stdout,
    Off,
}

/// What this process is to do.
#[derive(Clone, Debug)]
pub enum Job {
    /// Serve.
    Run,
    /// Read documents and say what they mean; whether warnings are errors.
    Check {
        /// Warnings are errors.
        strict: bool,
    },
    /// Ask a running proxy at this address.
    Healthcheck(SocketAddr),
}

/// Where admin listens: probes come from outside the container.
const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9081);

/// How often documents and secrets are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_millis(250);
const CONNECTIONS: usize = 16_384;

/// The proxy's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `--config`: files and folders of documents.
    pub documents: Vec<PathBuf>,
    /// `--mesh-config`.
    pub mesh_config: Option<PathBuf>,
    /// `--secrets`: where `credentialName` is looked up.
    pub secrets: Option<PathBuf>,
    /// `--labels`.
    pub labels: BTreeMap<String, String>,
    /// `--namespace`.
    pub namespace: String,
    /// `--bind`: where servers without a `bind` listen.
    pub bind: IpAddr,
    /// `--admin`.
    pub admin: SocketAddr,
    /// `--port-map`: from a server's port to the bound one.
    pub port_map: BTreeMap<u16, u16>,
    /// How often files are looked at. Default 250 ms.
    pub reload_interval: Duration,
    /// Connections of one listener at a time; more wait in the kernel's queue. Default 16384.
    pub connections: usize,
    /// `--access-log`: where access records go. Default: JSON lines on stdout.
    pub access_log: AccessLog,
    /// The name in access records. Default `proxy`.
    pub service: String,
    /// For `${NAME}` in documents.
    pub env: Env,
    /// Documents that stand for `--upstream`.
    egress: Option<egress::Texts>,
}

impl Arguments {
    /// What is to be done.
    pub fn job(&self) -> Job {
        match &self.task {
            None => Job::Run,
            Some(Task::Check { strict, .. }) => Job::Check { strict: *strict },
            Some(Task::Healthcheck { admin }) => Job::Healthcheck(*admin),
        }
    }
}

impl Config {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// Every mistake in both, at once. Documents are not looked at yet.
    pub fn new(arguments: &Arguments, env: &Env) -> Result<Config> {
        let (flags, paths) = match &arguments.task {
            Some(Task::Check { flags, paths, .. }) => (&**flags, paths.as_slice()),
            _ => (&arguments.flags, &[][..]),
        };
        let namespace = flags.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let documents: Vec<_> = flags.config.iter().chain(paths).cloned().collect();
        let egress = arguments.egress.texts(&namespace, env)?;
        match (&egress, documents.is_empty()) {
            (Some(_), false) => {
                bail!("--upstream and --config at the same time: the documents say where requests go")
            }
            (None, true) => bail!(
                "there is nothing to do: name documents with --config PATH, or a host with --upstream URL"
            ),
            _ => {}
        }
        Ok(Config {
            documents,
            mesh_config: flags.mesh_config.clone(),
            secrets: flags.secrets.clone(),
            labels: flags.labels.iter().cloned().collect(),
            namespace,
            bind: flags.bind.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            admin: flags.admin.unwrap_or(ADMIN),
            port_map: flags.port_map.iter().copied().collect(),
            reload_interval: RELOAD_INTERVAL,
            connections: CONNECTIONS,
            access_log: match flags.access_log {
                Some(Access::Off) => AccessLog::off(),
                Some(Access::Stdout) | None => AccessLog::stdout(),
            },
            service: "proxy".to_owned(),
            env: env.clone(),
            egress,
        })
    }

    /// Whether there are files whose change makes another plan.
    pub(crate) fn is_reloadable(&self) -> bool {
        self.egress.is_none()
    }
}

/// Reads the documents and makes a plan of them: at the start, and whenever a file has changed.
///
/// # Errors
/// Every problem of every document.
pub(crate) fn load(config: &Config) -> Result<Plan, Problems> {
    let (plan, report) = examine(config);
    let mut problems = Problems::default();
    report.errors.into_iter().for_each(|error| problems.add(error));
    problems.finish().map(|()| plan)
}

/// The same, and what was found on the way. The plan is worth something only without errors.
pub(crate) fn examine(config: &Config) -> (Plan, Report) {
    let mut report = Report::default();
    let variable = |name: &str| config.env.read(name).ok().flatten();
    let mesh = config.mesh_config.as_deref();
    let mut documents = istio::read(&config.documents, mesh, &variable, &mut report);
    if let Some(texts) = &config.egress {
        texts.add(&mut documents, mesh.is_some(), &mut report);
    }
    let plan = compile_for(config, &documents, &mut report);
    (plan, report)
}

fn compile_for(config: &Config, documents: &Documents, report: &mut Report) -> Plan {
    let workload = Workload {
        namespace: &config.namespace,
        labels: &config.labels,
        bind: config.bind,
        ports: &config.port_map,
    };
    compile::compile(documents, &workload, report)
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is needed")?;
    if name.is_empty() {
        return Err("a label needs a name".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let pair = text
        .split_once(':')
        .and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match pair {
        Some((from, to)) if from != 0 => Ok((from, to)),
        _ => Err("SERVER:BOUND is needed, two ports; the bound one may be 0".to_owned()),
    }
}
