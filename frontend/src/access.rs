//! One access record and one count per request, written when the answer's last byte has left. Probes are
//! counted and not recorded: they say nothing about a user, every second.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::Response;
use chassis::access::{AccessLog, Record};
use chassis::metrics::Metrics;
use http_body::{Frame, SizeHint};

use crate::App;
use crate::arrival::Arrival;

/// What a handler adds to its answer's record, as an extension of the response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    /// The verified user, `issuer/subject`.
    pub(crate) user: Option<String>,
    /// Why it failed, for a person; never a token, never a query.
    pub(crate) detail: Option<String>,
}

/// The outermost layer: it stamps the arrival and watches the answer leave.
pub(crate) async fn record(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let arrival = Arrival::of(request.headers(), request.extensions(), &app.config);
    let mut line = Line::new(&app, &arrival, &request);
    request.extensions_mut().insert(arrival);
    let mut response = next.run(request).await;
    let note = response.extensions_mut().remove::<Note>().unwrap_or_default();
    line.record.status = response.status().as_u16();
    if let Some(detail) = &note.detail {
        tracing::warn!(status = line.record.status, trace = line.record.trace, "{detail}");
    }
    line.record.user = note.user;
    line.record.detail = note.detail;
    response.map(|body| Body::new(Watched { body, line }))
}

/// A record in the making. Written when dropped, so a client that leaves is recorded too (status 0).
struct Line {
    record: Record,
    arrival: Arrival,
    log: AccessLog,
    metrics: Metrics,
    probe: bool,
}

impl Line {
    fn new(app: &App, arrival: &Arrival, request: &Request) -> Line {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
        let route = request.extensions().get::<MatchedPath>();
        let path = request.uri().path();
        let record = Record {
            service: app.config.service.clone(),
            trace: arrival.trace.trace_id(),
            method: request.method().to_string(),
            host: host.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            client: Some(arrival.client.to_string()),
            route: route.map(|route| route.as_str().to_owned()),
            ..Record::default()
        };
        Line {
            record,
            arrival: *arrival,
            log: app.config.access_log.clone(),
            metrics: app.metrics.clone(),
            probe: path.starts_with("/health/") && request.method() == Method::GET,
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let took = self.arrival.at.elapsed();
        let mut record = std::mem::take(&mut self.record);
        if record.status != 0 {
            let route = record.route.as_deref().unwrap_or("none");
            self.metrics.answered(route, record.status, took);
        }
        record.micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if !self.probe {
            self.log.write(record);
        }
    }
}

/// The answer's body, counted.
struct Watched {
    body: Body,
    line: Line,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.line.record.bytes += data.len() as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
