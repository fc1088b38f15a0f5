//! A client's connection: reads a request, has it answered, writes the answer, and so on until either side
//! ends it. One request is worked on at a time; what is sent ahead waits in the buffer and in the kernel.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use http::{Method, Response, StatusCode};
use http_body::Body as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::decoder::{Decoder, Taken};
use super::feed::{self, Feed};
use super::head::{Known, Malformed, Reader, RequestHead, recycle, says_close, write_response};
use super::output::{Encoding, Output};
use super::{BODY_ROOM, Switched, poll_few, poll_fill};
use crate::body::{Body, Raw};
use crate::request::Arrived;

/// Who answers the requests of a connection.
pub(crate) trait Service {
    /// Answers one request. Dropped when the client leaves before.
    fn answer(&self, arrived: Arrived) -> impl Future<Output = Response<Body>> + Send;

    /// Answers what is no request, or too large for one.
    fn refuse(&self, too_large: bool) -> Response<Body>;

    /// Whether the connection ends behind the next answer.
    fn is_ending(&self) -> bool;
}

/// Serves a connection to its end. `begun` was read from it already; `ends` resolves when it has to end: at
/// once between two requests, else behind the answer.
pub(crate) async fn serve<S, V, E>(
    stream: S,
    begun: BytesMut,
    service: &V,
    mut ends: Pin<&mut E>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    V: Service,
    E: Future<Output = ()>,
{
    let mut wire = Wire {
        stream,
        input: begun,
        reader: Reader::default(),
        output: Output::default(),
        decoder: Decoder::Length(0),
        left: false,
        ending: false,
        looked: false,
    };
    loop {
        let RequestHead {
            parts,
            refused,
            body,
            last,
            expects,
            upgrade,
        } = match poll_fn(|cx| wire.poll_head(cx, ends.as_mut())).await? {
            Some(Ok(head)) => head,
            Some(Err(malformed)) => {
                let refusal = service.refuse(malformed == Malformed::TooLarge);
                let mut sending = Sending::begin(&mut wire, refusal, false, true);
                poll_fn(|cx| wire.poll_send(cx, &mut sending, &mut None)).await?;
                drop(sending);
                return Box::pin(wire.close(true)).await;
            }
            None => return Box::pin(wire.close(false)).await,
        };
        let to_head = parts.method == Method::HEAD;
        let (mut feed, incoming) = match body.has_ended() {
            true => (None, Raw::None),
            false => {
                let (feed, incoming) = feed::pair();
                (Some(feed), Raw::Request(incoming))
            }
        };
        wire.decoder = body;
        let (switched, switch) = upgrade.then(oneshot::channel).unzip();
        let arrived = Arrived {
            parts,
            body: incoming,
            refused,
            switch,
        };
        let mut expects = expects && feed.is_some();
        // on the heap while it runs: an idle connection has no request's state
        let mut answering = Box::pin(service.answer(arrived));
        let answer = poll_fn(|cx| wire.poll_answer(cx, answering.as_mut(), &mut feed, &mut expects)).await?;
        drop(answering);

        poll_fn(|cx| {
            wire.look_for_end(cx, ends.as_mut());
            Poll::Ready(())
        })
        .await;
        let last = last || wire.ending || wire.left || service.is_ending();
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Box::pin(wire.switch(answer, switched)).await;
        }
        let last = last || says_close(answer.headers());
        let mut sending = Sending::begin(&mut wire, answer, to_head, last);
        poll_fn(|cx| wire.poll_send(cx, &mut sending, &mut feed)).await?;
        drop(sending);
        let read = feed.as_ref().is_none_or(Feed::is_over) || wire.pass_over();
        if last || !read || wire.left {
            return Box::pin(wire.close(!read || refused.is_some())).await;
        }
    }
}

struct Wire<S> {
    stream: S,
    /// Read, and not understood yet.
    input: BytesMut,
    reader: Reader,
    output: Output,
    /// Of the current request's body.
    decoder: Decoder,
    /// Nothing more can be read.
    left: bool,
    /// `ends` has resolved.
    ending: bool,
    /// It was asked, and nothing was waited for since then.
    looked: bool,
}

