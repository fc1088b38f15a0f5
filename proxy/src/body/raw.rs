//! A body as its codec reads it: a client's request or an upstream's answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::http1::RequestBody;
use crate::http1::client::Reading;
use crate::upstream::Failure;

/// Where the bytes come from.
pub(crate) enum Raw {
    /// There is no body.
    None,
    /// An HTTP/1.1 client.
    Request(RequestBody),
    /// An HTTP/1.1 upstream.
    Answer(Box<Reading>),
    /// HTTP/2, either side.
    Http2(hyper::body::Incoming),
}

impl Raw {
    /// The next piece, or trailers.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self {
            Raw::None => Poll::Ready(None),
            Raw::Request(body) => body.poll_piece(cx).map_ok(Frame::data),
            Raw::Answer(reading) => reading.poll_frame(cx),
            Raw::Http2(incoming) => {
                let polled = Pin::new(incoming).poll_frame(cx);
                polled.map_err(|error| Failure::of(&error))
            }
        }
    }

    /// Whether nothing is to come.
    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Raw::None => true,
            Raw::Request(body) => body.has_ended(),
            Raw::Answer(reading) => reading.has_ended(),
            Raw::Http2(incoming) => incoming.is_end_stream(),
        }
    }

    /// What is known of its length.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Raw::None => SizeHint::with_exact(0),
            Raw::Request(_) => SizeHint::default(),
            Raw::Answer(reading) => reading.size_hint(),
            Raw::Http2(incoming) => incoming.size_hint(),
        }
    }
}
