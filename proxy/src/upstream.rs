//! Sends a request to one of an upstream's endpoints, as often as its route allows, and says what came
//! of it.
//!
//! [`Cluster`] is an upstream at run time: endpoints, pools, certificates, bounds. It outlives a reload
//! if its [`UpstreamSpec`] stays equal.

pub(crate) mod affinity;
pub(crate) mod attempt;
pub(crate) mod balance;
pub(crate) mod connect;
pub(crate) mod deadline;
pub(crate) mod dns;
pub(crate) mod exchange;
pub(crate) mod failure;
pub(crate) mod hash;
pub(crate) mod limits;
pub(crate) mod outlier;
pub(crate) mod pool;
pub(crate) mod retry;
mod tls;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::plan::upstream as spec;
use crate::plan::upstream::{Address, UpstreamSpec};
use crate::telemetry::metrics::{Metrics, UpstreamMetrics};
use crate::tls::client::Originator;
use crate::tls::material::Secrets;
use crate::tls::reload::Rotating;
use balance::Endpoints;
use deadline::Timers;
use dns::Names;
pub(crate) use exchange::{Call, Rules, exchange};
pub(crate) use failure::Failure;
use limits::Limits;
use outlier::{Detector, Health, Outcome};
use pool::{Alarm, Lifetimes, Pool};

/// An upstream at run time.
pub(crate) struct Cluster {
    pub(crate) metrics: Arc<UpstreamMetrics>,
    /// What the documents say.
    pub(crate) spec: Arc<UpstreamSpec>,
    /// `host:port[:subset]`.
    pub(crate) name: Arc<str>,
    /// TLS, if it has it.
    pub(crate) tls: Option<Rotating<Originator>>,
    /// `sni`, where the DestinationRule says it.
    fixed_name: Option<Arc<str>>,
    /// Whether any exchange brought an HTTP status.
    pub(crate) proven: AtomicBool,
    pub(crate) limits: Limits,
    lifetimes: Lifetimes,
    /// All of them.
    known: ArcSwap<Vec<Arc<Endpoint>>>,
    /// Those that get requests.
    endpoints: ArcSwap<Endpoints>,
    pub(crate) detector: Option<Detector>,
    health: Mutex<HealthChange>,
    lookups: Option<Lookups>,
    started: AtomicBool,
    /// Rings when something comes on a connection that nobody uses.
    alarm: Arc<Alarm>,
    timers: Timers,
}

/// When the choice of endpoints last followed a change of health.
#[derive(Default)]
struct HealthChange {
    last: Option<Instant>,
    /// Another will follow by itself.
    pending: bool,
}

/// One address of an upstream.
pub(crate) struct Endpoint {
    /// Where.
    pub(crate) address: Address,
    /// The same as text, for the log.
    pub(crate) text: Arc<str>,
    /// Its share.
    pub(crate) weight: u32,
    /// Its connections.
    pub(crate) pool: Pool,
    pub(crate) health: Health,
    active: AtomicU32,
}

/// Names that are looked up again and again.
struct Lookups {
    names: Names,
    wanted: Vec<(Box<str>, u16, u32)>,
    first_only: bool,
    busy: AtomicBool,
    known: Mutex<(Vec<Vec<SocketAddr>>, Instant)>,
    /// Turns true with the first look-up that ended, well or not.
    done: watch::Sender<bool>,
}

impl Cluster {
    /// An upstream by its specification. Reads its certificates; connects to nothing.
    pub(crate) fn new(
        spec: &Arc<UpstreamSpec>,
        secrets: &Secrets,
        names: &Names,
        metrics: &Metrics,
    ) -> anyhow::Result<Arc<Cluster>> {
        let alarm = Arc::default();
        let (first, lookups): (Vec<Arc<Endpoint>>, _) = match &spec.endpoints {
            spec::Endpoints::Static(all) => {
                let made = all
                    .iter()
                    .map(|one| Endpoint::new(one.address.clone(), one.weight, &alarm));
                (made.collect(), None)
            }
            spec::Endpoints::Dns {
                names: wanted,
                first_only,
            } => (Vec::new(), Some(Lookups::new(names, wanted, *first_only))),
        };
        let cluster = Arc::new(Cluster {
            metrics: metrics.upstream(&spec.name()),
            name: spec.name().into(),
            fixed_name: spec
                .tls
                .as_ref()
                .and_then(|tls| tls.sni.as_deref())
                .map(Arc::from),
            tls: Rotating::of_upstream(spec, secrets)?,
            proven: AtomicBool::new(false),
            limits: Limits::new(&spec.limits),
            lifetimes: Lifetimes {
                // 0 s is for ever
                idle: Some(spec.limits.idle_timeout.unwrap_or(IDLE)).filter(|idle| !idle.is_zero()),
                whole: spec
                    .limits
                    .max_connection_duration
                    .or(spec.tls.as_ref().map(|_| AGE)),
                requests: spec.limits.max_requests_per_connection,
                streams: spec.limits.max_streams.unwrap_or(STREAMS),
                most: KEPT,
            },
            endpoints: ArcSwap::from_pointee(Endpoints::new(first.clone(), &spec.balance)),
            known: ArcSwap::from_pointee(first),
            detector: spec.outlier.as_ref().map(Detector::new),
            health: Mutex::default(),
            lookups,
            started: AtomicBool::new(false),
            alarm,
            timers: Timers::default(),
            spec: spec.clone(),
        });
        Ok(cluster)
    }

