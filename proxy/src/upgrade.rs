//! WebSocket: once the upstream has switched protocols, bytes are passed both ways and nobody looks at
//! them (RFC 9110, section 7.8).
//!
//! The handshake is a request like any other: policies, routes, retries and timeouts apply to it. The
//! tunnel has bounds of its own, and ends with the connection of either side.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::sync::watch;

use crate::http1::{OnSwitch, Switched};
use crate::telemetry::Observer;
use crate::upstream::attempt::Lease;

/// The tunnels of the process, counted for its end. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tunnels(watch::Sender<usize>);

/// A client that asks for a WebSocket.
pub(crate) struct Wanted {
    client: OnSwitch,
    tunnels: Tunnels,
}

/// Both sides agree; it begins when the answer is on its way.
pub(crate) struct Tunnel {
    client: OnSwitch,
    upstream: Switched,
    lease: Box<Lease>,
    open: Open,
}

/// Counts a tunnel while it lives.
struct Open(watch::Sender<usize>);

impl Tunnels {
    /// None yet.
    pub(crate) fn new() -> Tunnels {
        Tunnels(watch::Sender::new(0))
    }

    /// Waits for the end of all, at most for the grace period.
    pub(crate) async fn finish(&self, grace: Duration) {
        let mut open = self.0.subscribe();
        if tokio::time::timeout(grace, open.wait_for(|open| *open == 0))
            .await
            .is_err()
        {
            tracing::warn!("WebSockets were still open after {grace:?}; they are cut");
        }
    }

    fn open(&self) -> Open {
        self.0.send_modify(|open| *open += 1);
        Open(self.0.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Wanted {
    /// With the client's connection, once it is free.
    pub(crate) fn new(client: OnSwitch, tunnels: &Tunnels) -> Wanted {
        Wanted {
            client,
            tunnels: tunnels.clone(),
        }
    }

    /// The upstream has switched; its connection is the tunnel's alone.
    pub(crate) fn accepted(self, upstream: Switched, lease: Box<Lease>) -> Tunnel {
        Tunnel {
            client: self.client,
            upstream,
            lease,
            open: self.tunnels.open(),
        }
    }
}

impl Tunnel {
    /// Passes bytes until either side has ended. The request is over with it.
    pub(crate) fn start(self, mut observer: Box<Observer>) {
        observer.switched();
        tokio::spawn(async move {
            if let Ok(Ok(client)) = tokio::time::timeout(SWITCH, self.client).await {
                let (received, client_left) = join(split(client), split(self.upstream)).await;
                observer.bytes = received;
                if client_left {
                    observer.client_left();
                }
            }
            observer.ended(true, Instant::now());
            drop((self.lease, self.open)); // until here a request of its upstream, and of the process
        });
    }
}

/// Joins two connections. Says how many bytes the first has received, and whether it ended first.
async fn join<A, B, C, D>(client: (A, B), upstream: (C, D)) -> (u64, bool)
where
    A: AsyncRead + Unpin,
    B: AsyncWrite + Unpin,
    C: AsyncRead + Unpin,
    D: AsyncWrite + Unpin,
{
    let activity = Activity::new();
    let received = AtomicU64::new(0);
    let mut up = pin!(pass(client.0, upstream.1, &activity, None));
    let mut down = pin!(pass(upstream.0, client.1, &activity, Some(&received)));
    // after a clean end the other direction may still say goodbye
    let client_left = tokio::select! {
        ended = &mut up => {
            if ended.is_ok() {
                let _ = tokio::time::timeout(GOODBYE, down).await;
            }
            true
        }
        ended = &mut down => {
            if ended.is_ok() {
                let _ = tokio::time::timeout(GOODBYE, up).await;
            }
            false
        }
        () = activity.idle() => {
            tracing::debug!("a WebSocket was idle for {IDLE:?}");
            false
        }
    };
    (received.load(Ordering::Relaxed), client_left)
}

/// Passes bytes in one direction, and its end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    activity: &Activity,
    count: Option<&AtomicU64>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
        activity.now();
        if let Some(count) = count {
            count.fetch_add(read as u64, Ordering::Relaxed);
        }
    }
}

/// When a byte was passed last, in either direction.
struct Activity {
    began: Instant,
    /// Milliseconds since.
    last: AtomicU64,
}

impl Activity {
    fn new() -> Activity {
        Activity {
            began: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    fn now(&self) {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    /// Resolves when no byte was passed for long.
    async fn idle(&self) {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let left = (last + IDLE).saturating_sub(self.began.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}

/// From the answer to the client's connection being free for the tunnel.
const SWITCH: Duration = Duration::from_secs(15);
/// Without a byte in either direction; as long as connections may be idle.
const IDLE: Duration = Duration::from_secs(3600);
/// From the end of one direction to the end of the other.
const GOODBYE: Duration = Duration::from_secs(10);
/// Of each direction.
const BUFFER: usize = 8 * 1024;
