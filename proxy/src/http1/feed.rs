//! A request's body between the connection, which reads it, and whoever sends it on: a piece at a time, and
//! none that nobody has asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::upstream::Failure;

/// The side that asks for it.
pub(crate) struct RequestBody(Arc<Mutex<State>>);

/// The connection's side.
pub(super) struct Feed {
    state: Arc<Mutex<State>>,
    /// Nothing more will come of it.
    over: bool,
}

#[derive(Default)]
struct State {
    piece: Option<Bytes>,
    end: Option<End>,
    wanted: bool,
    /// Nobody asks any more.
    gone: bool,
    asking: Option<Waker>,
    reading: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    Broken,
}

/// Both sides of a body that is still to come.
pub(super) fn pair() -> (Feed, RequestBody) {
    let state = Arc::new(Mutex::new(State::default()));
    let feed = Feed {
        state: state.clone(),
        over: false,
    };
    (feed, RequestBody(state))
}

impl RequestBody {
    /// The next piece.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let mut state = lock(&self.0);
        if let Some(piece) = state.piece.take() {
            return Poll::Ready(Some(Ok(piece)));
        }
        match state.end {
            Some(End::Complete) => Poll::Ready(None),
            Some(End::Broken) => Poll::Ready(Some(Err(Failure::Malformed))),
            None => {
                state.wanted = true;
                keep(&mut state.asking, cx);
                wake(state.reading.take(), cx);
                Poll::Pending
            }
        }
    }

    /// Whether all of it was taken.
    pub(crate) fn has_ended(&self) -> bool {
        let state = lock(&self.0);
        state.piece.is_none() && state.end == Some(End::Complete)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        lock(&self.0).gone = true;
    }
}

impl Feed {
    /// Whether the body is read to its end, or broken: then the connection's next bytes are no part of it.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether a piece is wanted; else arranges to be told.
    pub(super) fn is_wanted(&self, cx: &mut Context<'_>) -> bool {
        let mut state = lock(&self.state);
        let wanted = state.wanted && !state.gone && !self.over;
        if !wanted {
            keep(&mut state.reading, cx);
        }
        wanted
    }

    pub(super) fn push(&mut self, piece: Bytes, last: bool, cx: &mut Context<'_>) {
        self.give(Some(piece), last.then_some(End::Complete), cx);
    }

    pub(super) fn end(&mut self, cx: &mut Context<'_>) {
        self.give(None, Some(End::Complete), cx);
    }

    pub(super) fn broken(&mut self, cx: &mut Context<'_>) {
        self.give(None, Some(End::Broken), cx);
    }

    fn give(&mut self, piece: Option<Bytes>, end: Option<End>, cx: &mut Context<'_>) {
        let mut state = lock(&self.state);
        state.wanted = false;
        state.piece = piece;
        state.end = end;
        self.over = end.is_some();
        wake(state.asking.take(), cx);
    }
}

/// A connection that ends takes its body along.
impl Drop for Feed {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if state.end.is_none() {
            state.end = Some(End::Broken);
            if let Some(asking) = state.asking.take() {
                asking.wake();
            }
        }
    }
}

fn keep(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *waker = Some(cx.waker().clone()),
    }
}

/// Mostly both sides are one task, which looks at the other side anyway before it waits.
fn wake(waker: Option<Waker>, cx: &Context<'_>) {
    if let Some(waker) = waker.filter(|waker| !waker.will_wake(cx.waker())) {
        waker.wake();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
