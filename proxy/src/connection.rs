//! One accepted connection: the TLS handshake if its listener has TLS, then HTTP/1.1 or HTTP/2 by
//! hyper, within bounds. Each request goes to [`crate::request::handle`].

mod framing;
mod patience;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::body::Body;
use crate::codec::{HEADER_BYTES, Reset};
use crate::downstream::{Downstream, Tls};
use crate::drain::Drain;
use crate::listener::Place;
use crate::request;
use crate::runtime::Process;
use crate::telemetry::flags::Flags;
use crate::tls::{H2, HANDSHAKE_DEADLINE, HTTP_1_1, identity};
pub(crate) use patience::Busy;
use patience::{HEAD, Pace, Patient};

/// What hyper reads at most of a request's head; [`crate::codec`] refuses in Envoy's words what is above
/// its smaller bound.
const READ_HEADERS: usize = 200;
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
            true => serve_tls(stream, connection, &drain).await,
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
            serve_http(stream, connection, codec, drain).await;
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
    let remote = connection.downstream.remote;
    let process = connection.process.clone();
    let connection = Arc::new(connection);
    let pace = Pace::new(codec == Codec::Http2);
    let stream = Patient::new(stream, pace.clone(), HEAD);
    let asked = pace.clone();
    let service = service_fn(move |request| answer(connection.clone(), asked.clone(), request));
    let builder = builder(codec);
    let serving = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .into_owned();
    let mut serving = std::pin::pin!(serving);
    let Some(_alive) = drain.alive() else {
        return; // accepted in the very moment of the end
    };
    let mut ends = std::pin::pin!(async {
        tokio::select! {
            () = drain.begun() => return,
            () = tokio::time::sleep(age()) => pace.grow_old(),
        }
        // an HTTP/1 connection that is in use ends with its next answer: closing it between two would
        // cross with a request
        if pace.is_used() && !pace.is_http2() {
            drain.begun().await;
        }
    });
    let ended = tokio::select! {
        biased;
        ended = serving.as_mut() => ended,
        () = ends.as_mut() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%remote, "connection ended: {error}");
        if let Some(status) = refused_by_codec(&*error) {
            let flags = Flags {
                reason: "DPE",
                ..Flags::NONE
            };
            let metrics = &process.telemetry.metrics;
            metrics.no_route.answered(status, flags, Duration::ZERO);
            metrics.refused("malformed HTTP");
        }
    }
}

/// Answers one request, and keeps the connection's books.
async fn answer(
    connection: Arc<Connection>,
    pace: Arc<Pace>,
    mut request: Request<hyper::body::Incoming>,
) -> Result<Response<Body>, Reset> {
    let (busy, refused) = pace.begin();
    if let Some(refused) = refused {
        request.extensions_mut().insert(refused);
    }
    let http1 = request.version() < Version::HTTP_2;
    let last = http1 && asks_to_close(request.headers());
    let mut response = request::handle(connection, request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        pace.switch();
    } else if last || http1 && pace.is_old() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response.body_mut().keeps_busy(busy);
    Ok(response)
}

/// Whether hyper ended the connection for what the client sent, and with which status: what never became a
/// request is counted all the same. 0 = by HTTP/2's own means.
fn refused_by_codec(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<u16> {
    let error = error.downcast_ref::<hyper::Error>()?;
    let http2 = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    match http2 {
        Some(error) if error.is_library() => Some(0),
        _ if error.is_parse_too_large() => Some(431),
        _ if error.is_parse() => Some(400),
        _ => None,
    }
}

const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// `proxy-connection: close`, which hyper does not know, means what `connection: close` means, as with Envoy.
fn asks_to_close(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(PROXY_CONNECTION).iter();
    let mut options = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// [`AGE`] and a part that differs.
fn age() -> Duration {
    AGE + AGE.mul_f64(0.1 * (chassis::trace::random() % 1000) as f64 / 1000.0)
}

fn builder(codec: Codec) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_headers(READ_HEADERS).max_buf_size(READ_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(READ_BYTES).unwrap_or(u32::MAX));
    match codec {
        Codec::Http1 => builder.http1_only(),
        Codec::Http2 => builder.http2_only(),
        Codec::Either => builder,
    }
}
