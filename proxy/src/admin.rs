//! The operator's listener: probes, metrics, and what the process understood of its documents.
//!
//! Apart from the data path's listeners, so that nothing shadows a route, and so that a probe is answered
//! when they are full.

mod certificates;
mod clusters;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chassis::accept::Acceptor;
use chassis::health::Health;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};

use crate::plan::describe::describe;
use crate::runtime::{Process, Runtime};
use crate::tls::material::now;

/// Connections at a time.
pub(crate) const CONNECTIONS: usize = 64;
/// To a complete request head.
const HEADER_READ: Duration = Duration::from_secs(10);
/// A connection serves no longer than this: nobody needs one for ever.
const WHOLE: Duration = Duration::from_secs(300);

/// Serves until it is dropped.
pub(crate) async fn serve(acceptor: Acceptor, process: Arc<Process>, health: Health) {
    loop {
        let (stream, _, permit) = acceptor.accept().await;
        let (process, health) = (process.clone(), health.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = answer(&request, &process, &health);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEADER_READ);
            let serving = http.serve_connection(TokioIo::new(stream), service);
            // an operator's connection that breaks is the operator's to notice
            let _ = tokio::time::timeout(WHOLE, serving).await;
            drop(permit);
        });
    }
}

fn answer<B>(request: &Request<B>, process: &Process, health: &Health) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    }
    if let Some((status, body)) = health.answer(path) {
        return text(status, body);
    }
    match path {
        "/metrics" => metrics(process),
        "/config" => json(&config(&process.current())),
        "/clusters" => match request.uri().query() {
            Some("format=json") => json(&clusters::json(&process.current())),
            _ => whole(StatusCode::OK, TEXT, clusters::text(&process.current())),
        },
        "/certs" => json(&certificates::json(&process.current(), now())),
        "/" => text(
            StatusCode::OK,
            "/health/live /health/ready /health/startup /metrics /config /clusters /certs\n",
        ),
        _ => text(StatusCode::NOT_FOUND, "not found; / lists what is here\n"),
    }
}

fn metrics(process: &Process) -> Response<Full<Bytes>> {
    let metrics = &process.telemetry.metrics;
    process.current().measure(metrics);
    whole(StatusCode::OK, chassis::metrics::CONTENT_TYPE, metrics.text())
}

/// What is in use: which files, which plan. Secrets are in neither.
fn config(runtime: &Runtime) -> Value {
    let plan = &runtime.plan;
    let sources = plan
        .sources
        .iter()
        .map(|source| json!({"path": source.path, "sha256": source.sha256}));
    json!({
        "generation": runtime.generation,
        "files": sources.collect::<Vec<_>>(),
        "warnings": plan.warnings,
        "plan": describe(plan).lines().collect::<Vec<_>>(),
    })
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    whole(status, TEXT, body)
}

fn json(value: &Value) -> Response<Full<Bytes>> {
    whole(StatusCode::OK, "application/json", value.to_string())
}

fn whole(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

const TEXT: &str = "text/plain; charset=utf-8";
