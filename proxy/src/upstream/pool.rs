//! Connections to one endpoint, kept for the next request: HTTP/1.1 ones by last in, first out, so that
//! the surplus grows old and is closed; HTTP/2 ones are shared.
//!
//! A connection serves another request only if everything agrees that makes two connections different:
//! the [`Key`]. Endpoint and upstream are part of it by where the pool stands.

use std::error::Error as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};

use super::connect::Stream;
use super::failure::Failure;
use super::limits::{Counted, Permit};
use crate::body::Upload;
use crate::http1::client::Wire;

/// What makes two connections to one endpoint different.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The protocol.
    pub(crate) http2: bool,
    /// The server name: SNI, and what the certificate was verified against where the Host counts. In
    /// lower case.
    pub(crate) name: Option<Arc<str>>,
    /// Which of the certificates, counted by their swaps.
    pub(crate) certificates: u64,
}

/// A connection that speaks HTTP/1.1, between two requests.
pub(crate) struct Http1 {
    pub(crate) wire: Wire,
    pub(crate) terms: Terms,
}

/// What is known of a connection that speaks HTTP/1.1.
pub(crate) struct Terms {
    key: Key,
    born: Instant,
    idle_since: Instant,
    pub(crate) served: u32,
    /// One of those of its pool. Goes first, or whoever is told of the permit takes it for one that comes back.
    _counted: Counted,
    /// Its share of the connections that the upstream may have.
    _permit: Permit,
}

/// A connection that speaks HTTP/2, as its many users hold it.
#[derive(Clone)]
pub(crate) struct Http2 {
    pub(crate) sender: http2::SendRequest<Upload>,
    /// Why it ended.
    ended: Arc<OnceLock<Failure>>,
}

/// A share in an HTTP/2 connection.
pub(crate) struct Share {
    pub(crate) connection: Http2,
    /// Whether others used it before.
    pub(crate) used: bool,
    /// Counts one of its streams.
    pub(crate) stream: Counted,
}

type Attempt = Option<Result<Http2, Failure>>;

struct Shared {
    key: Key,
    state: watch::Receiver<Attempt>,
    born: Instant,
    last: Instant,
    served: u32,
    streams: Arc<AtomicU32>,
}

/// Until when a connection is used; none = for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifetimes {
    pub(crate) idle: Option<Duration>,
    pub(crate) whole: Option<Duration>,
    pub(crate) requests: Option<u32>,
    /// Streams of an HTTP/2 connection at a time; beyond them another connection is made.
    pub(crate) streams: u32,
    /// Connections of an endpoint that wait for a request, of each protocol; the one that waits longest goes
    /// first. Where the Host makes the server's name, clients choose how many names there are.
    pub(crate) most: usize,
}

/// The connections of one endpoint.
pub(crate) struct Pool {
    idle: Mutex<Vec<Http1>>,
    /// How many HTTP/1.1 connections there are, idle, in use or being made.
    made: Arc<AtomicU32>,
    /// How many are being made.
    dialing: Arc<AtomicU32>,
    /// Told when one came back.
    back: Notify,
    shared: Mutex<Vec<Shared>>,
    /// Woken when something comes on an idle connection: mostly its end.
    alarm: Waker,
    /// The first connection, if it is being made.
    first: First,
}

/// Which connection is being made, and since when.
type First = Arc<watch::Sender<Option<(Key, Instant)>>>;

/// The first connection is being made, or in use, as long as this is there.
pub(crate) struct Warming(First);

/// Tells an upstream that something comes on a connection that nobody uses.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Notify);

impl Alarm {
    /// Resolves when it does.
    pub(crate) async fn rings(&self) {
        self.0.notified().await;
    }

    /// Rings.
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Alarm>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Alarm>) {
        self.ring();
    }
}

impl Pool {
    /// Without a connection.
    pub(crate) fn new(alarm: &Arc<Alarm>) -> Pool {
        Pool {
            idle: Mutex::default(),
            made: Arc::default(),
            dialing: Arc::default(),
            back: Notify::new(),
            shared: Mutex::default(),
            alarm: Waker::from(alarm.clone()),
            first: Arc::new(watch::channel(None).0),
        }
    }

    /// Lets requests wait for the connection that is made now.
    pub(crate) fn warm(&self, key: &Key, now: Instant) -> Warming {
        self.first.send_replace(Some((key.clone(), now)));
        Warming(self.first.clone())
    }

    /// Waits for the first connection, if one like it is being made: two handshakes at a process' start, each
    /// slowed by the other, take longer than one. Not for long, for it may never come.
    pub(crate) async fn warmed(&self, key: &Key) {
        let Some(since) = self.warming(key) else {
            return;
        };
        let mut first = self.first.subscribe();
        let over = first.wait_for(Option::is_none);
        let _ = tokio::time::timeout_at((since + WARMING).into(), over).await;
    }

    /// Since when the first connection is being made, if it is like this.
    pub(crate) fn warming(&self, key: &Key) -> Option<Instant> {
        let first = self.first.borrow();
        first
            .as_ref()
            .filter(|(made, _)| made == key)
            .map(|(_, since)| *since)
    }

