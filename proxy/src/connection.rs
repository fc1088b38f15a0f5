//! One accepted connection: the TLS handshake if its listener has TLS, then HTTP/1.1 by [`crate::http1`] or
//! HTTP/2 by hyper, within bounds. Each request goes to [`crate::request::handle`].

mod patience;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http::{Response, StatusCode};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::body::Body;
use crate::codec::{self, HEADER_BYTES, Reset};
use crate::downstream::{Downstream, Tls};
use crate::drain::Drain;
use crate::headers::Refused;
use crate::http1::{self, Rewound, server};
use crate::listener::Place;
use crate::reply::{Asked, Reply};
use crate::request::{self, Arrived};
use crate::runtime::Process;
use crate::telemetry::flags::Flags;
use crate::tls::{H2, HANDSHAKE_DEADLINE, HTTP_1_1, identity};
pub(crate) use patience::Busy;
use patience::{HEAD, Pace, Patient};

/// What hyper reads at most of a request's head over HTTP/2; [`crate::codec`] refuses in Envoy's words what is
/// above its smaller bound.
const READ_BYTES: usize = 2 * HEADER_BYTES;
/// Streams at a time, as in Istio's gateways.
const STREAMS: u32 = 1024;
/// A connection is told to end after this, and up to a tenth more, so that a client sees a new certificate
/// and shows its own again, and not all do so at once. Longer than the age that `proxy` gives to its own
/// connections: whoever sends should be the one who closes.
const AGE: Duration = Duration::from_secs(3600);

/// What the requests of a connection share.
pub(crate) struct Connection {
    pub(crate) process: Arc<Process>,
    pub(crate) place: Place,
    pub(crate) downstream: Downstream,
}

/// Serves a connection to its end.
pub(crate) async fn serve(
    stream: TcpStream,
    remote: SocketAddr,
    place: Place,
    process: Arc<Process>,
    drain: Drain,
) {
    let metrics = process.telemetry.metrics.clone();
    metrics.connections.inc();
    if let Ok(local) = stream.local_addr() {
        let connection = Connection {
            process,
            place,
            downstream: Downstream::new(remote, local, place.server_port),
        };
        match place.tls {
            // on the heap, or a plain connection would be as large as one with TLS
            true => Box::pin(serve_tls(stream, connection, &drain)).await,
            false => serve_http(stream, connection, Codec::Either, &drain).await,
        }
    }
    metrics.connections.dec();
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Http1,
    Http2,
    /// HTTP/2 if it begins with the preface.
    Either,
}

async fn serve_tls(stream: TcpStream, mut connection: Connection, drain: &Drain) {
    let handshake = tokio::time::timeout(HANDSHAKE_DEADLINE, shake_hands(stream, &connection));
    let handshake = tokio::select! {
        handshake = handshake => handshake,
        () = drain.begun() => return,
    };
    let remote = connection.downstream.remote;
    match handshake {
        Ok(Ok(Some((stream, uri)))) => {
            connection.process.telemetry.metrics.handshakes.inc();
            let (_, session) = stream.get_ref();
            connection.downstream.tls = Some(facts(session, uri.as_deref()));
            let codec = match session.alpn_protocol() {
                Some(H2) => Codec::Http2,
                Some(HTTP_1_1) => Codec::Http1,
                _ => Codec::Either,
            };
            Box::pin(serve_http(stream, connection, codec, drain)).await;
        }
        Ok(Ok(None)) => {
            connection.process.telemetry.metrics.failed_handshakes.inc();
        }
        Ok(Err(error)) => {
            connection.process.telemetry.metrics.failed_handshakes.inc();
            tracing::debug!(%remote, "TLS handshake failed: {error}");
        }
        Err(_) => {
            connection.process.telemetry.metrics.failed_handshakes.inc();
            tracing::debug!(%remote, "no TLS handshake within {HANDSHAKE_DEADLINE:?}");
        }
    }
}

/// Looks at the ClientHello, chooses the server by its name, and goes on. Nothing for a name that no
/// server has: the connection is reset before any TLS answer.
async fn shake_hands(
    stream: TcpStream,
    connection: &Connection,
) -> std::io::Result<Option<(TlsStream<TcpStream>, Option<String>)>> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let hello = start.client_hello();
    let sni = hello.server_name().map(str::to_ascii_lowercase);
    let runtime = connection.process.current();
    let Some(terminator) = runtime.terminator(&connection.place, sni.as_deref()) else {
        tracing::debug!(remote = %connection.downstream.remote, "no server has the name {sni:?}");
        let _ = start.io.set_zero_linger(); // a reset, as from Envoy
        return Ok(None);
    };
    let config = terminator.config(&hello);
    drop(runtime); // a reload need not wait for a slow client
    let stream = start.into_stream(config).await?;
    Ok(Some((stream, terminator.uri.clone())))
}

fn facts(session: &rustls::ServerConnection, local_uri: Option<&str>) -> Tls {
    let leaf = session.peer_certificates().and_then(|chain| chain.first());
    Tls {
        sni: session.server_name().map(|name| name.to_ascii_lowercase().into()),
        version: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        },
        peer: leaf.map(|leaf| Arc::new(identity::peer(leaf, local_uri))),
    }
}