    /// Begins with what goes on in the background, unless that was done. Inside a runtime.
    pub(crate) fn start(self: &Arc<Cluster>) {
        if self.started.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(interval) = self.detector.as_ref().map(Detector::interval) {
            let weak = Arc::downgrade(self);
            tokio::spawn(async move {
                // ends with the upstream
                loop {
                    tokio::time::sleep(interval).await;
                    let Some(cluster) = weak.upgrade() else { return };
                    cluster.let_return();
                }
            });
        }
        let (weak, alarm) = (Arc::downgrade(self), self.alarm.clone());
        tokio::spawn(async move {
            // ends with the upstream
            loop {
                alarm.rings().await;
                let Some(cluster) = weak.upgrade() else { return };
                cluster.sweep();
            }
        });
        if self.lookups.is_none() {
            return;
        }
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            // ends with the upstream
            while let Some(cluster) = weak.upgrade() {
                cluster.look_up().await;
                let again = cluster.lookups.as_ref().map(Lookups::again);
                drop(cluster);
                let pause = again.map_or(IDLE, |again| again.saturating_duration_since(Instant::now()));
                tokio::time::sleep(pause.max(Duration::from_millis(100))).await;
            }
        });
    }

    /// The endpoints; waits for the first look-up, at most as long as for a connection.
    pub(crate) async fn endpoints(self: &Arc<Cluster>, now: Instant) -> Arc<Endpoints> {
        if let Some(lookups) = &self.lookups {
            if lookups.again() <= now && !lookups.busy.load(Ordering::Relaxed) {
                let cluster = self.clone();
                tokio::spawn(async move { cluster.look_up().await });
            }
            if !*lookups.done.borrow() {
                let mut done = lookups.done.subscribe();
                let _ = tokio::time::timeout(self.spec.connect_timeout, done.wait_for(|done| *done)).await;
            }
        }
        self.endpoints.load_full()
    }

    /// All endpoints, those that are left out too.
    pub(crate) fn known_endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.known.load_full()
    }

    /// Counts what an attempt told of its endpoint.
    pub(crate) fn observed(self: &Arc<Cluster>, endpoint: &Endpoint, outcome: Outcome) {
        let Some(detector) = &self.detector else { return };
        if detector.saw(endpoint, &self.known.load(), outcome, Instant::now()) {
            tracing::warn!(
                "upstream {}: {} is left out after too many errors in a row",
                self.name,
                endpoint.text
            );
            self.health_changed();
        }
    }

    fn let_return(self: &Arc<Cluster>) {
        let Some(detector) = &self.detector else { return };
        if detector.sweep(&self.known.load(), Instant::now()) {
            tracing::info!(
                "upstream {}: endpoints that were left out get requests again",
                self.name
            );
            self.health_changed();
        }
    }

    /// Chooses among other endpoints from now on; a change that follows another within [`MERGED`] waits
    /// for its end, as in Envoy.
    fn health_changed(self: &Arc<Cluster>) {
        let mut change = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let since = change.last.map_or(MERGED, |last| last.elapsed());
        if change.pending {
            return;
        }
        if since >= MERGED {
            change.last = Some(Instant::now());
            self.choose_among();
            return;
        }
        change.pending = true;
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(MERGED - since).await;
            let Some(cluster) = weak.upgrade() else { return };
            let mut change = cluster.health.lock().unwrap_or_else(PoisonError::into_inner);
            (change.last, change.pending) = (Some(Instant::now()), false);
            cluster.choose_among();
        });
    }

    fn choose_among(&self) {
        let known = self.known.load();
        let healthy = match &self.detector {
            Some(detector) => detector.healthy(&known),
            None => known.to_vec(),
        };
        self.endpoints
            .store(Arc::new(Endpoints::new(healthy, &self.spec.balance)));
    }

    /// Whether we show a certificate.
    pub(crate) fn is_mutual(&self) -> bool {
        self.spec
            .tls
            .as_ref()
            .is_some_and(|tls| tls.certificate.is_some())
    }

    /// Closes connections that nobody used for long.
    pub(crate) fn sweep(&self) {
        for endpoint in self.known.load().iter() {
            endpoint.pool.sweep(self.lifetimes);
        }
    }

    /// Closes a connection that waits for requests, at whichever endpoint. Says whether there was one.
    fn close_idle(&self) -> bool {
        self.known
            .load()
            .iter()
            .any(|endpoint| endpoint.pool.close_idle(None))
    }

    async fn look_up(&self) {
        let Some(lookups) = &self.lookups else { return };
        if lookups.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let known = lookups.lock().0.clone();
        let (found, again, problems) =
            dns::resolve(&lookups.names, &lookups.wanted, lookups.first_only, &known).await;
        for problem in problems {
            tracing::warn!(
                "upstream {}: cannot look up {problem}; what was known stays",
                self.name
            );
        }
        if found != known {
            self.known.store(Arc::new(self.merged(lookups, &found)));
            self.choose_among();
        }
        *lookups.lock() = (found, again);
        lookups.busy.store(false, Ordering::Release);
        lookups.done.send_replace(true);
    }

    /// Endpoints that stay keep their connections.
    fn merged(&self, lookups: &Lookups, found: &[Vec<SocketAddr>]) -> Vec<Arc<Endpoint>> {
        let before = self.known.load();
        let mut all: Vec<Arc<Endpoint>> = Vec::new();
        for (addresses, (_, _, weight)) in found.iter().zip(&lookups.wanted) {
            for address in addresses {
                let address = Address::Ip(*address);
                if all.iter().any(|one| one.address == address) {
                    continue;
                }
                let kept = before
                    .iter()
                    .find(|one| one.address == address && one.weight == *weight);
                all.push(
                    kept.cloned()
                        .unwrap_or_else(|| Endpoint::new(address, *weight, &self.alarm)),
                );
            }
        }
        all
    }
}

