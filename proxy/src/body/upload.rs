//! A request's body on its way to the upstream, perhaps several times.
//!
//! While attempts may still be repeated the frames are kept, up to [`REPLAY`]; beyond that they are
//! streamed through and the request is tried no more (as Envoy does). While a connection is being made
//! the client's body is already read, so that its end starts the route's timeout.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

/// How much of a request's body is kept for another attempt: 1 MiB, exactly that much included.
pub(crate) const REPLAY: usize = 1024 * 1024;

/// How long a client may send nothing in the middle of a body. gRPC streams may: there a pause is
/// part of the conversation.
pub(crate) const IDLE: Duration = Duration::from_secs(60);

/// A request's body as the client sends it.
#[derive(Clone)]
pub(crate) struct Incoming(Option<Arc<Shared>>);

/// A body that was received whole, for requests of their own.
pub(crate) struct Copied(std::collections::VecDeque<Bytes>);

/// The body of one attempt.
pub(crate) struct Upload {
    shared: Option<Arc<Shared>>,
    attempt: u32,
}

/// Why an upload ended early.
#[derive(Debug)]
pub(crate) struct Aborted;

struct Shared {
    state: Mutex<State>,
    complete: AtomicBool,
    completed: Notify,
}

struct State {
    source: Option<hyper::body::Incoming>,
    /// Frames that were read: all of them while `replayable`, else those not sent yet.
    kept: std::collections::VecDeque<Bytes>,
    kept_bytes: usize,
    /// How many of the kept frames the current attempt has sent.
    sent: usize,
    /// Whether another attempt may follow.
    replayable: bool,
    attempt: u32,
    failed: bool,
    /// How long it may pause, and the pause that it makes.
    idle: Option<Duration>,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
    stalled: bool,
}

impl Incoming {
    /// A request's body. `replayable` says that its route may try more than once.
    /// `idle` is how long the client may pause.
    pub(crate) fn new(source: hyper::body::Incoming, replayable: bool, idle: Option<Duration>) -> Incoming {
        if source.is_end_stream() {
            return Incoming::empty();
        }
        Incoming(Some(Arc::new(Shared {
            state: Mutex::new(State {
                source: Some(source),
                kept: std::collections::VecDeque::new(),
                kept_bytes: 0,
                sent: 0,
                replayable,
                attempt: 0,
                failed: false,
                idle,
                pause: None,
                stalled: false,
            }),
            complete: AtomicBool::new(false),
            completed: Notify::new(),
        })))
    }

    /// No body.
    pub(crate) fn empty() -> Incoming {
        Incoming(None)
    }

    /// All of it, unless it is not complete or was too large to be kept.
    pub(crate) fn copied(&self) -> Option<Copied> {
        let Some(shared) = &self.0 else {
            return Some(Copied(std::collections::VecDeque::new()));
        };
        let whole = self.is_complete() && self.is_replayable();
        whole.then(|| Copied(shared.lock().kept.clone()))
    }

    /// The body for the next attempt; the one before is no longer fed.
    pub(crate) fn upload(&self) -> Upload {
        let attempt = self.0.as_ref().map_or(0, |shared| {
            let mut state = shared.lock();
            state.attempt += 1;
            if state.replayable {
                state.sent = 0;
            }
            state.attempt
        });
        Upload {
            shared: self.0.clone(),
            attempt,
        }
    }

    /// Whether all of it is there for another attempt.
    pub(crate) fn is_replayable(&self) -> bool {
        self.0.as_ref().is_none_or(|shared| {
            let state = shared.lock();
            state.replayable && !state.failed
        })
    }

    /// Resolves when the client has sent all of it.
    pub(crate) async fn complete(&self) {
        let Some(shared) = &self.0 else { return };
        let completed = shared.completed.notified();
        if !shared.complete.load(Ordering::Acquire) {
            completed.await;
        }
    }

    /// Reads what the client has sent by now, up to the bound; waits for nothing.
    pub(crate) async fn catch_up(&self) {
        self.while_reading(std::future::ready(())).await;
    }

    /// Whether the client has sent all of it.
    pub(crate) fn is_complete(&self) -> bool {
        let complete = |shared: &Arc<Shared>| shared.complete.load(Ordering::Acquire);
        self.0.as_ref().is_none_or(complete)
    }

