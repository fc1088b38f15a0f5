//! An answer's body on its way to the client: our own words, or the upstream's as they come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::Raw;
use crate::connection::Busy;
use crate::telemetry::Observer;
use crate::upgrade::Tunnel;
use crate::upstream::Failure;
use crate::upstream::attempt::Lease;

/// The body of every answer.
pub(crate) struct Body {
    content: Content,
    /// Writes the record and counts, when the body ends or is dropped.
    observer: Option<Box<Observer>>,
    /// The connection is at work until this goes.
    _busy: Option<Busy>,
}

enum Content {
    /// Our own.
    Whole(Option<Bytes>),
    /// Both sides switch protocols.
    Tunnel(Option<Box<Tunnel>>),
    /// The upstream's.
    Stream {
        source: Raw,
        lease: Option<Box<Lease>>,
        /// HTTP/1.1 clients get none (as from Envoy).
        trailers: bool,
        /// Resolves when the route waits no longer for the rest. Made when the rest is waited for.
        late: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        /// The upstream broke off: told a moment later, so that what came before is written first.
        broken: Option<Broken>,
    },
}

/// Why an answer ends early.
#[derive(Debug)]
pub(crate) enum Cut {
    /// The upstream broke off.
    Upstream(Failure),
    /// The route's timeout spans the whole answer (as with Envoy).
    Timeout,
}

/// How the answer broke off, and when that is told.
struct Broken(Cut, Pin<Box<tokio::time::Sleep>>);

/// Over HTTP/2 hyper drops what it has not written yet, the head too, when a body fails.
const TOLD_AFTER: Duration = Duration::from_millis(5);

impl Body {
    /// None.
    pub(crate) fn empty() -> Body {
        Body::whole(Bytes::new())
    }

    /// Our own words.
    pub(crate) fn whole(bytes: Bytes) -> Body {
        Body {
            content: Content::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())),
            observer: None,
            _busy: None,
        }
    }

    /// The upstream's.
    pub(crate) fn stream(source: Raw, lease: Box<Lease>, trailers: bool) -> Body {
        let ended = source.has_ended();
        let mut body = Body {
            content: Content::Stream {
                source,
                lease: Some(lease),
                trailers,
                late: None,
                broken: None,
            },
            observer: None,
            _busy: None,
        };
        if ended {
            body.ended(true);
        }
        body
    }

    /// None; what follows is no longer HTTP.
    pub(crate) fn tunnel(tunnel: Tunnel) -> Body {
        Body {
            content: Content::Tunnel(Some(Box::new(tunnel))),
            observer: None,
            _busy: None,
        }
    }

    /// Keeps the client's connection at work until its end.
    pub(crate) fn keeps_busy(&mut self, busy: Busy) {
        self._busy = Some(busy);
    }

    /// With someone who watches its end, or that of the tunnel.
    pub(crate) fn observed(mut self, observer: Box<Observer>) -> Body {
        let tunnel = match &mut self.content {
            Content::Tunnel(tunnel) => tunnel.take(),
            Content::Whole(_) | Content::Stream { .. } => None,
        };
        match tunnel {
            Some(tunnel) => tunnel.start(observer),
            None => self.observer = Some(observer),
        }
        self
    }

    fn has_ended(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_none(),
            Content::Tunnel(_) => true,
            Content::Stream { source, broken, .. } => broken.is_none() && source.has_ended(),
        }
    }

    fn ended(&mut self, complete: bool) {
        let leased = matches!(&self.content, Content::Stream { lease: Some(_), .. });
        if !leased && self.observer.is_none() {
            return;
        }
        let now = Instant::now();
        if let Content::Stream { source, lease, .. } = &mut self.content
            && let Some(lease) = lease.take()
            && complete
        {
            lease.finish(std::mem::replace(source, Raw::None), now);
        }
        if let Some(mut observer) = self.observer.take() {
            observer.ended(complete, now);
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = &mut *self;
        let frame = match &mut this.content {
            Content::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Content::Tunnel(_) => None,
            Content::Stream { broken: Some(_), .. } => None,
            Content::Stream {
                source,
                lease,
                trailers,
                late,
                broken,
            } => {
                let polled = source.poll_frame(cx);
                let frame = match lease {
                    Some(lease) if !source.has_ended() && is_late(lease, late, polled.is_pending(), cx) => {
                        Some(Err(Cut::Timeout))
                    }
                    _ => std::task::ready!(polled).map(|frame| frame.map_err(Cut::Upstream)),
                };
                match frame {
                    Some(Err(cut)) => {
                        if let Some(observer) = &mut this.observer {
                            observer.broken(&cut);
                        }
                        *broken = Some(Broken(cut, Box::pin(tokio::time::sleep(TOLD_AFTER))));
                        None
                    }
                    Some(Ok(frame)) if frame.is_trailers() && !*trailers => None,
                    Some(Ok(frame)) => Some(Ok(frame)),
                    None => None,
                }
            }
        };
        if frame.is_none()
            && let Content::Stream { broken, .. } = &mut this.content
            && let Some(Broken(_, told)) = broken
        {
            std::task::ready!(told.as_mut().poll(cx));
            let broken = broken.take();
            this.ended(false);
            return Poll::Ready(broken.map(|Broken(cut, _)| Err(cut)));
        }
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(observer), Some(data)) = (&mut this.observer, frame.data_ref()) {
                    observer.bytes += data.len() as u64;
                }
                // whoever sends it may not ask again
                if this.has_ended() || frame.is_trailers() {
                    this.ended(true);
                }
            }
            Some(Err(_)) => this.ended(false),
            None => this.ended(true),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Tunnel(_) => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Content::Stream { source, .. } => source.size_hint(),
        }
    }
}

/// Whether the deadline has passed; where the rest is `awaited`, arranges to be asked again then.
fn is_late(
    lease: &Lease,
    late: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    awaited: bool,
    cx: &mut Context<'_>,
) -> bool {
    if !awaited {
        return lease
            .deadline()
            .is_some_and(|end| end <= tokio::time::Instant::now());
    }
    if late.is_none() {
        *late = lease.too_late().map(|late| Box::pin(late) as _);
    }
    late.as_mut()
        .is_some_and(|late| late.as_mut().poll(cx).is_ready())
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cut::Upstream(_) => "the upstream broke its answer off",
            Cut::Timeout => "the answer was not complete within the route's timeout",
        })
    }
}

impl std::error::Error for Cut {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Cut::Upstream(failure) => Some(failure),
            Cut::Timeout => None,
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if self.observer.is_some() {
            let complete = self.has_ended();
            self.ended(complete);
        }
    }
}
