//! Replaces the header block of an HTTP/2 client's only request on its way to the socket.
//!
//! HTTP libraries rightly refuse to send a path with a space or a fragment in it. What a gateway makes of
//! such a request has to be asked all the same.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that lets everything through but the HEADERS frames written to it, which get another block.
pub(super) struct OverrideHeaders<S> {
    inner: S,
    block: Vec<u8>,
    preface_left: usize,
    /// Written to us, not yet a whole frame.
    unframed: BytesMut,
    /// To be written on.
    outgoing: BytesMut,
}

impl<S> OverrideHeaders<S> {
    pub(super) fn new(inner: S, headers: &[(String, String)]) -> Self {
        let mut block = Vec::new();
        for (name, value) in headers {
            // RFC 7541 §6.2.2: literal without indexing, new name; so the peer's table stays as the library thinks
            block.push(0);
            put_string(&mut block, name.as_bytes());
            put_string(&mut block, value.as_bytes());
        }
        Self {
            inner,
            block,
            preface_left: PREFACE,
            unframed: BytesMut::new(),
            outgoing: BytesMut::new(),
        }
    }

    fn take_frames(&mut self) {
        let preface = self.unframed.split_to(self.preface_left.min(self.unframed.len()));
        self.preface_left -= preface.len();
        self.outgoing.unsplit(preface);
        // RFC 9113 §4.1: length of 24 bits, type, flags, stream identifier
        while let Some(&[a, b, c, kind, flags, ..]) = self.unframed.get(..FRAME_HEAD) {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if self.unframed.len() < FRAME_HEAD + length {
                return;
            }
            let frame = self.unframed.split_to(FRAME_HEAD + length);
            if kind == HEADERS {
                self.put_block(flags & END_STREAM, &frame[5..FRAME_HEAD]);
            } else {
                self.outgoing.extend_from_slice(&frame);
            }
        }
    }

    /// One HEADERS frame and as many CONTINUATION frames as the block needs.
    fn put_block(&mut self, end_stream: u8, stream: &[u8]) {
        let count = self.block.chunks(MAX_FRAME).len();
        for (i, fragment) in self.block.chunks(MAX_FRAME).enumerate() {
            let (kind, flags) = if i == 0 {
                (HEADERS, end_stream)
            } else {
                (CONTINUATION, 0)
            };
            self.outgoing.put_uint(fragment.len() as u64, 3);
            self.outgoing.put_u8(kind);
            self.outgoing.put_u8(if i + 1 == count {
                flags | END_HEADERS
            } else {
                flags
            });
            self.outgoing.extend_from_slice(stream);
            self.outgoing.extend_from_slice(fragment);
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OverrideHeaders<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().poll_flush(cx))?;
        self.unframed.extend_from_slice(buffer);
        self.take_frames();
        Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while !this.outgoing.is_empty() {
            match ready!(Pin::new(&mut this.inner).poll_write(cx, &this.outgoing))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => this.outgoing.advance(n),
            }
        }
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for OverrideHeaders<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

/// RFC 7541 §5.2, never Huffman coded.
fn put_string(block: &mut Vec<u8>, text: &[u8]) {
    let mut length = text.len();
    if length < 127 {
        block.push(length as u8);
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push((length % 128) as u8 | 128);
            length /= 128;
        }
        block.push(length as u8);
    }
    block.extend_from_slice(text);
}

const PREFACE: usize = 24;
const FRAME_HEAD: usize = 9;
const MAX_FRAME: usize = 16384;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
