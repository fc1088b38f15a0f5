//! Accepts connections: permits, back-off, deadlines, a drain that ends.
//!
//! `axum::serve` has no limits and no deadlines, and a public listener needs both. [`Acceptor`] is the
//! part that every listener shares, TLS or not; [`serve`] is a whole plain HTTP server on top of it.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::shutdown::Shutdown;

/// What one listener allows. Everything that waits has a deadline, everything that grows a bound.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// From the connection, or the end of its last answer, to a complete request head.
    pub header_read: Duration,
    /// Bytes of one request head. HTTP/1 reads 8 KiB at least.
    pub header_bytes: usize,
    /// Concurrent HTTP/2 streams of one connection.
    pub streams: u32,
    /// How long a drain waits for requests in flight.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            header_read: Duration::from_secs(30),
            header_bytes: 64 * 1024,
            streams: 256,
            grace: crate::shutdown::GRACE,
        }
    }
}

/// The address of the peer that made the connection; every request carries it as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// A listening socket with permits and a policy for errors.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Acceptor {
    /// Binds. Without SO_REUSEPORT: two processes on one port would hide each other.
    ///
    /// # Errors
    /// When the address cannot be bound; the text names it and says what to do.
    pub fn bind(address: SocketAddr, connections: usize) -> anyhow::Result<Acceptor> {
        Ok(Acceptor {
            listener: listen(address).map_err(|error| cannot_bind(address, &error))?,
            permits: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))),
        })
    }

    /// Where it listens; tells the port when 0 was asked for.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection, with the permit that must live as long as it does. Errors of single
    /// connections are passed over; when the process is out of descriptors it waits for some to close
    /// (level-triggered: without a pause it would spin).
    pub async fn accept(&self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let Ok(permit) = self.permits.clone().acquire_owned().await else {
                std::future::pending::<()>().await; // never closed
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    // small answers must not wait for the peer's delayed acknowledgement
                    let _ = stream.set_nodelay(true);
                    return (stream, peer, permit);
                }
                Err(error) if of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!("cannot accept connections for a moment: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// As the standard library does it, but for its queue of 128, which a burst of clients overflows.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?; // a restart must not wait for its predecessor's connections
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn cannot_bind(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "cannot listen on {address}: the port is in use; stop what listens there (`ss -ltnp` names it) or choose another port"
        ),
        io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!(
                "cannot listen on {address}: ports below 1024 need a privilege; choose a higher one"
            )
        }
        _ => anyhow::anyhow!("cannot listen on {address}: {error}"),
    }
}

fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// Serves HTTP/1.1 and HTTP/2 (prior knowledge) until the shutdown is asked for, then drains: no new
/// connections, `Connection: close` and GOAWAY on the old ones, at most `limits.grace` for what is in
/// flight. When it returns, or is dropped, no connection is left.
pub async fn serve<S, B>(acceptor: Acceptor, service: S, limits: Limits, shutdown: Shutdown)
where
    S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let server = Arc::new(builder(limits));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new(); // dropping it cuts what is left
    loop {
        let (stream, peer, permit) = tokio::select! {
            accepted = acceptor.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = shutdown.requested() => break,
        };
        let asked = Arc::new(AtomicBool::new(false));
        let service = service.clone().map_request({
            let asked = asked.clone();
            move |mut request: Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(Peer(peer));
                request
            }
        });
        let connection = server
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .into_owned();
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            let _permit = permit;
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%peer, "connection ended: {error}");
                },
                () = silent(limits.header_read, &asked) => tracing::debug!(%peer, "no request came in time"),
            }
        });
    }
    drop(acceptor); // the port is free for a successor
    if tokio::time::timeout(limits.grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "requests were still in flight after {:?}; they are cut",
            limits.grace
        );
    }
}