/// Nobody is left to hear what comes.
impl Drop for Cluster {
    fn drop(&mut self) {
        self.alarm.ring();
    }
}

impl Endpoint {
    fn new(address: Address, weight: u32, alarm: &Arc<Alarm>) -> Arc<Endpoint> {
        Arc::new(Endpoint {
            text: connect::text(&address).into(),
            address,
            weight: weight.max(1),
            pool: Pool::new(alarm),
            health: Health::default(),
            active: AtomicU32::new(0),
        })
    }

    /// Where, unless it is a unix socket.
    pub(crate) fn socket(&self) -> Option<SocketAddr> {
        match self.address {
            Address::Ip(address) => Some(address),
            Address::Unix(_) => None,
        }
    }

    /// Requests that it is working on.
    pub(crate) fn active(&self) -> u32 {
        self.active.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Lookups {
    fn new(names: &Names, wanted: &[spec::Endpoint<(Box<str>, u16)>], first_only: bool) -> Lookups {
        Lookups {
            names: names.clone(),
            wanted: wanted
                .iter()
                .map(|one| (one.address.0.clone(), one.address.1, one.weight))
                .collect(),
            first_only,
            busy: AtomicBool::new(false),
            known: Mutex::new((Vec::new(), Instant::now())),
            done: watch::channel(false).0,
        }
    }

    fn again(&self) -> Instant {
        self.lock().1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Vec<Vec<SocketAddr>>, Instant)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an idle connection is kept unless the documents say otherwise, as in Envoy.
const IDLE: Duration = Duration::from_secs(3600);
/// How long a TLS connection is used unless the documents say otherwise, so that both sides see each
/// other's new certificates. Shorter than what a gateway of our own gives its clients.
const AGE: Duration = Duration::from_secs(50 * 60);
/// What a server should allow at least (RFC 9113, section 6.5.2).
const STREAMS: u32 = 100;
/// Idle connections of an endpoint. Nobody's load needs so many; a client that makes up names would.
const KEPT: usize = 1024;
/// Envoy's window for merging updates.
const MERGED: Duration = Duration::from_secs(1);
