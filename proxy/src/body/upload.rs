//! A request's body on its way to the upstream, perhaps several times.
//!
//! While attempts may still be repeated the frames are kept, up to [`REPLAY`]; beyond that they are
//! streamed through and the request is tried no more (as Envoy does). While a connection is being made
//! the client's body is already read, so that its end starts the route's timeout.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Raw;

/// How much of a request's body is kept for another attempt: 1 MiB, exactly that much included.
pub(crate) const REPLAY: usize = 1024 * 1024;

/// As many frames are kept before they become one. Ordinary ones reach [`REPLAY`] long before.
const MERGED: usize = 512;

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
    asked: bool,
}

/// Why an upload ended early.
#[derive(Debug)]
pub(crate) struct Aborted;

struct Shared {
    state: Mutex<State>,
    complete: AtomicBool,
    completed: Notify,
    /// When it was.
    completed_at: OnceLock<Instant>,
}

struct State {
    source: Option<Raw>,
    /// Frames that were read: all of them while `replayable`, else those not sent yet.
    kept: std::collections::VecDeque<Bytes>,
    kept_bytes: usize,
    /// How many of the kept frames the current attempt has sent.
    sent: usize,
    /// How many of the kept frames are as few as their bytes allow.
    merged: usize,
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
    pub(crate) fn new(source: Raw, replayable: bool, idle: Option<Duration>) -> Incoming {
        if source.has_ended() {
            return Incoming::empty();
        }
        Incoming(Some(Arc::new(Shared {
            state: Mutex::new(State {
                source: Some(source),
                kept: std::collections::VecDeque::new(),
                kept_bytes: 0,
                sent: 0,
                merged: 0,
                replayable,
                attempt: 0,
                failed: false,
                idle,
                pause: None,
                stalled: false,
            }),
            complete: AtomicBool::new(false),
            completed: Notify::new(),
            completed_at: OnceLock::new(),
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
            asked: false,
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

    /// When the client had sent all of it, or `begun` if that was earlier; none while it has not.
    pub(crate) fn completed_since(&self, begun: Instant) -> Option<Instant> {
        match &self.0 {
            None => Some(begun),
            Some(shared) => shared.completed_at.get().map(|at| begun.max(*at)),
        }
    }

    /// Whether the client paused for too long.
    pub(crate) fn is_stalled(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.lock().stalled)
    }

    /// Whether what the client sent is no body as it was announced, or the client left within it.
    pub(crate) fn is_broken(&self) -> bool {
        let broken = |shared: &Arc<Shared>| {
            let state = shared.lock();
            state.failed && !state.stalled
        };
        self.0.as_ref().is_some_and(broken)
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
                merged: 0,
                replayable: true,
                attempt: 0,
                failed: false,
                idle: None,
                pause: None,
                stalled: false,
            }),
            complete: AtomicBool::new(true),
            completed: Notify::new(),
            completed_at: OnceLock::from(Instant::now()),
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
        let polled = match source.poll_frame(cx) {
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
                let ended = source.has_ended();
                // a request's trailers go no further
                if let Ok(data) = frame.into_data() {
                    state.kept_bytes += data.len();
                    state.kept.push_back(data);
                    state.merge();
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
        let _ = self.completed_at.set(Instant::now());
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
        self.merged = self.merged.saturating_sub(self.sent);
        self.sent = 0;
    }

    /// Keeps memory in proportion to the bytes: a frame of one byte holds on to a buffer, and to a place
    /// here. So from time to time the small ones of late become one, those that were sent and the others.
    fn merge(&mut self) {
        if self.kept.len() < self.merged + MERGED {
            return;
        }
        let late = self.kept.split_off(self.merged);
        let sent = self.sent.saturating_sub(self.merged);
        let (before, after): (BytesMut, BytesMut) = (joined(late.range(..sent)), joined(late.range(sent..)));
        if !before.is_empty() {
            self.kept.push_back(before.freeze());
            self.sent = self.kept.len();
        }
        if !after.is_empty() {
            self.kept.push_back(after.freeze());
        }
        self.merged = self.kept.len();
    }

    fn next(&mut self) -> Option<Bytes> {
        if self.replayable {
            let frame = self.kept.get(self.sent).cloned()?;
            self.sent += 1;
            return Some(frame);
        }
        let frame = self.kept.pop_front()?;
        self.merged = self.merged.saturating_sub(1);
        self.kept_bytes -= frame.len();
        Some(frame)
    }

    fn is_sent(&self) -> bool {
        let left = if self.replayable {
            self.kept.len() - self.sent
        } else {
            self.kept.len()
        };
        left == 0 && self.source.is_none() && !self.failed
    }
}

fn joined<'a>(frames: impl Iterator<Item = &'a Bytes>) -> BytesMut {
    let mut all = BytesMut::new();
    frames.for_each(|frame| all.extend_from_slice(frame));
    all
}

impl Upload {
    /// Whether there is no body at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.shared.is_none()
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        self.asked = true;
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

    /// Not before it was asked for once: chunks without a byte are a body, too, and sent on as one.
    fn is_end_stream(&self) -> bool {
        let sent = |shared: &Arc<Shared>| self.asked && shared.lock().is_sent();
        self.shared.as_ref().is_none_or(sent)
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

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn receiving(replayable: bool) -> State {
        State {
            source: None,
            kept: std::collections::VecDeque::new(),
            kept_bytes: 0,
            sent: 0,
            merged: 0,
            replayable,
            attempt: 0,
            failed: false,
            idle: None,
            pause: None,
            stalled: false,
        }
    }

    /// As a client sends that wants much memory for few bytes.
    #[test]
    fn bytes_in_frames_of_their_own_cost_little_more_than_bytes() {
        for replayable in [true, false] {
            let mut state = receiving(replayable);
            let (mut first, mut again) = (Vec::new(), Vec::new());
            for number in 0..100_000_u32 {
                let byte = Bytes::copy_from_slice(&number.to_le_bytes()[..1]);
                state.kept_bytes += 1;
                state.kept.push_back(byte);
                state.merge();
                // the upstream takes some at once and some later
                if number % 1000 > 700 {
                    while let Some(frame) = state.next() {
                        first.extend_from_slice(&frame);
                    }
                }
            }
            assert!(
                state.kept.len() <= 100_000 / MERGED * 2 + MERGED,
                "{}",
                state.kept.len()
            );
            while let Some(frame) = state.next() {
                first.extend_from_slice(&frame);
            }
            assert_eq!(
                first,
                (0..100_000_u32).map(|number| number as u8).collect::<Vec<_>>()
            );
            state.sent = 0;
            while let Some(frame) = state.next() {
                again.extend_from_slice(&frame);
            }
            assert!(if replayable {
                again == first
            } else {
                again.is_empty()
            });
        }
    }

    #[tokio::test]
    async fn a_body_that_broke_is_no_body_that_ended() {
        let mut state = receiving(true);
        state.failed = true;
        let shared = Shared {
            state: Mutex::new(state),
            complete: AtomicBool::new(false),
            completed: Notify::new(),
            completed_at: OnceLock::new(),
        };
        let incoming = Incoming(Some(Arc::new(shared)));
        let mut upload = incoming.upload();
        assert!(!upload.is_end_stream());
        assert!(upload.frame().await.unwrap().is_err());
        assert!(incoming.is_broken() && !upload.is_end_stream());
    }
}
