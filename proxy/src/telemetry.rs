//! What is told of a request: one access record and a few counters, both when its answer has ended.
//!
//! Nothing here is on the way of the request but counting: labels are looked up once per plan, a record
//! is built only if somebody reads it, and there are no spans.

pub(crate) mod flags;
pub(crate) mod metrics;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::access::{AccessLog, Record};
use chassis::trace::TraceContext;
use http::{HeaderMap, HeaderName};

use crate::body::download::Cut;
use crate::downstream::Downstream;
use crate::head::Head;
use crate::plan::route::Route;
use crate::reply::Reply;
use crate::upstream::exchange::Exchange;
use crate::upstream::{Cluster, Failure};
use flags::Flags;
use metrics::{Metrics, RouteMetrics, UpstreamMetrics};

/// Where records and counts go.
pub(crate) struct Telemetry {
    /// Who writes: `proxy` or `gateway`.
    pub(crate) service: Arc<str>,
    pub(crate) access: AccessLog,
    pub(crate) metrics: Metrics,
}

impl Telemetry {
    /// Begins with a request.
    pub(crate) fn observe(self: &Arc<Telemetry>, trace: TraceContext) -> Box<Observer> {
        self.metrics.active.inc();
        Box::new(Observer {
            telemetry: self.clone(),
            started: Instant::now(),
            trace,
            record: self.access.is_on().then(Box::default),
            route: None,
            upstream: None,
            switched: None,
            status: 0,
            flags: Flags::NONE,
            bytes: 0,
            over: false,
        })
    }
}

/// Watches one request from its head to the end of its answer.
pub(crate) struct Observer {
    telemetry: Arc<Telemetry>,
    pub(crate) started: Instant,
    pub(crate) trace: TraceContext,
    record: Option<Box<Record>>,
    route: Option<Arc<RouteMetrics>>,
    upstream: Option<Arc<UpstreamMetrics>>,
    /// When both sides agreed to switch protocols: what follows is no request.
    switched: Option<Duration>,
    pub(crate) status: u16,
    flags: Flags,
    pub(crate) bytes: u64,
    over: bool,
}

impl Observer {
    /// What the request asks for, and who asks.
    pub(crate) fn asked(&mut self, head: &Head, downstream: &Downstream) {
        if let Some(record) = &mut self.record {
            record.method = head.method.to_string();
            record.host = head.host().to_owned();
            record.path = head.path().to_owned();
            record.client = Some(head.client.to_string());
            let peer = downstream.tls.as_ref().and_then(|tls| tls.peer.as_ref());
            let name =
                |peer: &Arc<crate::downstream::Peer>| peer.uris.first().unwrap_or(&peer.subject).clone();
            record.peer = peer.map(name);
        }
    }

    /// Whose token it carries.
    pub(crate) fn user(&mut self, head: &Head) {
        if let Some(record) = &mut self.record {
            let principal = head.user.as_ref().and_then(|user| user.principal.as_deref());
            record.user = principal.map(str::to_owned);
        }
    }

    /// The route that takes it.
    pub(crate) fn route(&mut self, route: &Route, metrics: Option<Arc<RouteMetrics>>) {
        if let Some(metrics) = &metrics {
            metrics.active.inc();
        }
        self.route = metrics;
        if let Some(record) = &mut self.record {
            let document = &route.document;
            record.route = Some(format!("{}/{} {}", document.namespace, document.name, route.name));
        }
    }

    /// Where it was sent, how often, and how long that took to an answer's head, or to none.
    pub(crate) fn sent(&mut self, cluster: &Cluster, exchange: &Exchange) {
        let took = exchange.took;
        cluster.metrics.sent(exchange.attempts, took);
        self.upstream = Some(cluster.metrics.clone());
        self.flags.exhausted = exchange.exhausted;
        if let Some(record) = &mut self.record {
            record.upstream = Some(cluster.name.to_string());
            record.endpoint = exchange
                .endpoint
                .as_ref()
                .map(|endpoint| endpoint.text.to_string());
            record.attempts = Some(exchange.attempts);
            record.upstream_micros = Some(micros(took));
        }
    }

    /// The upstream has switched protocols with the client.
    pub(crate) fn switched(&mut self) {
        self.switched = Some(self.started.elapsed());
    }

    /// An injected delay is over.
    pub(crate) fn delayed(&mut self) {
        self.flags.delayed = true;
    }

    /// The answer ends early: the upstream broke off, or the route waits no longer.
    pub(crate) fn broken(&mut self, cut: &Cut) {
        self.flags.reason = match cut {
            Cut::Timeout => Failure::Timeout.flag(),
            Cut::Upstream(failure) => match failure {
                Failure::RemoteReset | Failure::Refused => "UR",
                _ => "UPE",
            },
        };
    }

    /// The client was the first to end what came after the switch.
    pub(crate) fn client_left(&mut self) {
        self.flags.reason = "DC";
    }

    /// The proxy answers itself: what refused the request, and why.
    pub(crate) fn replied(&mut self, reply: &Reply) {
        self.flags.reason = reply.flag;
        if let Some(reason) = reply.reason() {
            self.telemetry.metrics.refused(reason);
        }
        if let Some(record) = &mut self.record {
            record.refused_by.clone_from(&reply.refused_by);
            record.detail = reply.detail.map(str::to_owned);
        }
    }

    /// The answer has ended, or was cut.
    pub(crate) fn ended(&mut self, complete: bool, now: Instant) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let took = now.saturating_duration_since(self.started);
        self.telemetry.metrics.active.dec();
        if !complete && self.flags.reason == "-" {
            self.flags.reason = "DC";
        }
        if let Some(route) = &self.route {
            route.active.dec();
        }
        let route = self.route.as_ref().unwrap_or(&self.telemetry.metrics.no_route);
        route.answered(self.status, self.flags, self.switched.unwrap_or(took));
        if let Some(upstream) = &self.upstream {
            upstream.requests.count(self.status, self.flags);
        }
        if let Some(mut record) = self.record.take() {
            record.service = self.telemetry.service.to_string();
            record.trace = self.trace.trace_id();
            record.status = self.status;
            record.micros = micros(took);
            record.bytes = self.bytes;
            record.flag = self.flags.text();
            self.telemetry.access.write(*record);
        }
    }
}

/// A client that leaves before its answer leaves a record, too.
impl Drop for Observer {
    fn drop(&mut self) {
        if !self.over {
            self.ended(false, Instant::now());
        }
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// The request's trace: W3C's header, else Google's older one (`TRACE/SPAN;o=1`), else a new one.
pub(crate) fn trace_of(headers: &HeaderMap) -> TraceContext {
    let mut trace = TraceContext::of(headers);
    if !headers.contains_key(chassis::trace::TRACEPARENT)
        && let Some(value) = headers.get(CLOUD_TRACE)
        && let Some((id, rest)) = value.to_str().ok().and_then(|text| text.split_once('/'))
        && let (32, Ok(id)) = (id.len(), u128::from_str_radix(id, 16))
        && id != 0
    {
        trace.trace = id;
        trace.sampled = rest.ends_with(";o=1");
    }
    trace
}

const CLOUD_TRACE: HeaderName = HeaderName::from_static("x-cloud-trace-context");
