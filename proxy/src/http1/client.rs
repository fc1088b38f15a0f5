//! A connection to an upstream: one exchange at a time, driven by whoever wants the answer. Between two the
//! pool has it, and nobody looks at it but for its end.

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::response;
use http_body::{Body as _, Frame, SizeHint};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::decoder::{Decoder, Taken};
use super::head::{Reader, ResponseHead, write_request};
use super::output::{Encoding, Output};
use super::{BODY_ROOM, Switched, poll_fill};
use crate::body::Upload;
use crate::upstream::connect::Stream;
use crate::upstream::{Call, Failure};

/// A connection between two exchanges.
pub(crate) struct Wire {
    stream: Stream,
    input: BytesMut,
    /// For the next request: its memory is used again.
    output: Output,
}

/// An answer's body as it comes, with what is left to be sent of the request.
pub(crate) struct Reading {
    exchange: Exchange,
    decoder: Decoder,
    /// Another exchange may follow.
    keeps: bool,
}

struct Exchange {
    wire: Wire,
    upload: Option<Upload>,
    encoding: Encoding,
    flushed: bool,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Wire {
        Wire {
            stream,
            input: BytesMut::new(),
            output: Output::default(),
        }
    }

    /// Whether nothing has come: between two exchanges that would be its end, or nonsense. Arranges for the
    /// waker to be told when it does.
    pub(crate) fn is_quiet(&mut self, waker: &Waker) -> bool {
        let mut room = [MaybeUninit::uninit()];
        let mut byte = ReadBuf::uninit(&mut room);
        let polled = Pin::new(&mut self.stream).poll_read(&mut Context::from_waker(waker), &mut byte);
        self.input.is_empty() && polled.is_pending()
    }

    /// Says goodbye, as far as that takes no waiting.
    pub(crate) fn close(mut self) {
        let _ = Pin::new(&mut self.stream).poll_shutdown(&mut Context::from_waker(Waker::noop()));
    }
}

/// Sends a request and reads the head of its answer. Dropped in the middle, it takes the connection along.
pub(crate) async fn exchange(
    wire: Wire,
    call: &Call,
    upload: Upload,
) -> Result<(response::Parts, Box<Reading>), Failure> {
    let mut exchange = Exchange {
        wire,
        encoding: Encoding::Length(0),
        upload: None,
        flushed: false,
    };
    exchange.begin(call, upload);
    let mut reader = Reader::default();
    let head = poll_fn(|cx| {
        exchange.poll_upload(cx)?;
        let Wire { stream, input, .. } = &mut exchange.wire;
        loop {
            match reader.response(input, &call.method) {
                Ok(Some(head)) => return Poll::Ready(Ok(head)),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Err(Failure::Protocol)),
            }
            let failed = Failure::Termination;
            if ready!(poll_fill(stream, input, ANSWER_ROOM, cx)).map_err(|_| failed)? == 0 {
                return Poll::Ready(Err(failed));
            }
        }
    });
    let ResponseHead { parts, body, keeps } = head.await?;
    let lacking = body.lacks(&exchange.wire.input);
    if (1..=REMAINDER).contains(&lacking) {
        // an answer a little longer than a TLS record comes in two, and the second is on its way: to look once
        // what else has come costs less than to be woken again, and to wake the client again
        tokio::task::yield_now().await;
        let Wire { stream, input, .. } = &mut exchange.wire;
        // an end or a failure comes again when the body is read
        poll_fn(|cx| Poll::Ready(poll_fill(stream, input, lacking, cx).is_ready())).await;
    }
    let reading = Reading {
        exchange,
        decoder: body,
        keeps,
    };
    Ok((parts, Box::new(reading)))
}

impl Exchange {
    fn begin(&mut self, call: &Call, upload: Upload) {
        self.upload = Some(upload).filter(|upload| !upload.is_empty());
        self.encoding = write_request(
            &mut self.wire.output.before,
            &call.method,
            call.target.as_str(),
            &call.authority,
            &call.headers,
            self.upload.is_some(),
        );
    }