    /// Counts a connection that is to be made.
    pub(crate) fn one(&self) -> Counted {
        Counted::one(&self.made)
    }

    /// The same, if it is the only one.
    pub(crate) fn first(&self) -> Option<Counted> {
        Counted::below(&self.made, Some(1))
    }

    /// Counts a connection as long as it is being made.
    pub(crate) fn dial(&self) -> Counted {
        Counted::one(&self.dialing)
    }

    /// Whether a connection is being made.
    pub(crate) fn is_dialing(&self) -> bool {
        self.dialing.load(Ordering::Relaxed) > 0
    }

    /// Resolves when a connection came back: to one of those who wait for that.
    pub(crate) fn back(&self) -> Notified<'_> {
        self.back.notified()
    }

    /// Says that one did.
    pub(crate) fn came_back(&self) {
        self.back.notify_one();
    }

    /// Closes the connection that waits longest, but for those like this. Says whether there was one.
    pub(crate) fn close_idle(&self, but: Option<&Key>) -> bool {
        let mut idle = lock(&self.idle);
        let longest = idle.iter().position(|one| Some(&one.terms.key) != but);
        let longest = longest.map(|at| idle.remove(at));
        drop(idle);
        longest.map(|longest| longest.wire.close()).is_some()
    }

    /// The connection that was used last, if it is alive.
    pub(crate) fn take(&self, key: &Key, lifetimes: Lifetimes, now: Instant) -> Option<Http1> {
        let mut idle = lock(&self.idle);
        while let Some(at) = idle.iter().rposition(|one| one.terms.key == *key) {
            let mut connection = idle.remove(at);
            if self.is_usable(&mut connection, lifetimes, now) {
                return Some(connection);
            }
            connection.wire.close();
        }
        None
    }

    /// Puts a connection back whose answer was read to its end.
    pub(crate) fn give_back(&self, mut connection: Http1, lifetimes: Lifetimes, now: Instant) {
        connection.terms.idle_since = now;
        // locked first: whoever sweeps because it ends must find it
        let mut idle = lock(&self.idle);
        if !self.is_usable(&mut connection, lifetimes, now) {
            drop(idle);
            return connection.wire.close();
        }
        if idle.len() >= lifetimes.most {
            idle.remove(0).wire.close();
        }
        idle.push(connection);
    }

    /// Closes what has been idle for too long, and what the other side has closed.
    pub(crate) fn sweep(&self, lifetimes: Lifetimes) {
        let now = Instant::now();
        let over = |one: &mut Http1| !self.is_usable(one, lifetimes, now);
        let closed: Vec<_> = lock(&self.idle).extract_if(.., over).collect();
        closed.into_iter().for_each(|one| one.wire.close());
        lock(&self.shared).retain(|shared| shared.is_usable(lifetimes));
    }

    fn is_usable(&self, connection: &mut Http1, lifetimes: Lifetimes, now: Instant) -> bool {
        connection.wire.is_quiet(&self.alarm) && !connection.terms.is_over(lifetimes, now)
    }

    /// The shared connection, perhaps one that another request is just making; if there is none, `make`
    /// is run by a task of its own, so that it goes on when this request is given up.
    pub(crate) async fn share<F>(
        &self,
        key: &Key,
        lifetimes: Lifetimes,
        make: impl FnOnce() -> F,
    ) -> Result<Share, Failure>
    where
        F: Future<Output = Result<Http2, Failure>> + Send + 'static,
    {
        let (mut state, stream, used) = self.shared_state(key, lifetimes, make);
        let made = state.wait_for(Option::is_some).await;
        match made.as_deref() {
            Ok(Some(Ok(connection))) => Ok(Share {
                connection: connection.clone(),
                used,
                stream,
            }),
            Ok(Some(Err(failure))) => Err(*failure),
            Ok(None) | Err(_) => Err(Failure::Connect),
        }
    }

    fn shared_state<F>(
        &self,
        key: &Key,
        lifetimes: Lifetimes,
        make: impl FnOnce() -> F,
    ) -> (watch::Receiver<Attempt>, Counted, bool)
    where
        F: Future<Output = Result<Http2, Failure>> + Send + 'static,
    {
        let mut shared = lock(&self.shared);
        shared.retain(|one| one.is_usable(lifetimes));
        for one in shared.iter_mut().filter(|one| one.key == *key) {
            if let Some(stream) = Counted::below(&one.streams, Some(lifetimes.streams)) {
                one.served += 1;
                one.last = Instant::now();
                return (one.state.clone(), stream, true);
            }
        }
        if shared.len() >= lifetimes.most {
            // one that serves somebody ends with its last request
            let idle = |one: &Shared| one.streams.load(Ordering::Relaxed) == 0;
            let oldest = shared.iter().enumerate().filter(|(_, one)| idle(one));
            if let Some((at, _)) = oldest.min_by_key(|(_, one)| one.last) {
                shared.remove(at);
            }
        }
        let (sender, state) = watch::channel(None);
        let streams = Arc::new(AtomicU32::new(0));
        let stream = Counted::one(&streams);
        let now = Instant::now();
        shared.push(Shared {
            key: key.clone(),
            state: state.clone(),
            born: now,
            last: now,
            served: 1,
            streams,
        });
        let making = make();
        tokio::spawn(async move { sender.send_replace(Some(making.await)) });
        (state, stream, false)
    }

    /// How many HTTP/1.1 connections wait for requests, and how many HTTP/2 ones there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (lock(&self.idle).len(), lock(&self.shared).len())
    }
}