    /// Whether the client paused for too long.
    pub(crate) fn is_stalled(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.lock().stalled)
    }

    /// Runs something that takes a while, and reads what the client sends meanwhile, up to the bound.
    pub(crate) async fn while_reading<F: Future>(&self, other: F) -> F::Output {
        let mut other = std::pin::pin!(other);
        std::future::poll_fn(|cx| {
            if let Some(shared) = &self.0 {
                shared.read_ahead(cx);
            }
            other.as_mut().poll(cx)
        })
        .await
    }
}

impl Copied {
    /// Bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// As the body of another request.
    pub(crate) fn incoming(&self) -> Incoming {
        if self.0.is_empty() {
            return Incoming::empty();
        }
        Incoming(Some(Arc::new(Shared {
            state: Mutex::new(State {
                source: None,
                kept: self.0.clone(),
                kept_bytes: self.len(),
                sent: 0,
                replayable: true,
                attempt: 0,
                failed: false,
                idle: None,
                pause: None,
                stalled: false,
            }),
            complete: AtomicBool::new(true),
            completed: Notify::new(),
        })))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_ahead(&self, cx: &mut Context<'_>) {
        let mut state = self.lock();
        while state.kept_bytes < REPLAY {
            match self.read(&mut state, cx) {
                Poll::Ready(Some(Ok(()))) => {}
                _ => return,
            }
        }
    }

    /// Reads one frame from the client into `kept`.
    fn read(&self, state: &mut State, cx: &mut Context<'_>) -> Poll<Option<Result<(), Aborted>>> {
        let Some(source) = &mut state.source else {
            return Poll::Ready(None);
        };
        let polled = match Pin::new(&mut *source).poll_frame(cx) {
            Poll::Ready(frame) => {
                state.pause = None;
                frame
            }
            Poll::Pending => {
                std::task::ready!(state.pausing(cx));
                state.failed = true;
                state.stalled = true;
                state.source = None;
                return Poll::Ready(Some(Err(Aborted)));
            }
        };
        match polled {
            Some(Ok(frame)) => {
                let ended = source.is_end_stream();
                // a request's trailers go no further
                if let Ok(data) = frame.into_data() {
                    state.kept_bytes += data.len();
                    state.kept.push_back(data);
                    if state.kept_bytes > REPLAY && state.replayable {
                        state.stop_keeping();
                    }
                }
                if ended {
                    // whoever sends a body of known length does not ask again
                    self.end(state);
                }
                Poll::Ready(Some(Ok(())))
            }
            Some(Err(_)) => {
                state.failed = true;
                state.source = None;
                Poll::Ready(Some(Err(Aborted)))
            }
            None => {
                self.end(state);
                Poll::Ready(None)
            }
        }
    }

    fn end(&self, state: &mut State) {
        state.source = None;
        self.complete.store(true, Ordering::Release);
        self.completed.notify_waiters();
    }
}

impl State {
    /// Resolves when the client has sent nothing for too long.
    fn pausing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(idle) = self.idle else {
            return Poll::Pending;
        };
        let pause = self
            .pause
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        pause.as_mut().poll(cx)
    }

    /// From now on frames only pass through.
    fn stop_keeping(&mut self) {
        self.replayable = false;
        for frame in self.kept.drain(..self.sent) {
            self.kept_bytes -= frame.len();
        }
        self.sent = 0;
    }

    fn next(&mut self) -> Option<Bytes> {
        if self.replayable {
            let frame = self.kept.get(self.sent).cloned()?;
            self.sent += 1;
            return Some(frame);
        }
        let frame = self.kept.pop_front()?;
        self.kept_bytes -= frame.len();
        Some(frame)
    }

    fn is_sent(&self) -> bool {
        let left = if self.replayable {
            self.kept.len() - self.sent
        } else {
            self.kept.len()
        };
        left == 0 && self.source.is_none()
    }
}

impl Upload {
    /// Whether everything was handed to the connection.
    pub(crate) fn is_done(shared: &Incoming) -> bool {
        shared.0.as_ref().is_none_or(|shared| shared.lock().is_sent())
    }

    /// Whether there is no body at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.shared.is_none()
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let Some(shared) = &self.shared else {
            return Poll::Ready(None);
        };
        let mut state = shared.lock();
        if state.attempt != self.attempt || state.failed {
            return Poll::Ready(Some(Err(Aborted)));
        }
        loop {
            if let Some(data) = state.next() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            match std::task::ready!(shared.read(&mut state, cx)) {
                Some(Ok(())) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.shared.as_ref().is_none_or(|shared| shared.lock().is_sent())
    }

    /// Always unknown: the request's headers say the length, and hyper would add one of its own.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request's body ended early")
    }
}

impl Error for Aborted {}