    /// Sends what there is of the request. Who cannot write any more may still have been answered.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        loop {
            let mut waits = false;
            if let Some(upload) = &mut self.upload
                && self.wire.output.takes_more()
            {
                let ended = match Pin::new(&mut *upload).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        if let Ok(data) = frame.into_data() {
                            self.flushed = false;
                            let pushed = self.wire.output.push(data, &mut self.encoding);
                            pushed.map_err(|_| Failure::LocalReset)?;
                        }
                        upload.is_end_stream()
                    }
                    Poll::Ready(Some(Err(_))) => return Err(Failure::LocalReset),
                    Poll::Ready(None) => true,
                    Poll::Pending => {
                        waits = true;
                        false
                    }
                };
                if ended {
                    self.flushed = false;
                    self.wire
                        .output
                        .end(self.encoding)
                        .map_err(|_| Failure::LocalReset)?;
                    self.upload = None;
                }
            }
            let Wire { stream, output, .. } = &mut self.wire;
            match output.poll_write(stream, cx) {
                Poll::Ready(Ok(())) if self.upload.is_some() && !waits => {}
                Poll::Ready(Ok(())) => {
                    if !self.flushed {
                        self.flushed = Pin::new(&mut self.wire.stream).poll_flush(cx).is_ready();
                    }
                    return Ok(());
                }
                Poll::Ready(Err(_)) => {
                    self.upload = None;
                    self.wire.output = Output::default();
                    self.flushed = true;
                    return Ok(());
                }
                Poll::Pending => return Ok(()),
            }
        }
    }
}

impl Reading {
    /// The next piece, or the trailers.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if (self.exchange.upload.is_some() || !self.exchange.flushed)
            && let Err(failure) = self.exchange.poll_upload(cx)
        {
            return Poll::Ready(Some(Err(failure)));
        }
        let Wire { stream, input, .. } = &mut self.exchange.wire;
        loop {
            match self.decoder.take(input) {
                Ok(Taken::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Taken::End(None)) => return Poll::Ready(None),
                Ok(Taken::End(Some(trailers))) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Ok(Taken::More) => {}
                Err(_) => return Poll::Ready(Some(Err(Failure::Protocol))),
            }
            // much is sent on in pieces as large as Istio's gateways keep for a connection
            let room = if self.decoder.lacks(input) > BODY_ROOM {
                2 * BODY_ROOM
            } else {
                BODY_ROOM
            };
            match ready!(poll_fill(stream, input, room, cx)) {
                Ok(0) if matches!(self.decoder, Decoder::UntilClose) => {
                    self.decoder = Decoder::Length(0);
                    return Poll::Ready(None);
                }
                Ok(0) | Err(_) => return Poll::Ready(Some(Err(Failure::Termination))),
                Ok(_) => {}
            }
        }
    }

    /// Whether all of it was read.
    pub(crate) fn has_ended(&self) -> bool {
        self.decoder.has_ended()
    }

    /// Its length, if that is known.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self.decoder {
            Decoder::Length(length) => SizeHint::with_exact(length),
            Decoder::Chunked(_) | Decoder::UntilClose => SizeHint::default(),
        }
    }

    /// The connection, if another exchange may follow: the answer has ended, the request was sent whole, and
    /// nothing came behind.
    pub(crate) fn reclaim(self) -> Option<Wire> {
        let Exchange {
            mut wire,
            upload,
            flushed,
            ..
        } = self.exchange;
        let complete = self.decoder.has_ended() && upload.is_none() && wire.output.is_empty() && flushed;
        if self.keeps && complete && wire.input.is_empty() {
            if wire.input.capacity() > KEPT {
                wire.input = BytesMut::new();
            }
            wire.output.shrink();
            return Some(wire);
        }
        if complete {
            wire.close();
        }
        None
    }

    /// The connection, whose answer was that it speaks another protocol now.
    pub(crate) fn switch(self) -> Switched {
        let Wire { stream, input, .. } = self.exchange.wire;
        Switched::new(input.freeze(), Box::new(stream))
    }
}

/// What is read at once where an answer begins: a head, and as much of a body as a TLS record holds.
const ANSWER_ROOM: usize = BODY_ROOM + 2 * 1024;
/// An answer that lacks no more bytes is worth another look.
const REMAINDER: usize = 4 * 1024;
/// Bytes that a connection keeps for answers to come.
const KEPT: usize = 2 * ANSWER_ROOM;
