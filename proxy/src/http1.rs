//! HTTP/1.1 on the wire (RFC 9112), both ends of it: requests are read by [`server`], sent by [`client`].
//!
//! A library would do it, and did; but a request that its connection's own task reads, sends on and answers
//! costs a third less than one that goes through a library's tasks and channels (`bench/README.md`), an idle
//! connection holds no buffer, and what Envoy refuses is refused where it is read. HTTP/2 is hyper's.
//!
//! Heads are parsed by `httparse`. Lengths, codings and the end of a message are decided in [`head`] and
//! [`decoder`], the same code for both directions, so that there is one reading of where a message ends.

mod decoder;
mod feed;
mod head;
mod output;
mod switched;

pub(crate) mod client;
pub(crate) mod server;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

pub(crate) use feed::RequestBody;
pub(crate) use head::recycle;
pub(crate) use switched::{OnSwitch, Rewound, Switched};

/// Whether a connection begins with HTTP/2's preface (RFC 9113, section 3.4). What was read to know is in
/// `begun`.
pub(crate) async fn is_http2<S>(stream: &mut S, begun: &mut BytesMut) -> io::Result<bool>
where
    S: AsyncRead + Unpin,
{
    poll_fn(|cx| {
        loop {
            let same = PREFACE
                .iter()
                .zip(&*begun)
                .take_while(|(one, other)| one == other);
            match same.count() {
                same if same == PREFACE.len() => return Poll::Ready(Ok(true)),
                same if same < begun.len() => return Poll::Ready(Ok(false)),
                _ => {}
            }
            if ready!(poll_few(stream, begun, cx))? == 0 {
                return Poll::Ready(Ok(false));
            }
        }
    })
    .await
}

/// Reads what there is, `room` bytes at most, into a buffer that has so much room or gets it; 0 is the end.
fn poll_fill<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut BytesMut,
    room: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    buffer.reserve(room);
    pin!(Pin::new(stream).read_buf(buffer)).poll(cx)
}

/// Reads what is mostly a head or nothing: from the stack into as much memory as it needs. 0 is the end.
fn poll_few<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut room = [const { MaybeUninit::uninit() }; HEAD_ROOM];
    let mut read = ReadBuf::uninit(&mut room);
    ready!(Pin::new(stream).poll_read(cx, &mut read))?;
    buffer.extend_from_slice(read.filled());
    Poll::Ready(Ok(read.filled().len()))
}

/// What HTTP/2 connections begin with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What is read of a head at once: nearly all heads are smaller.
const HEAD_ROOM: usize = 4 * 1024;
/// What is read of a body at once: as much as a TLS record holds.
const BODY_ROOM: usize = 16 * 1024;
