//! Prometheus counters, with a handle per route and per upstream resolved when the plan is built: a
//! look-up by labels on each request would cost more than routing it.

mod labels;
mod outcomes;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::flags::Flags;
use crate::plan::Plan;
use crate::plan::listener::{ListenerKind, VirtualHosts};
use crate::plan::route::{Action, Route};
pub(crate) use labels::{CertificateLabels, SourceLabels, UpstreamLabels};
use labels::{ReasonLabels, RouteLabels};
use outcomes::Outcomes;

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Everything that is counted. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: chassis::metrics::Metrics,
    by_route: ByRoute,
    by_upstream: ByUpstream,
    refusals: Family<ReasonLabels, Counter>,
    known_refusals: Arc<RwLock<Vec<(&'static str, Counter)>>>,
    /// Requests that are being answered.
    pub(crate) active: Gauge,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Handshakes with clients that succeeded ...
    pub(crate) handshakes: Counter,
    /// ... and those that failed or took too long.
    pub(crate) failed_handshakes: Counter,
    /// Copies for mirrors that were not sent, for want of room.
    pub(crate) copies_dropped: Counter,
    /// Seconds to the end of each certificate in use.
    pub(crate) certificates: Family<CertificateLabels, Gauge>,
    /// Seconds since each key set was fetched.
    pub(crate) key_ages: Family<SourceLabels, Gauge>,
    /// What each upstream is like at the moment somebody asks.
    pub(crate) upstreams: Measured,
    /// Which plan is in use.
    pub(crate) generation: Gauge,
    /// For requests that no route took.
    pub(crate) no_route: Arc<RouteMetrics>,
}

/// Set when somebody asks, so that a request pays nothing for them.
#[derive(Clone, Default)]
pub(crate) struct Measured {
    pub(crate) active: Family<UpstreamLabels, Gauge>,
    pub(crate) endpoints: Family<UpstreamLabels, Gauge>,
    pub(crate) ejected: Family<UpstreamLabels, Gauge>,
    pub(crate) ejections: Family<UpstreamLabels, Counter>,
}

impl Measured {
    /// Forgets everything: what a reload took away is not told any more.
    pub(crate) fn clear(&self) {
        for gauges in [&self.active, &self.endpoints, &self.ejected] {
            gauges.clear();
        }
        self.ejections.clear();
    }
}

#[derive(Clone)]
struct ByRoute {
    requests: outcomes::All<RouteLabels>,
    latency: Histograms<RouteLabels>,
    active: Family<RouteLabels, Gauge>,
}

#[derive(Clone)]
struct ByUpstream {
    requests: outcomes::All<UpstreamLabels>,
    latency: Histograms<UpstreamLabels>,
    retries: Family<UpstreamLabels, Counter>,
    connections: Family<UpstreamLabels, Counter>,
    failed_connections: Family<UpstreamLabels, Counter>,
}

/// The handles of one route.
pub(crate) struct RouteMetrics {
    pub(crate) active: Gauge,
    requests: Outcomes<RouteLabels>,
    latency: Histogram,
}

/// The handles of one upstream.
pub(crate) struct UpstreamMetrics {
    pub(crate) requests: Outcomes<UpstreamLabels>,
    latency: Histogram,
    retries: Counter,
    connections: Counter,
    failed_connections: Counter,
}

impl Metrics {
    /// Nothing counted yet.
    pub(crate) fn new() -> Metrics {
        let by_route = ByRoute {
            requests: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            active: Family::default(),
        };
        let metrics = Metrics {
            registry: chassis::metrics::Metrics::new("proxy"),
            no_route: Arc::new(by_route.handles(NO_ROUTE)),
            by_route,
            by_upstream: ByUpstream {
                requests: Family::default(),
                latency: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
                retries: Family::default(),
                connections: Family::default(),
                failed_connections: Family::default(),
            },
            refusals: Family::default(),
            known_refusals: Arc::default(),
            active: Gauge::default(),
            connections: Gauge::default(),
            handshakes: Counter::default(),
            failed_handshakes: Counter::default(),
            copies_dropped: Counter::default(),
            certificates: Family::default(),
            key_ages: Family::default(),
            upstreams: Measured::default(),
            generation: Gauge::default(),
        };
        metrics.registry.register(|registry| metrics.register(registry));
        metrics
    }

