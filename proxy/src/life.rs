//! From a configuration to a running process, and to its end: build everything that can fail, then run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chassis::accept::Acceptor;
use chassis::access::AccessLog;
use chassis::health::Health;
use chassis::shutdown::{GRACE, Shutdown};

use crate::admin;
use crate::bootstrap::{Config, load};
use crate::drain::Drain;
use crate::listener::{self, Listeners};
use crate::plan::Plan;
use crate::readiness;
use crate::reload::{Documents, Watch, consequences};
use crate::runtime::{Means, Process, Runtime};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::Metrics;
use crate::tls::material::Secrets;
use crate::upstream::dns::Names;

/// Idle connections are looked through this often.
const SWEEP: Duration = Duration::from_secs(30);
/// The least time between two looks at the certificates' files: on Cloud Run each is a call to the
/// secret manager.
const CERTIFICATES: Duration = Duration::from_secs(10);

/// What a process is started with, beside its documents.
pub(crate) struct Settings {
    /// Where the operator's listener binds.
    pub(crate) admin: SocketAddr,
    /// Where certificates are.
    pub(crate) secrets: Secrets,
    /// The documents.
    pub(crate) documents: Documents,
    /// How often they are looked at.
    pub(crate) poll: Duration,
    /// How many connections a listener has at most.
    pub(crate) connections: usize,
    /// Where access records go.
    pub(crate) access: AccessLog,
    /// Who writes them.
    pub(crate) service: Arc<str>,
}

/// A process whose every address is bound and whose every document and certificate was read.
pub struct Bound {
    process: Arc<Process>,
    listeners: Listeners,
    pending: listener::Bound,
    admin: Acceptor,
    addresses: Addresses,
    documents: Documents,
    watch: Watch,
    poll: Duration,
    health: Health,
}

/// Where a process listens.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The Gateway server's port as the documents say, and where it really listens: with a port map two
    /// servers may both be mapped to port 0.
    pub listeners: Vec<(u16, SocketAddr)>,
    /// The operator's listener.
    pub admin: SocketAddr,
}

/// Reads everything and binds everything. Inside a tokio runtime.
///
/// # Errors
/// Every problem of the documents, or the first certificate or address that cannot be used.
pub fn build(config: Config) -> anyhow::Result<Bound> {
    Bound::new(Settings::of(config))
}

impl Settings {
    fn of(config: Config) -> Settings {
        let mut paths = Vec::new();
        if config.is_reloadable() {
            paths.extend(config.documents.iter().chain(&config.mesh_config).cloned());
        }
        Settings {
            admin: config.admin,
            secrets: Secrets {
                directory: config.secrets.clone(),
                system_roots: config.env.read("SSL_CERT_FILE").ok().flatten().map(Into::into),
            },
            poll: config.reload_interval,
            connections: config.connections,
            access: config.access_log.clone(),
            service: config.service.as_str().into(),
            documents: Documents {
                paths,
                load: Arc::new(move || Ok(load(&config)?)),
            },
        }
    }
}

