//! What a plan becomes in a running process: upstreams with their pools, keys, certificates, counters.
//!
//! A [`Runtime`] is swapped whole. What stays equal over a reload keeps its state: an upstream its
//! connections, a key set its keys, a server its certificate.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwap;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use crate::authenticate::{Refusal, TokenCache};
use crate::downstream::Downstream;
use crate::head::Head;
use crate::keys::{Fetcher, KeySet, KeySets};
use crate::listener::Place;
use crate::mirror::Room;
use crate::plan::Plan;
use crate::plan::listener::{Listener, ListenerKind, ServerTls, VirtualHosts};
use crate::plan::route::Route;
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{
    self, CertificateLabels, Metrics, RouteMetrics, SourceLabels, UpstreamLabels,
};
use crate::tls::identity;
use crate::tls::inventory::Held;
use crate::tls::material::{Secrets, now};
use crate::tls::reload::Rotating;
use crate::tls::server::{Terminator, by_name};
use crate::upgrade::Tunnels;
use crate::upstream::Cluster;
use crate::upstream::dns::Names;

/// The process, as every connection sees it.
pub(crate) struct Process {
    current: ArcSwap<Runtime>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) means: Means,
    pub(crate) tunnels: Tunnels,
}

/// What runtimes are built with.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) secrets: Secrets,
    pub(crate) names: Names,
}

/// A plan at work.
pub(crate) struct Runtime {
    /// Counted from 1.
    pub(crate) generation: u64,
    pub(crate) plan: Plan,
    /// By the plan's indices.
    pub(crate) clusters: Vec<Arc<Cluster>>,
    /// For copies of requests.
    pub(crate) room: Room,
    keys: KeySets,
    /// By listener and server.
    servers: Vec<Vec<Server>>,
    metrics: HashMap<usize, Arc<RouteMetrics>>,
}

/// A TLS server with its certificate.
struct Server {
    tls: ServerTls,
    terminator: Arc<Rotating<Terminator>>,
}

impl Process {
    /// With a first runtime.
    pub(crate) fn new(first: Runtime, telemetry: Telemetry, means: Means) -> Process {
        Process {
            current: ArcSwap::from_pointee(first),
            telemetry: Arc::new(telemetry),
            means,
            tunnels: Tunnels::new(),
        }
    }

    /// What is in use now.
    pub(crate) fn current(&self) -> Arc<Runtime> {
        self.current.load_full()
    }

    /// Puts another one to use, and begins with what it does in the background.
    pub(crate) fn swap(&self, next: Runtime) {
        next.start();
        let generation = i64::try_from(next.generation).unwrap_or(i64::MAX);
        self.telemetry.metrics.generation.set(generation);
        self.current.store(Arc::new(next));
    }
}

impl Runtime {
    /// Builds what a plan needs; takes over from `before` what is equal there. Reads certificates, so
    /// any of them may be the reason for an error.
    pub(crate) fn build(
        plan: Plan,
        means: &Means,
        telemetry: &Telemetry,
        before: Option<&Runtime>,
    ) -> anyhow::Result<Runtime> {
        let clusters = plan.upstreams.iter().map(|spec| {
            let known = before.and_then(|before| before.clusters.iter().find(|one| *one.spec == **spec));
            known.cloned().map_or_else(
                || Cluster::new(spec, &means.secrets, &means.names, &telemetry.metrics),
                Ok,
            )
        });
        let clusters = clusters.collect::<anyhow::Result<_>>()?;
        let fetcher = Fetcher::new(&means.names, &means.secrets);
        let mut sets: Vec<Arc<KeySet>> = Vec::new();
        for rule in &plan.jwt_rules {
            let known = before.map_or(&[][..], |before| &before.keys.sets);
            let same = sets
                .iter()
                .chain(known)
                .find(|set| *set.source() == rule.keys)
                .cloned();
            sets.push(same.map_or_else(|| KeySet::new(&rule.keys, &fetcher), Ok)?);
        }
        let tokens = Arc::new(TokenCache::new());
        sets.iter().for_each(|set| set.empties(&tokens));
        let servers = plan
            .listeners
            .iter()
            .map(|listener| servers(listener, &means.secrets, before));
        Ok(Runtime {
            generation: before.map_or(0, |before| before.generation) + 1,
            servers: servers.collect::<anyhow::Result<_>>()?,
            metrics: telemetry.metrics.routes(&plan),
            keys: KeySets { sets, tokens },
            room: Room::new(&telemetry.metrics.copies_dropped),
            clusters,
            plan,
        })
    }

    /// Begins with look-ups and fetches. Inside a tokio runtime.
    pub(crate) fn start(&self) {
        self.clusters.iter().for_each(Cluster::start);
        self.keys.sets.iter().for_each(KeySet::start);
    }

    /// Whether startup may be over: an exchange over an upstream to which we show a certificate brought
    /// an HTTP status, or there is no such upstream.
    pub(crate) fn is_proven(&self) -> bool {
        let mut mutual = self
            .clusters
            .iter()
            .filter(|cluster| cluster.is_mutual())
            .peekable();
        mutual.peek().is_none() || mutual.any(|cluster| cluster.proven.load(Ordering::Relaxed))
    }