    #[rustfmt::skip] // a table
    fn register(&self, to: &mut Registry) {
        let (route, upstream, now) = (&self.by_route, &self.by_upstream, &self.upstreams);
        to.register("requests", "Answered, by route, status and response flags", route.requests.clone());
        to.register("request_seconds", "From head to the answer's end, by route; a WebSocket's ends with its handshake", route.latency.clone());
        to.register("route_active_requests", "Requests being answered, by route", route.active.clone());
        to.register("upstream_requests", "Answered after they were sent on, by upstream, status and response flags", upstream.requests.clone());
        to.register("upstream_request_seconds", "From sending to the answer's head, all attempts, by upstream", upstream.latency.clone());
        to.register("upstream_retries", "Attempts after the first, by upstream", upstream.retries.clone());
        to.register("upstream_connections", "Made, TLS handshake included, by upstream", upstream.connections.clone());
        to.register("upstream_failed_connections", "Not made: TCP, the TLS handshake or the time, by upstream", upstream.failed_connections.clone());
        to.register("upstream_active_requests", "Requests being worked on, by upstream", now.active.clone());
        to.register("upstream_endpoints", "Known, by upstream", now.endpoints.clone());
        to.register("ejected_endpoints", "Left out after errors, by upstream", now.ejected.clone());
        to.register("ejections", "How often endpoints were left out, by upstream", now.ejections.clone());
        to.register("refusals", "Answered by the proxy itself, by reason", self.refusals.clone());
        to.register("mirror_copies_dropped", "Copies of requests that were not sent: too many, or too large", self.copies_dropped.clone());
        to.register("active_requests", "Requests being answered", self.active.clone());
        to.register("connections", "Connections from clients", self.connections.clone());
        to.register("handshakes", "TLS handshakes with clients that succeeded", self.handshakes.clone());
        to.register("failed_handshakes", "TLS handshakes with clients that failed", self.failed_handshakes.clone());
        to.register("certificate_expiry_seconds", "Left of each certificate and CA in use", self.certificates.clone());
        to.register("jwks_age_seconds", "Since a key set was fetched, by its address", self.key_ages.clone());
        to.register("plan_generation", "Which plan is in use, counted by reloads", self.generation.clone());
    }

    /// Everything in the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        self.registry.text()
    }

    /// The proxy answers itself; reasons are a handful of its own words.
    pub(crate) fn refused(&self, reason: &'static str) {
        {
            let known = self.known_refusals.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, counter)) = known.iter().find(|one| one.0 == reason) {
                counter.inc();
                return;
            }
        }
        let counter = self.refusals.get_or_create(&ReasonLabels { reason }).clone();
        counter.inc();
        let mut known = self
            .known_refusals
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.push((reason, counter));
    }

    /// The handles of all routes of a plan, by the address of what they do.
    pub(crate) fn routes(&self, plan: &Plan) -> HashMap<usize, Arc<RouteMetrics>> {
        let mut by_name: HashMap<String, Arc<RouteMetrics>> = HashMap::new();
        let mut all = HashMap::new();
        for route in plan.listeners.iter().flat_map(|listener| match &listener.kind {
            ListenerKind::Plain(hosts) => routes(hosts),
            ListenerKind::Tls(servers) => servers.iter().flat_map(|server| routes(&server.hosts)).collect(),
        }) {
            let document = &route.document;
            let name = format!("{}/{} {}", document.namespace, document.name, route.name);
            let handles = by_name
                .entry(name)
                .or_insert_with_key(|name| Arc::new(self.by_route.handles(name)));
            all.insert(key(&route.action), handles.clone());
        }
        all
    }

    /// The handles of an upstream.
    pub(crate) fn upstream(&self, name: &str) -> Arc<UpstreamMetrics> {
        let labels = UpstreamLabels {
            upstream: name.to_owned(),
        };
        let by = &self.by_upstream;
        Arc::new(UpstreamMetrics {
            requests: Outcomes::new(&labels, &by.requests),
            latency: by.latency.get_or_create(&labels).clone(),
            retries: by.retries.get_or_create(&labels).clone(),
            connections: by.connections.get_or_create(&labels).clone(),
            failed_connections: by.failed_connections.get_or_create(&labels).clone(),
        })
    }
}

/// What a route's handles are found by.
pub(crate) fn key(action: &Arc<Action>) -> usize {
    Arc::as_ptr(action) as usize
}

impl ByRoute {
    fn handles(&self, name: &str) -> RouteMetrics {
        let labels = RouteLabels {
            route: name.to_owned(),
        };
        RouteMetrics {
            active: self.active.get_or_create(&labels).clone(),
            requests: Outcomes::new(&labels, &self.requests),
            latency: self.latency.get_or_create(&labels).clone(),
        }
    }
}

impl RouteMetrics {
    /// Counts one.
    pub(crate) fn answered(&self, code: u16, flags: Flags, took: Duration) {
        self.latency.observe(took.as_secs_f64());
        self.requests.count(code, flags);
    }
}

impl UpstreamMetrics {
    /// Counts one that was sent, and how long it took to an answer's head.
    pub(crate) fn sent(&self, attempts: u32, took: Duration) {
        self.latency.observe(took.as_secs_f64());
        if attempts > 1 {
            self.retries.inc_by(u64::from(attempts) - 1);
        }
    }

    /// Counts a connection that was made, or was not.
    pub(crate) fn connected(&self, made: bool) {
        match made {
            true => self.connections.inc(),
            false => self.failed_connections.inc(),
        };
    }
}

fn routes(hosts: &VirtualHosts) -> Vec<&Route> {
    let named = hosts
        .exact
        .values()
        .chain(hosts.suffixes.iter().map(|(_, host)| host));
    named.chain(&hosts.any).flat_map(|host| &host.routes).collect()
}

const NO_ROUTE: &str = "none";
/// Upper bounds in seconds.
const BOUNDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];
