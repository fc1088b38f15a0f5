//! Records that were read and are not understood yet, and records on their way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::unbuffered::InsufficientSizeError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was read and is no whole record yet.
#[derive(Default)]
pub(super) struct Input {
    /// Its bytes are in `begin..end`.
    bytes: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Input {
    pub(super) fn records(&mut self) -> &mut [u8] {
        &mut self.bytes[self.begin..self.end]
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.begin
    }

    pub(super) fn discard(&mut self, length: usize) {
        self.begin += length;
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        }
    }

    /// Reads; 0 is the socket's end.
    pub(super) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.begin > 0 {
            self.bytes.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        if self.end == self.bytes.len() {
            // the parts of a message of the handshake stay until it is whole
            if self.end >= HANDSHAKE {
                let error = format!("a TLS peer wants {HANDSHAKE} bytes to be kept for a message");
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            }
            match self.end {
                0 => self.bytes = vec![0; READ_AHEAD], // memory that is zero already is not written
                end => self.bytes.resize(2 * end, 0),
            }
        }
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(Pin::new(socket).poll_read(cx, &mut room))?;
        let read = room.filled().len();
        self.end += read;
        Poll::Ready(Ok(read))
    }
}

/// Records on their way.
#[derive(Default)]
pub(super) struct Output {
    /// They are in `begin..end`; what lies behind was used before and is used again.
    bytes: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.begin == self.end
    }

    /// Adds what `put` writes into the room that it gets: a guess, and if that is too small, once more what it wants.
    pub(super) fn put(
        &mut self,
        guess: usize,
        mut put: impl FnMut(&mut [u8]) -> io::Result<Result<usize, InsufficientSizeError>>,
    ) -> io::Result<()> {
        let mut size = guess;
        loop {
            if self.bytes.len() < self.end + size {
                self.bytes.resize(self.end + size, 0);
            }
            match put(&mut self.bytes[self.end..])? {
                Ok(length) => {
                    self.end += length;
                    return Ok(());
                }
                Err(wanted) => size = wanted.required_size.max(size + 1),
            }
        }
    }

    pub(super) fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.begin < self.end {
            let records = &self.bytes[self.begin..self.end];
            match ready!(Pin::new(&mut *socket).poll_write(cx, records))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => self.begin += length,
            }
        }
        (self.begin, self.end) = (0, 0);
        Poll::Ready(Ok(()))
    }

    /// Once all is sent, memory for one record is kept.
    pub(super) fn shrink(&mut self) {
        if self.is_empty() && self.bytes.len() > KEPT {
            self.bytes = Vec::new();
        }
    }
}

/// What is read at once: two records with what TLS 1.2 adds to them (1.3 adds less), and little of a third, which
/// would have to be moved. Pages that nothing was read into cost nothing.
const READ_AHEAD: usize = 2 * (super::RECORD + 29);
/// Bytes of a message of the handshake at most, as in rustls.
const HANDSHAKE: usize = 0x1_0000;
/// Bytes that a connection keeps for what it will send: a record, and what goes with it.
const KEPT: usize = 17 * 1024;