    /// Verifies a request's tokens.
    pub(crate) async fn authenticate(&self, head: &mut Head) -> Result<(), Box<Refusal>> {
        self.keys.authenticate(&self.plan.jwt_rules, head).await
    }

    /// The route table for a connection; none when its listener or its server is gone, or would not admit
    /// its peer any more.
    pub(crate) fn hosts(&self, place: &Place, downstream: &Downstream) -> Option<&VirtualHosts> {
        match &self.listener(place)?.1.kind {
            ListenerKind::Plain(hosts) => Some(hosts),
            ListenerKind::Tls(servers) => {
                let tls = downstream.tls.as_ref();
                let sni = tls.and_then(|tls| tls.sni.as_deref());
                let peer = tls.and_then(|tls| tls.peer.as_deref());
                by_name(servers, sni)
                    .and_then(|at| servers.get(at))
                    .filter(|server| identity::admits(&server.tls.client, peer))
                    .map(|server| &*server.hosts)
            }
        }
    }

    /// The certificate for a server name; the outer none = plain, the inner one = nobody has the name.
    pub(crate) fn terminator(&self, place: &Place, sni: Option<&str>) -> Option<Arc<Terminator>> {
        let (at, listener) = self.listener(place)?;
        let ListenerKind::Tls(servers) = &listener.kind else {
            return None;
        };
        let server = by_name(servers, sni)?;
        Some(self.servers.get(at)?.get(server)?.terminator.current())
    }

    /// The counters of a route.
    pub(crate) fn metrics(&self, route: &Route) -> Option<Arc<RouteMetrics>> {
        self.metrics.get(&metrics::key(&route.action)).cloned()
    }

    /// Reads every certificate's files once. Blocks on the file system.
    pub(crate) fn poll_certificates(&self) {
        for server in self.servers.iter().flatten() {
            server.terminator.poll();
        }
        for cluster in &self.clusters {
            if let Some(tls) = &cluster.tls {
                tls.poll();
            }
        }
    }

    /// The certificates in use, by whose they are.
    pub(crate) fn certificates(&self) -> Vec<(String, Arc<Vec<Held>>)> {
        let servers = self.servers.iter().flatten().map(|server| {
            let rotating = &server.terminator;
            (rotating.owner().to_owned(), rotating.held())
        });
        let upstreams = self.clusters.iter().filter_map(|cluster| {
            let rotating = cluster.tls.as_ref()?;
            Some((rotating.owner().to_owned(), rotating.held()))
        });
        servers.chain(upstreams).collect()
    }

    /// Sets what is measured when somebody asks. What a reload took away goes.
    pub(crate) fn measure(&self, metrics: &Metrics) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.key_ages.clear();
        for set in &self.keys.sets {
            if let Some(age) = set.age() {
                let source = set.name().to_owned();
                let gauge = metrics.key_ages.get_or_create(&SourceLabels { source });
                gauge.set(number(age.as_secs()));
            }
        }
        metrics.certificates.clear();
        // of several in one file, a chain or a bundle, the one that ends first
        let mut ends: HashMap<CertificateLabels, i64> = HashMap::new();
        for (owner, held) in self.certificates() {
            for one in held.iter() {
                let labels = CertificateLabels {
                    owner: owner.clone(),
                    kind: one.kind.name(),
                    file: one.file.clone(),
                };
                let end = ends.entry(labels).or_insert(i64::MAX);
                *end = one.certificate.not_after.min(*end);
            }
        }
        for (labels, end) in ends {
            metrics.certificates.get_or_create(&labels).set(end - now());
        }
        metrics.upstreams.clear();
        for cluster in &self.clusters {
            let all = cluster.known_endpoints();
            let labels = UpstreamLabels {
                upstream: cluster.name.to_string(),
            };
            let upstreams = &metrics.upstreams;
            let set = |gauge: &Family<UpstreamLabels, Gauge>, value: u64| {
                gauge.get_or_create(&labels).set(number(value));
            };
            set(&upstreams.active, cluster.limits.active());
            set(&upstreams.endpoints, all.len() as u64);
            if let Some(detector) = &cluster.detector {
                let out = all.iter().filter(|one| one.health.is_ejected()).count();
                set(&upstreams.ejected, out as u64);
                let ejections = upstreams.ejections.get_or_create(&labels);
                ejections.inner().store(detector.ejections(), Ordering::Relaxed);
            }
        }
    }

    fn listener(&self, place: &Place) -> Option<(usize, &Listener)> {
        let mut all = self.plan.listeners.iter().enumerate();
        all.find(|(_, listener)| place.is_of(listener))
    }
}

fn servers(listener: &Listener, secrets: &Secrets, before: Option<&Runtime>) -> anyhow::Result<Vec<Server>> {
    let ListenerKind::Tls(servers) = &listener.kind else {
        return Ok(Vec::new());
    };
    let known = |tls: &ServerTls| {
        let all = before
            .into_iter()
            .flat_map(|before| before.servers.iter().flatten());
        all.into_iter()
            .find(|server| server.tls == *tls)
            .map(|server| server.terminator.clone())
    };
    let made = servers.iter().map(|server| {
        let terminator = match known(&server.tls) {
            Some(terminator) => terminator,
            None => Arc::new(Rotating::of_server(server, secrets)?),
        };
        Ok(Server {
            tls: server.tls.clone(),
            terminator,
        })
    });
    made.collect()
}