async fn serve_http<S>(stream: S, connection: Connection, codec: Codec, drain: &Drain)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(_alive) = drain.alive() else {
        return; // accepted in the very moment of the end
    };
    let remote = connection.downstream.remote;
    let pace = Arc::new(Pace::default());
    let mut stream = Patient::new(stream, pace.clone(), HEAD);
    let old = tokio::time::sleep(age()); // from now on, whenever it is looked at
    let mut ends = std::pin::pin!(async {
        tokio::select! {
            () = drain.begun() => return,
            () = old => pace.grow_old(),
        }
        // an HTTP/1 connection that is in use ends with its next answer: closing it between two would
        // cross with a request
        if pace.is_used() && !pace.is_http2() {
            drain.begun().await;
        }
    });
    let mut begun = BytesMut::new();
    let http2 = match codec {
        Codec::Http1 => Ok(false),
        Codec::Http2 => Ok(true),
        Codec::Either => tokio::select! {
            biased;
            http2 = http1::is_http2(&mut stream, &mut begun) => http2,
            () = ends.as_mut() => return,
        },
    };
    let ended: Result<(), Box<dyn std::error::Error + Send + Sync>> = match http2 {
        Ok(false) => {
            let host = Host {
                connection: Arc::new(connection),
                pace: &pace,
                drain,
            };
            server::serve(stream, begun, &host, ends)
                .await
                .map_err(Into::into)
        }
        Ok(true) => {
            pace.speak_http2();
            let stream = Rewound::new(begun.freeze(), stream);
            let serving = Box::pin(serve_http2(stream, connection, pace.clone(), ends));
            serving.await.map_err(Into::into)
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = ended {
        tracing::debug!(%remote, "connection ended: {error}");
    }
}

async fn serve_http2<S>(
    stream: S,
    connection: Connection,
    pace: Arc<Pace>,
    ends: Pin<&mut impl Future<Output = ()>>,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = Arc::new(connection);
    let service =
        service_fn(|request| answer(connection.clone(), pace.clone(), Arrived::over_http2(request)));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(READ_BYTES).unwrap_or(u32::MAX));
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        biased;
        ended = serving.as_mut() => ended,
        () = ends => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = &ended
        && let source = std::error::Error::source(error)
        && source
            .and_then(|source| source.downcast_ref())
            .is_some_and(h2::Error::is_library)
    {
        // by HTTP/2's own means, which have no status
        connection.refused(0);
    }
    ended
}

/// Answers one request, and keeps the connection's books.
async fn answer(
    connection: Arc<Connection>,
    pace: Arc<Pace>,
    arrived: Arrived,
) -> Result<Response<Body>, Reset> {
    let busy = pace.begin();
    let mut response = request::handle(connection, arrived).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        pace.switch();
    }
    response.body_mut().keeps_busy(busy);
    Ok(response)
}

/// Who answers on a connection that speaks HTTP/1.1.
struct Host<'c> {
    connection: Arc<Connection>,
    pace: &'c Arc<Pace>,
    drain: &'c Drain,
}

impl server::Service for Host<'_> {
    async fn answer(&self, arrived: Arrived) -> Response<Body> {
        let answered = answer(self.connection.clone(), self.pace.clone(), arrived).await;
        answered.unwrap_or_else(|Reset { .. }| refusal(Refused::BAD_REQUEST))
    }

    fn refuse(&self, too_large: bool) -> Response<Body> {
        let refused = if too_large {
            codec::TOO_LARGE
        } else {
            Refused::BAD_REQUEST
        };
        self.connection.refused(refused.status.as_u16());
        refusal(refused)
    }

    fn is_ending(&self) -> bool {
        self.pace.is_old() || self.drain.has_begun()
    }
}

impl Connection {
    /// What never became a request is counted all the same.
    fn refused(&self, status: u16) {
        let flags = Flags {
            reason: "DPE",
            ..Flags::NONE
        };
        let metrics = &self.process.telemetry.metrics;
        metrics.no_route.answered(status, flags, Duration::ZERO);
        metrics.refused("malformed HTTP");
    }
}

fn refusal(refused: Refused) -> Response<Body> {
    Reply::unfit(refused).into_response(Asked::NOTHING, |_| {})
}

/// [`AGE`] and a part that differs.
fn age() -> Duration {
    AGE + AGE.mul_f64(0.1 * (chassis::trace::random() % 1000) as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every connection has one of the first on the heap, every request in flight one of the second
    /// (`bench/README.md`): what grows them by more than this is better boxed where it is rare.
    #[test]
    fn an_idle_connection_and_a_request_in_flight_stay_small() {
        let connection = of_five(serve);
        assert!(connection <= 3584, "{connection} bytes for each connection");
        let request = of_two(request::handle);
        assert!(request <= 6656, "{request} bytes for each request in flight");
    }

    /// What the future of such a function takes.
    fn of_two<A, B, F: Future>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    fn of_five<A, B, C, D, E, F: Future>(_: impl Fn(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }
}