impl Bound {
    /// Inside a tokio runtime.
    pub(crate) fn new(settings: Settings) -> anyhow::Result<Bound> {
        chassis::crypto::install();
        let telemetry = Telemetry {
            service: settings.service,
            access: settings.access,
            metrics: Metrics::new(),
        };
        let means = Means {
            secrets: settings.secrets,
            names: Names::default(),
        };
        let watch = Watch::new(&settings.documents);
        let plan = (settings.documents.load)()?;
        for warning in &plan.warnings {
            tracing::warn!("{warning}");
        }
        let runtime = Runtime::build(plan, &means, &telemetry, None)?;
        let listeners = Listeners::new(settings.connections);
        let pending = listeners.bind(&runtime.plan)?;
        let admin = Acceptor::bind(settings.admin, admin::CONNECTIONS).context("admin")?;
        let addresses = Addresses {
            listeners: pending.addresses(),
            admin: admin.address()?,
        };
        telemetry.metrics.generation.set(1);
        Ok(Bound {
            process: Arc::new(Process::new(runtime, telemetry, means)),
            listeners,
            pending,
            admin,
            addresses,
            documents: settings.documents,
            watch,
            poll: settings.poll,
            health: Health::starting(),
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// What the probes see.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until the shutdown is asked for, then drains: readiness goes off, nothing new is accepted,
    /// what is in flight gets the grace period.
    pub async fn run(mut self, shutdown: Shutdown) {
        let health = self.health;
        let drain = Drain::new(shutdown.clone());
        let first = self.process.current();
        first.start();
        self.listeners
            .apply(self.pending, &first.plan, &self.process, &drain);
        drop(first);
        let background = [
            tokio::spawn(admin::serve(self.admin, self.process.clone(), health.clone())),
            tokio::spawn(readiness::prove(self.process.clone(), health.clone())),
            tokio::spawn(housekeeping(self.process.clone(), self.poll)),
        ];
        let mut watch = self.watch;
        loop {
            tokio::select! {
                () = shutdown.requested() => break,
                () = tokio::time::sleep(self.poll) => {}
            }
            let documents = self.documents.clone();
            let polled = tokio::task::spawn_blocking(move || {
                let plan = watch.poll(&documents);
                (watch, plan)
            });
            let Ok((returned, plan)) = polled.await else {
                tracing::error!("the documents are not watched any more: reading them failed badly");
                shutdown.requested().await;
                break;
            };
            watch = returned;
            match plan.map(|plan| swap(plan, &self.process, &mut self.listeners, &drain)) {
                Some(Ok(())) => watch.settled(),
                Some(Err(error)) => {
                    watch.tell(&format!("{error:#}"));
                    watch.again();
                }
                None => {}
            }
        }
        health.draining();
        self.listeners.close();
        tokio::join!(drain.finish(GRACE), self.process.tunnels.finish(GRACE));
        background.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// Puts a new plan to use, or says why not; then nothing has changed.
fn swap(plan: Plan, process: &Arc<Process>, listeners: &mut Listeners, drain: &Drain) -> anyhow::Result<()> {
    let before = process.current();
    let next = Runtime::build(plan, &process.means, &process.telemetry, Some(&before))?;
    let bound = listeners.bind(&next.plan)?;
    let generation = next.generation;
    let consequences = consequences(&before.plan, &next.plan);
    for warning in next
        .plan
        .warnings
        .iter()
        .filter(|warning| !before.plan.warnings.contains(warning))
    {
        tracing::warn!("{warning}");
    }
    process.swap(next);
    listeners.apply(bound, &process.current().plan, process, drain);
    tracing::info!("the documents changed: configuration {generation} is in use");
    for (opens, line) in consequences {
        match opens {
            true => tracing::warn!("{line}"),
            false => tracing::info!("{line}"),
        }
    }
    Ok(())
}

/// What has to be looked at now and then: idle connections, certificates.
async fn housekeeping(process: Arc<Process>, poll: Duration) {
    let (mut sweep, mut certificates) = (
        tokio::time::interval(SWEEP),
        // where documents are polled quickly, files are local
        tokio::time::interval(if poll < Duration::from_secs(1) {
            poll
        } else {
            CERTIFICATES
        }),
    );
    certificates.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = sweep.tick() => {
                let runtime = process.current();
                survive(move || runtime.clusters.iter().for_each(|cluster| cluster.sweep())).await;
            }
            _ = certificates.tick() => {
                let runtime = process.current();
                survive(move || runtime.poll_certificates()).await;
            }
        }
    }
}

/// Does a part of the housekeeping off the runtime's threads. The next turn comes, whatever becomes of it.
async fn survive(part: impl FnOnce() + Send + 'static) {
    if let Err(error) = tokio::task::spawn_blocking(part).await {
        tracing::error!("a part of the housekeeping failed and is tried again: {error}");
    }
}

#[cfg(test)]
mod tests;