impl Drop for Warming {
    fn drop(&mut self) {
        self.0.send_replace(None);
    }
}

impl Http1 {
    /// A new connection.
    pub(crate) fn new(stream: Stream, key: Key, (permit, counted): (Permit, Counted)) -> Http1 {
        let now = Instant::now();
        Http1 {
            wire: Wire::new(stream),
            terms: Terms {
                key,
                born: now,
                idle_since: now,
                served: 0,
                _counted: counted,
                _permit: permit,
            },
        }
    }
}

impl Terms {
    fn is_over(&self, lifetimes: Lifetimes, now: Instant) -> bool {
        // what ends beyond the clock never does
        let over = |since: Instant, most| since.checked_add(most).is_some_and(|end| now > end);
        lifetimes.idle.is_some_and(|most| over(self.idle_since, most))
            || lifetimes.whole.is_some_and(|most| over(self.born, most))
            || lifetimes.requests.is_some_and(|most| self.served >= most)
    }
}

impl Shared {
    fn is_usable(&self, lifetimes: Lifetimes) -> bool {
        let alive = match &*self.state.borrow() {
            None => self.state.has_changed().is_ok(),
            Some(Ok(connection)) => !connection.sender.is_closed(),
            Some(Err(_)) => false,
        };
        let idle = self.streams.load(Ordering::Relaxed) == 0;
        alive
            && !(idle && lifetimes.idle.is_some_and(|most| self.last.elapsed() > most))
            && lifetimes.whole.is_none_or(|most| self.born.elapsed() <= most)
            && lifetimes.requests.is_none_or(|most| self.served < most)
    }
}

/// Speaks HTTP/2 over a new connection.
pub(crate) async fn http2(stream: Stream) -> Result<Http2, Failure> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES);
    let (sender, connection) = builder
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Failure::of(&error))?;
    let ended = Arc::new(OnceLock::new());
    let told = ended.clone();
    tokio::spawn(async move {
        // whoever waits for an answer hears of the end when this is dropped: the reason must be there first
        let mut connection = std::pin::pin!(connection);
        if let Err(error) = connection.as_mut().await {
            tracing::debug!("an HTTP/2 connection to an upstream ended: {error}");
            let _ = told.set(Failure::of(&error));
        }
    });
    Ok(Http2 { sender, ended })
}

impl Http2 {
    /// Why a request failed: by its stream, else by its connection.
    pub(crate) fn failure(&self, error: &hyper::Error) -> Failure {
        match (
            error.source().is_some_and(|source| source.is::<h2::Error>()),
            self.ended.get(),
        ) {
            (false, Some(ended)) => *ended,
            _ => Failure::of(error),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So long after its begin nobody waits for the first connection any more.
const WARMING: Duration = Duration::from_millis(250);
/// Bytes of an HTTP/2 answer's head.
const HEADER_BYTES: u32 = 256 * 1024;

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::upstream::connect::Socket;
    use crate::upstream::limits::Limits;

    const TWO: Lifetimes = Lifetimes {
        idle: None,
        whole: None,
        requests: None,
        streams: 10,
        most: 2,
    };

    fn named(name: &str, http2: bool) -> Key {
        Key {
            http2,
            name: Some(name.into()),
            certificates: 0,
        }
    }

    /// Both ends of a connection.
    async fn connection(listener: &TcpListener) -> (Stream, TcpStream) {
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (
            Stream::Plain(Socket::Tcp(ours)),
            listener.accept().await.unwrap().0,
        )
    }

    #[tokio::test]
    async fn names_that_clients_think_up_keep_no_more_connections_than_the_bound() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (pool, limits) = (Pool::new(&Arc::default()), Limits::new(&Default::default()));
        let mut theirs = Vec::new();
        for name in ["a", "b", "c"] {
            let (stream, their) = connection(&listener).await;
            let place = (limits.connection().unwrap(), pool.one());
            let made = Http1::new(stream, named(name, false), place);
            pool.give_back(made, TWO, Instant::now());
            theirs.push(their);
        }
        assert_eq!(lock(&pool.idle).len(), 2);
        assert!(
            pool.take(&named("a", false), TWO, Instant::now()).is_none(),
            "it waited longest"
        );
        assert!(pool.take(&named("c", false), TWO, Instant::now()).is_some());

        for name in ["a", "b", "c"] {
            let (stream, their) = connection(&listener).await;
            let share = pool.share(&named(name, true), TWO, || http2(stream)).await;
            drop(share.map_err(|failure| failure.reason()).unwrap());
            theirs.push(their);
        }
        let kept: Vec<_> = lock(&pool.shared)
            .iter()
            .map(|one| one.key.name.clone())
            .collect();
        assert_eq!(kept, [Some("b".into()), Some("c".into())]);
    }
}
