//! What is to be written on a connection: a head, a piece of a body, and what stands behind it, in one
//! system call where they fit.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// Bytes on their way. A piece of a body is copied only if it is small: one buffer costs the system less than
/// two.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Before the piece: a head, a chunk's size.
    pub(super) before: Vec<u8>,
    written: usize,
    data: Bytes,
    behind: &'static [u8],
}

/// How a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// So many bytes are still to be sent.
    Length(u64),
    Chunked,
}

/// The body is not as long as its head said.
#[derive(Debug, thiserror::Error)]
#[error("a body of another length than its head said")]
pub(super) struct WrongLength;

impl Output {
    /// Whether everything is written.
    pub(super) fn is_empty(&self) -> bool {
        self.written == self.before.len() && self.data.is_empty() && self.behind.is_empty()
    }

    /// Gives memory back that only a large head has needed.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() && self.before.capacity() > KEPT {
            self.before = Vec::new();
        }
    }

    /// Whether another piece may be pushed: not while much waits for a peer that does not read.
    pub(super) fn takes_more(&self) -> bool {
        self.data.is_empty() && self.behind.is_empty() && self.before.len() < WAITING
    }

    /// Adds a piece of a body, where [`Output::takes_more`]. An empty one is nothing: as a chunk it would end
    /// the body.
    pub(super) fn push(&mut self, data: Bytes, encoding: &mut Encoding) -> Result<(), WrongLength> {
        if data.is_empty() {
            return Ok(());
        }
        match encoding {
            Encoding::Length(left) => *left = left.checked_sub(data.len() as u64).ok_or(WrongLength)?,
            Encoding::Chunked => {
                push_hex(&mut self.before, data.len());
                self.before.extend_from_slice(b"\r\n");
            }
        }
        let behind: &'static [u8] = if *encoding == Encoding::Chunked {
            b"\r\n"
        } else {
            b""
        };
        if data.len() <= COPIED {
            self.before.extend_from_slice(&data);
            self.before.extend_from_slice(behind);
        } else {
            (self.data, self.behind) = (data, behind);
        }
        Ok(())
    }

    /// Adds the end of a body.
    pub(super) fn end(&mut self, encoding: Encoding) -> Result<(), WrongLength> {
        match encoding {
            Encoding::Length(0) => Ok(()),
            Encoding::Length(_) => Err(WrongLength),
            Encoding::Chunked if self.data.is_empty() => {
                self.before.extend_from_slice(b"0\r\n\r\n");
                Ok(())
            }
            Encoding::Chunked => {
                self.behind = b"\r\n0\r\n\r\n";
                Ok(())
            }
        }
    }

    /// Writes all of it.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let head = &self.before[self.written..];
            let stream = Pin::new(&mut *stream);
            let written = ready!(match (self.data.is_empty(), self.behind.is_empty()) {
                (true, true) => stream.poll_write(cx, head),
                _ => {
                    let slices = [
                        IoSlice::new(head),
                        IoSlice::new(&self.data),
                        IoSlice::new(self.behind),
                    ];
                    let first = usize::from(head.is_empty());
                    stream.poll_write_vectored(cx, &slices[first..])
                }
            })?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        if self.written > 0 {
            self.written = 0;
            self.before.clear();
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        let head = written.min(self.before.len() - self.written);
        self.written += head;
        written -= head;
        let data = written.min(self.data.len());
        self.data.advance(data);
        self.behind = &self.behind[written - data..];
    }
}

/// Bytes that may wait before the next piece is asked for.
const WAITING: usize = 16 * 1024;
/// Pieces up to so many bytes are copied.
const COPIED: usize = 512;
/// Bytes that a connection keeps for heads to come.
const KEPT: usize = 2 * 1024;

fn push_hex(to: &mut Vec<u8>, number: usize) {
    let digits = (usize::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        to.push(b"0123456789abcdef"[number >> (place * 4) & 15]);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Too large to be copied.
    const LARGE: &str = match std::str::from_utf8(&[b'l'; COPIED + 1]) {
        Ok(text) => text,
        Err(_) => "",
    };

    /// Through a pipe of so many bytes.
    async fn written(pieces: &[&'static str], mut encoding: Encoding, room: usize) -> Option<String> {
        let (mut ours, mut theirs) = tokio::io::duplex(room);
        let pieces = pieces.to_vec();
        let writing = tokio::spawn(async move {
            let mut output = Output::default();
            output.before.extend_from_slice(b"head ");
            for piece in pieces {
                output.push(piece.into(), &mut encoding).ok()?;
                std::future::poll_fn(|cx| output.poll_write(&mut ours, cx))
                    .await
                    .ok()?;
            }
            output.end(encoding).ok()?;
            std::future::poll_fn(|cx| output.poll_write(&mut ours, cx))
                .await
                .ok()
        });
        let mut all = String::new();
        theirs.read_to_string(&mut all).await.unwrap();
        writing.await.unwrap().map(|()| all)
    }

    #[tokio::test]
    async fn pieces_are_framed_whatever_the_system_takes_at_once() {
        for room in 1..40 {
            let chunked = written(&["0123456789abcdef0", "", "x"], Encoding::Chunked, room).await;
            assert_eq!(
                chunked.as_deref(),
                Some("head 11\r\n0123456789abcdef0\r\n1\r\nx\r\n0\r\n\r\n")
            );
            let large = written(&[LARGE, "x"], Encoding::Chunked, room).await;
            assert_eq!(large, Some(format!("head 201\r\n{LARGE}\r\n1\r\nx\r\n0\r\n\r\n")));
            let counted = written(&["012", "3"], Encoding::Length(4), room).await;
            assert_eq!(counted.as_deref(), Some("head 0123"));
        }
    }

    #[test]
    fn what_waits_for_a_peer_that_does_not_read_has_a_bound() {
        let (mut output, mut encoding) = (Output::default(), Encoding::Chunked);
        while output.takes_more() {
            output.push(Bytes::from_static(b"event"), &mut encoding).unwrap();
        }
        assert!(output.before.len() < WAITING + COPIED);
    }

    #[tokio::test]
    async fn a_body_of_another_length_is_no_body() {
        assert_eq!(written(&["01"], Encoding::Length(1), 99).await, None);
        assert_eq!(written(&["0"], Encoding::Length(2), 99).await, None);
        assert_eq!(
            written(&[], Encoding::Chunked, 99).await.as_deref(),
            Some("head 0\r\n\r\n")
        );
    }
}