/// An answer whose head is in the output.
struct Sending {
    body: Body,
    encoding: Encoding,
    done: bool,
}

impl Sending {
    fn begin<S>(wire: &mut Wire<S>, answer: Response<Body>, to_head: bool, last: bool) -> Sending {
        let (parts, body) = answer.into_parts();
        let known = Known {
            to_head,
            ended: body.is_end_stream(),
            exact: body.size_hint().exact(),
        };
        let encoding = write_response(&mut wire.output.before, parts.status, &parts.headers, known, last);
        recycle(parts.headers);
        Sending {
            body,
            encoding,
            done: encoding == Encoding::Length(0),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire<S> {
    /// The next request; none when there is no other.
    fn poll_head<E: Future<Output = ()>>(
        &mut self,
        cx: &mut Context<'_>,
        ends: Pin<&mut E>,
    ) -> Poll<io::Result<Option<Result<RequestHead, Malformed>>>> {
        loop {
            match self.reader.request(&mut self.input) {
                Ok(Some(head)) => return Poll::Ready(Ok(Some(Ok(head)))),
                Ok(None) => {}
                Err(malformed) => return Poll::Ready(Ok(Some(Err(malformed)))),
            }
            match poll_few(&mut self.stream, &mut self.input, cx)? {
                Poll::Ready(0) => return Poll::Ready(Ok(None)),
                Poll::Ready(_) => {}
                Poll::Pending => break,
            }
        }
        if self.input.is_empty() {
            // an idle connection holds no buffer
            self.input = BytesMut::new();
            self.output = Output::default();
        }
        if !std::mem::take(&mut self.looked) {
            self.look_for_end(cx, ends);
            self.looked = false;
        }
        match self.ending && self.input.is_empty() {
            true => Poll::Ready(Ok(None)),
            false => Poll::Pending,
        }
    }

    fn look_for_end<E: Future<Output = ()>>(&mut self, cx: &mut Context<'_>, ends: Pin<&mut E>) {
        self.ending = self.ending || ends.poll(cx).is_ready();
        self.looked = true;
    }

    /// The answer, while the request's body is read as it is asked for. An error when the client leaves.
    fn poll_answer<F: Future>(
        &mut self,
        cx: &mut Context<'_>,
        mut answering: Pin<&mut F>,
        feed: &mut Option<Feed>,
        expects: &mut bool,
    ) -> Poll<io::Result<F::Output>> {
        loop {
            if let Poll::Ready(answer) = answering.as_mut().poll(cx) {
                return Poll::Ready(Ok(answer));
            }
            if !self.feed(cx, feed, Some(expects)) {
                return self.watch(cx, feed);
            }
        }
    }

    /// Sends the answer's body, while the rest of the request's is read as it is asked for. An error when the
    /// client leaves or the answer breaks off.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        sending: &mut Sending,
        feed: &mut Option<Feed>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut waits = false;
            if !sending.done && self.output.takes_more() {
                match Pin::new(&mut sending.body).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        // trailers are not for HTTP/1.1 clients
                        if let Ok(data) = frame.into_data() {
                            self.output
                                .push(data, &mut sending.encoding)
                                .map_err(io::Error::other)?;
                        }
                        sending.done = sending.body.is_end_stream();
                    }
                    Poll::Ready(None) => sending.done = true,
                    Poll::Ready(Some(Err(cut))) => return Poll::Ready(Err(io::Error::other(cut))),
                    Poll::Pending => waits = true,
                }
                if sending.done {
                    self.output.end(sending.encoding).map_err(io::Error::other)?;
                }
            }
            let written = self.output.poll_write(&mut self.stream, cx)?;
            if sending.done && written.is_ready() {
                let flushed = Pin::new(&mut self.stream).poll_flush(cx);
                self.looked &= flushed.is_ready();
                return flushed;
            }
            if !waits && written.is_ready() || self.feed(cx, feed, None) {
                continue;
            }
            self.looked = false;
            if written.is_ready() {
                let _ = Pin::new(&mut self.stream).poll_flush(cx)?;
                ready!(self.watch::<()>(cx, feed))?;
            }
            return Poll::Pending;
        }
    }

    /// Gives the next piece of the request's body to whoever wants it. Says whether it did. A client that
    /// waits for a 100 gets it now, unless its answer has begun.
    fn feed(&mut self, cx: &mut Context<'_>, feed: &mut Option<Feed>, expects: Option<&mut bool>) -> bool {
        let Some(feed) = feed.as_mut().filter(|feed| !feed.is_over()) else {
            return false;
        };
        if !feed.is_wanted(cx) {
            return false;
        }
        if let Some(expects) = expects {
            if std::mem::take(expects) {
                self.output.before.extend_from_slice(CONTINUE);
            }
            match self.output.poll_write(&mut self.stream, cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    self.left = true;
                    feed.broken(cx);
                    return true;
                }
                Poll::Pending => return false,
            }
            let _ = Pin::new(&mut self.stream).poll_flush(cx);
        }
        loop {
            match self.decoder.take(&mut self.input) {
                Ok(Taken::Data(data)) => feed.push(data, self.decoder.has_ended(), cx),
                Ok(Taken::End(_)) => feed.end(cx),
                Ok(Taken::More) => match poll_fill(&mut self.stream, &mut self.input, BODY_ROOM, cx) {
                    Poll::Ready(Ok(1..)) => continue,
                    Poll::Ready(_) => {
                        self.left = true;
                        feed.broken(cx);
                    }
                    Poll::Pending => return false,
                },
                Err(_) => {
                    self.left = true;
                    feed.broken(cx);
                }
            }
            return true;
        }
    }

    /// Looks whether the client leaves, as long as nothing else tells. What it sends ahead is kept, once.
    fn watch<T>(&mut self, cx: &mut Context<'_>, feed: &Option<Feed>) -> Poll<io::Result<T>> {
        let read = feed.as_ref().is_none_or(Feed::is_over);
        if read && !self.left && self.input.is_empty() {
            let polled = poll_few(&mut self.stream, &mut self.input, cx)?;
            if polled.is_ready() && self.input.is_empty() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
        Poll::Pending
    }

    /// What nobody wanted of the request's body is passed over, if it has come. Says whether that was all.
    fn pass_over(&mut self) -> bool {
        loop {
            match self.decoder.take(&mut self.input) {
                Ok(Taken::Data(_)) => {}
                Ok(Taken::End(_)) => return true,
                Ok(Taken::More) | Err(_) => return false,
            }
        }
    }

    /// Writes the answer that switches protocols, and lets go of the connection.
    async fn switch(
        mut self,
        answer: Response<Body>,
        switched: Option<oneshot::Sender<Switched>>,
    ) -> io::Result<()> {
        let (parts, body) = answer.into_parts();
        let known = Known {
            to_head: false,
            ended: true,
            exact: None,
        };
        write_response(
            &mut self.output.before,
            parts.status,
            &parts.headers,
            known,
            false,
        );
        poll_fn(|cx| self.output.poll_write(&mut self.stream, cx)).await?;
        self.stream.flush().await?;
        drop(body);
        if let Some(switched) = switched {
            // whoever wanted it may be gone: then the connection ends
            let _ = switched.send(Switched::new(self.input.freeze(), Box::new(self.stream)));
        }
        Ok(())
    }

    /// Ends the connection. `lingering` reads on for a moment: a client that is still sending would lose its
    /// answer to a reset (RFC 9112, section 9.6).
    async fn close(mut self, lingering: bool) -> io::Result<()> {
        let closing = async {
            self.stream.shutdown().await?;
            let mut left = LINGER_BYTES;
            while lingering && left > 0 {
                self.input.clear();
                self.input.reserve(BODY_ROOM);
                match self.stream.read_buf(&mut self.input).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            Ok(())
        };
        tokio::time::timeout(LINGER, closing).await.unwrap_or(Ok(()))
    }
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// How long, and for how many bytes, a connection is read from that is closed while its client sends.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;
