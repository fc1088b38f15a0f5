//! One access record and one metric per request of the API; probes are not worth either.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use chassis::accept::Peer;
use chassis::access::{AccessLog, Record};
use chassis::metrics::Metrics;
use chassis::trace::TraceContext;

/// Where observations go.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    service: Arc<str>,
    access_log: AccessLog,
    metrics: Metrics,
}

impl Observer {
    pub(crate) fn new(service: String, access_log: AccessLog) -> Observer {
        Observer {
            service: service.into(),
            access_log,
            metrics: Metrics::new("backend"),
        }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

pub(crate) async fn observe(
    State(observer): State<Observer>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let begin = Instant::now();
    let record = observer.access_log.is_on().then(|| record(&observer, &request));
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), begin.elapsed());
    observer
        .metrics
        .answered(path.as_ref().map_or("none", MatchedPath::as_str), status, took);
    if let Some(record) = record {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        observer.access_log.write(Record {
            status,
            micros,
            ..record
        });
    }
    response
}

fn record(observer: &Observer, request: &Request) -> Record {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    Record {
        service: observer.service.to_string(),
        trace: TraceContext::of(request.headers()).trace_id(),
        method: request.method().to_string(),
        host: host.unwrap_or_default().to_owned(),
        path: request.uri().path().to_owned(),
        client: request
            .extensions()
            .get::<Peer>()
            .map(|peer| peer.0.ip().to_string()),
        ..Record::default()
    }
}
