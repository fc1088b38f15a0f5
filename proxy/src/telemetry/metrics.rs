//! Prometheus counters, with a handle per route resolved when the plan is built: a look-up by labels on
//! each request would cost more than routing it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::plan::Plan;
use crate::plan::listener::{ListenerKind, VirtualHosts};
use crate::plan::route::{Action, Route};

/// Everything that is counted. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: chassis::metrics::Metrics,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram, fn() -> Histogram>,
    /// Requests that are being answered.
    pub(crate) active: Gauge,
    /// Attempts after the first.
    pub(crate) retries: Counter,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    /// Handshakes that failed or took too long.
    pub(crate) failed_handshakes: Counter,
    /// Seconds to the end of the certificate in use that ends first.
    pub(crate) certificate_seconds: Gauge,
    /// Seconds since each key set was fetched.
    pub(crate) key_ages: Family<SourceLabels, Gauge>,
    /// Endpoints of each upstream that are left out, and how often that has happened.
    pub(crate) ejected: Family<UpstreamLabels, Gauge>,
    pub(crate) ejections: Family<UpstreamLabels, Gauge>,
    /// Which plan is in use.
    pub(crate) generation: Gauge,
    /// For requests that no route took.
    pub(crate) no_route: Arc<RouteMetrics>,
}

/// Bounded by construction: routes come from documents, codes are statuses, flags a handful.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    code: u16,
    flag: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// A key set by its address.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct SourceLabels {
    pub(crate) source: String,
}

/// An upstream by its name.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct UpstreamLabels {
    pub(crate) upstream: String,
}

/// The handles of one route.
pub(crate) struct RouteMetrics {
    name: String,
    requests: Family<RequestLabels, Counter>,
    latency: Histogram,
    /// The few outcomes that this route has had.
    known: RwLock<Vec<(u16, &'static str, Counter)>>,
}

impl Metrics {
    /// Nothing counted yet.
    pub(crate) fn new() -> Metrics {
        let registry = chassis::metrics::Metrics::new("proxy");
        let requests = Family::<RequestLabels, Counter>::default();
        let latency: Family<RouteLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BOUNDS));
        let no_route = RouteMetrics::new(NO_ROUTE.to_owned(), &requests, &latency);
        let metrics = Metrics {
            no_route: Arc::new(no_route),
            active: Gauge::default(),
            retries: Counter::default(),
            connections: Gauge::default(),
            failed_handshakes: Counter::default(),
            certificate_seconds: Gauge::default(),
            key_ages: Family::default(),
            ejected: Family::default(),
            ejections: Family::default(),
            generation: Gauge::default(),
            registry,
            requests,
            latency,
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let own = self.clone();
        self.registry.register(|registry| {
            let mut add = |name: &str, help: &str, gauge: Gauge| registry.register(name, help, gauge);
            add("active_requests", "Requests being answered", own.active);
            add("connections", "Connections from clients", own.connections);
            add(
                "certificate_expiry_seconds",
                "Left of the certificate that ends first",
                own.certificate_seconds,
            );
            add(
                "plan_generation",
                "Which plan is in use, counted by reloads",
                own.generation,
            );
            registry.register(
                "requests",
                "Answered, by route, status and response flag",
                own.requests,
            );
            registry.register(
                "request_seconds",
                "From head to the answer's end, by route",
                own.latency,
            );
            registry.register(
                "jwks_age_seconds",
                "Since a key set was fetched, by its address",
                own.key_ages,
            );
            registry.register(
                "ejected_endpoints",
                "Left out after errors, by upstream",
                own.ejected,
            );
            registry.register(
                "ejections",
                "How often endpoints were left out, by upstream",
                own.ejections,
            );
            registry.register("retries", "Attempts after the first", own.retries);
            registry.register(
                "failed_handshakes",
                "TLS handshakes that failed",
                own.failed_handshakes,
            );
        });
    }

    /// Everything in the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        self.registry.text()
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
            let handles = by_name.entry(name).or_insert_with_key(|name| {
                Arc::new(RouteMetrics::new(name.clone(), &self.requests, &self.latency))
            });
            all.insert(key(&route.action), handles.clone());
        }
        all
    }
}

/// What a route's handles are found by.
pub(crate) fn key(action: &Arc<Action>) -> usize {
    Arc::as_ptr(action) as usize
}

impl RouteMetrics {
    fn new(
        name: String,
        requests: &Family<RequestLabels, Counter>,
        latency: &Family<RouteLabels, Histogram, fn() -> Histogram>,
    ) -> RouteMetrics {
        let labels = RouteLabels { route: name.clone() };
        RouteMetrics {
            latency: latency.get_or_create(&labels).clone(),
            requests: requests.clone(),
            known: RwLock::default(),
            name,
        }
    }

    /// Counts one.
    pub(crate) fn answered(&self, code: u16, flag: &'static str, took: Duration) {
        self.latency.observe(took.as_secs_f64());
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let same = known.iter().find(|one| one.0 == code && one.1 == flag);
            if let Some((_, _, counter)) = same {
                counter.inc();
                return;
            }
        }
        let labels = RequestLabels {
            route: self.name.clone(),
            code,
            flag: flag.to_owned(),
        };
        let counter = self.requests.get_or_create(&labels).clone();
        counter.inc();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.push((code, flag, counter));
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