/// Resolves when the deadline passes without a request; with one, never. hyper's own deadline for a
/// head begins only when the first bytes have told HTTP/1 from HTTP/2: who sends none would stay.
async fn silent(deadline: Duration, asked: &AtomicBool) {
    tokio::time::sleep(deadline).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

fn builder(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(limits.header_bytes.max(HTTP1_BUFFER)); // hyper panics below
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.header_read)
        .keep_alive_timeout(limits.header_read);
    builder
}

/// Connections that may wait in the kernel; Linux caps it at net.core.somaxconn, 4096 by default.
const BACKLOG: u32 = 4096;

/// hyper's smallest buffer for HTTP/1, in bytes.
const HTTP1_BUFFER: usize = 8192;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn start(limits: Limits) -> (SocketAddr, crate::shutdown::Trigger, tokio::task::JoinHandle<()>) {
        let acceptor = Acceptor::bind("127.0.0.1:0".parse().unwrap(), limits.connections).unwrap();
        let address = acceptor.address().unwrap();
        let (trigger, shutdown) = Shutdown::manual();
        let service = tower::service_fn(|request: Request<Incoming>| async move {
            if request.uri().path() == "/never" {
                std::future::pending::<()>().await;
            }
            let peer = request.extensions().get::<Peer>().unwrap().0;
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(peer.ip().to_string()))))
        });
        (
            address,
            trigger,
            tokio::spawn(serve(acceptor, service, limits, shutdown)),
        )
    }

    #[tokio::test]
    async fn answers_with_the_peer_and_drains_an_idle_connection() {
        let (address, trigger, server) = start(Limits::default()).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = vec![0; 512];
        let read = client.read(&mut answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer[..read]).ends_with("127.0.0.1"));
        trigger.stop();
        server.await.unwrap();
        assert_eq!(
            client.read(&mut answer).await.unwrap(),
            0,
            "the idle connection is closed"
        );
        assert!(TcpStream::connect(address).await.is_err(), "the port is free");
    }

    #[tokio::test]
    async fn a_slow_head_is_cut() {
        let limits = Limits {
            header_read: Duration::from_millis(50),
            ..Limits::default()
        };
        let (address, _trigger, _server) = start(limits).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhos").await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn a_connection_without_a_request_is_cut_and_gives_its_permit_back() {
        let limits = Limits {
            header_read: Duration::from_millis(50),
            connections: 1,
            ..Limits::default()
        };
        let (address, _trigger, _server) = start(limits).await;
        // nothing, what may become HTTP/1 or HTTP/2, and a head that does not end
        for start in [b"".as_slice(), b"P", b"GET / HT"] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(start).await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap_or_default();
            assert!(!answer.starts_with(b"HTTP/1.1 200"));
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_used_stays_and_an_idle_one_ends_after_the_same_deadline() {
        let limits = Limits {
            header_read: Duration::from_millis(200),
            ..Limits::default()
        };
        let (address, _trigger, _server) = start(limits).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let mut answer = vec![0; 512];
        let begin = tokio::time::Instant::now();
        while begin.elapsed() < limits.header_read * 2 {
            client
                .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            assert_ne!(client.read(&mut answer).await.unwrap(), 0);
        }
        assert_eq!(client.read(&mut answer).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_outlives_the_grace_is_cut() {
        let limits = Limits {
            grace: Duration::from_millis(50),
            ..Limits::default()
        };
        let (address, trigger, server) = start(limits).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        // two in a row: the answer to the first tells that the second is being served
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /never HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        assert_ne!(client.read(&mut [0; 512]).await.unwrap(), 0);
        trigger.stop();
        server.await.unwrap();
        let mut rest = Vec::new();
        let cut = tokio::time::timeout(Duration::from_secs(5), client.read_to_end(&mut rest)).await;
        assert!(cut.is_ok(), "the connection outlived the server");
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let first = Acceptor::bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let address = first.address().unwrap();
        let error = Acceptor::bind(address, 1).unwrap_err().to_string();
        assert!(
            error.contains(&address.to_string()) && error.contains("in use"),
            "{error}"
        );
    }
}
