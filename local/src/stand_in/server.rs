//! What every stand-in does the same way: binds, answers the probes, records its requests.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use chassis::accept::{self, Acceptor, Limits, Peer};
use chassis::access::{AccessLog, Record};
use chassis::health::Health;
use chassis::shutdown::Shutdown;
use chassis::trace::{TRACEPARENT, TraceContext};
use hyper::body::{Frame, SizeHint};

/// A stand-in with its port bound.
pub(crate) struct Server {
    acceptor: Acceptor,
    router: Router,
}

impl Server {
    /// Binds and puts records around every route.
    pub(crate) fn bind(
        listen: SocketAddr,
        service: &'static str,
        log: AccessLog,
        router: Router,
    ) -> Result<Server> {
        let limits = Limits::default();
        Ok(Server {
            acceptor: Acceptor::bind(listen, limits.connections)?,
            router: router.layer(middleware::from_fn_with_state(Arc::new((service, log)), record)),
        })
    }

    /// A listener for probes and nothing else.
    pub(crate) fn for_health(listen: SocketAddr) -> Result<Server> {
        Server::bind(listen, "health", AccessLog::off(), Router::new().merge(health()))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.acceptor.address()?)
    }

    /// Serves until the shutdown, then drains.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        accept::serve(self.acceptor, self.router, Limits::default(), shutdown).await;
    }
}

/// `/health/{live,ready,startup}` of something that is ready as soon as it listens.
pub(crate) fn health() -> Router {
    let health = Health::starting();
    health.started();
    let answer = move |uri: Uri| async move { health.answer(uri.path()).into_response_or_404() };
    Router::new().route("/health/{probe}", axum::routing::get(answer))
}

trait Probe {
    fn into_response_or_404(self) -> Response;
}

impl Probe for Option<(axum::http::StatusCode, &'static str)> {
    fn into_response_or_404(self) -> Response {
        self.map_or_else(
            || axum::http::StatusCode::NOT_FOUND.into_response(),
            IntoResponse::into_response,
        )
    }
}

/// Passes trace context on and writes one record when the answer's body has ended.
async fn record(
    State(log): State<Arc<(&'static str, AccessLog)>>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let trace = TraceContext::of(request.headers());
    request.headers_mut().insert(TRACEPARENT, trace.header());
    let (service, log) = &*log;
    let mut record = Record {
        service: (*service).to_owned(),
        trace: trace.trace_id(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        client: request
            .extensions()
            .get::<Peer>()
            .map(|peer| peer.0.ip().to_string()),
        ..Record::default()
    };
    let response = next.run(request).await;
    if record.path.starts_with("/health/") && *service != "front-door" {
        return response;
    }
    record.status = response.status().as_u16();
    if let Some(Verdict { refused_by, detail }) = response.extensions().get() {
        record.refused_by.clone_from(refused_by);
        record.detail = Some(detail.clone());
    }
    let log = log.clone();
    response.map(|body| {
        Body::new(Recorded {
            body,
            record,
            log,
            began,
        })
    })
}

/// Why a request was not simply answered; an extension of the response, for its record.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// What refused the request; none when something merely failed.
    pub(crate) refused_by: Option<String>,
    /// For a person.
    pub(crate) detail: String,
}

/// A body that writes its record when it is dropped: at its end, or when the client leaves.
struct Recorded {
    body: Body,
    record: Record,
    log: AccessLog,
    began: Instant,
}

impl HttpBody for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.record.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
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

impl Drop for Recorded {
    fn drop(&mut self) {
        self.record.micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.log.write(std::mem::take(&mut self.record));
    }
}
