//! TLS over a socket to an upstream, by rustls without its buffers: records are decrypted where they were read.
//!
//! rustls' own buffer grows by 4 KiB at a time and shrinks behind each record: of an answer of 16 KiB that copies
//! and clears 50 KiB more (`bench/README.md`). All of TLS but the buffers is rustls' here, too: each state that it
//! gives is followed as `rustls::unbuffered` asks for.

mod buffers;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use buffers::{Input, Output};

/// A client's TLS connection.
pub(crate) struct Tls<S> {
    socket: S,
    session: UnbufferedClientConnection,
    input: Input,
    /// Decrypted, but more than the reader had room for.
    left_over: Vec<u8>,
    /// The session has decrypted what the reader had no room for at all.
    held: bool,
    output: Output,
    /// The peer has said that it sends nothing more.
    closed: bool,
    /// So have we.
    closing: bool,
    failed: Option<rustls::Error>,
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits for the peer's part of the handshake.
    Handshake,
    /// Data may be sent, and what has come was received.
    Traffic,
}

/// What a session has to send.
#[derive(Clone, Copy)]
enum Put<'a> {
    Data(&'a [u8]),
    CloseNotify,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Tls<S> {
    /// Shakes hands.
    ///
    /// # Errors
    ///
    /// Those of the socket; rustls' as `InvalidData`; `UnexpectedEof` when the peer leaves.
    pub(crate) async fn connect(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        socket: S,
    ) -> io::Result<Tls<S>> {
        let mut tls = Tls {
            socket,
            session: UnbufferedClientConnection::new(config, name).map_err(invalid)?,
            input: Input::default(),
            left_over: Vec::new(),
            held: false,
            output: Output::default(),
            closed: false,
            closing: false,
            failed: None,
        };
        poll_fn(|cx| tls.poll_handshake(cx)).await?;
        Ok(tls)
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let stage = self.receive(cx, &mut ReadBuf::new(&mut []))?;
            ready!(self.output.poll_send(&mut self.socket, cx))?;
            if stage == Stage::Traffic {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.input.poll_fill(&mut self.socket, cx))? == 0 {
                let error = "the peer left during the TLS handshake";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)));
            }
        }
    }

    /// Goes through what was read: data goes `to` the reader as far as there is room, the protocol's own answers to
    /// the output. The alert for a peer that broke the rules is sent if that takes no waiting.
    fn receive(&mut self, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> io::Result<Stage> {
        let stage = self.process(to, None);
        if stage.is_err() {
            let _ = self.output.poll_send(&mut self.socket, cx);
        }
        stage
    }

    /// Follows the session's states until it has nothing more to do, or, if there is something to `put`, until
    /// that is in the output: then whatever is received on the way is kept.
    fn process(&mut self, to: &mut ReadBuf<'_>, put: Option<Put<'_>>) -> io::Result<Stage> {
        if let Some(error) = &self.failed {
            return Err(invalid(error.clone()));
        }
        let before = to.filled().len();
        self.held = false;
        loop {
            let unread = self.input.len();
            let UnbufferedStatus { mut discard, state } =
                self.session.process_tls_records(self.input.records());
            let (mut stage, mut put_well) = (None, Ok(()));
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(length) = traffic.peek_len() {
                        let room = to.remaining();
                        let begun = to.filled().len() > before;
                        if put.is_none() && length.get() > room && (begun || room == 0) {
                            (self.held, stage) = (true, Some(Stage::Traffic));
                            break;
                        }
                        match traffic.next_record() {
                            Some(Ok(record)) => {
                                let (now, later) = record.payload.split_at(length.get().min(room));
                                to.put_slice(now);
                                self.left_over.extend_from_slice(later);
                                discard += record.discard;
                            }
                            Some(Err(error)) => {
                                self.failed = Some(error);
                                break;
                            }
                            None => break,
                        }
                    }
                    if put.is_none() && discard == unread {
                        stage = Some(Stage::Traffic);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    put_well = self.output.put(0, |room| encoded(&data.encode(room)));
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(), // the output keeps the order
                Ok(ConnectionState::PeerClosed) => self.closed = true,
                Ok(ConnectionState::BlockedHandshake) if put.is_none() => stage = Some(Stage::Handshake),
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    match put {
                        Some(Put::Data(data)) => {
                            let guess = data.len() + (data.len() / RECORD + 1) * OVERHEAD;
                            put_well = self
                                .output
                                .put(guess, |room| encrypted(traffic.encrypt(data, room)));
                        }
                        Some(Put::CloseNotify) => {
                            let put = |room: &mut [u8]| encrypted(traffic.queue_close_notify(room));
                            put_well = self.output.put(OVERHEAD, put);
                        }
                        None => {}
                    }
                    stage = Some(Stage::Traffic);
                }
                Ok(_) if put.is_some() => put_well = Err(io::ErrorKind::BrokenPipe.into()),
                // early data is a server's to receive
                Ok(_) => stage = Some(Stage::Traffic),
                Err(error) => self.failed = Some(error),
            }
            self.input.discard(discard);
            put_well?;
            if let Some(error) = self.failed.clone() {
                self.put_alert();
                // what came before it counts
                return match to.filled().len() > before {
                    true => Ok(Stage::Traffic),
                    false => Err(invalid(error)),
                };
            }
            if let Some(stage) = stage {
                return Ok(stage);
            }
        }
    }

    /// The alert that rustls has for a peer that broke the rules, and what it had to say before.
    fn put_alert(&mut self) {
        while self.session.wants_write() {
            let status = self.session.process_tls_records(self.input.records());
            let Ok(ConnectionState::EncodeTlsData(mut record)) = status.state else {
                return;
            };
            let _ = self.output.put(0, |room| encoded(&record.encode(room)));
        }
    }

    /// Encrypts, a record for each `RECORD` bytes.
    fn put(&mut self, data: &[u8]) -> io::Result<()> {
        let put = Some(Put::Data(data)).filter(|_| !data.is_empty());
        put.map_or(Ok(()), |put| {
            self.process(&mut ReadBuf::new(&mut []), Some(put)).map(drop)
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tls<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tls = self.get_mut();
        if !tls.left_over.is_empty() {
            let length = tls.left_over.len().min(to.remaining());
            to.put_slice(&tls.left_over[..length]);
            tls.left_over.drain(..length);
            return Poll::Ready(Ok(()));
        }
        let before = to.filled().len();
        loop {
            if tls.held || tls.input.len() > 0 || tls.failed.is_some() {
                tls.receive(cx, to)?;
                // what the protocol itself has to say, now or with the next write, whose failure it is if it cannot:
                // a peer that reads no more may have answered
                let _ = tls.output.poll_send(&mut tls.socket, cx);
            }
            if to.filled().len() > before || tls.closed || to.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if ready!(tls.input.poll_fill(&mut tls.socket, cx))? == 0 {
                let error = "the peer closed the connection without TLS' close_notify";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tls<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tls = self.get_mut();
        // what was taken before goes first: there is never more than one write's in memory
        ready!(tls.output.poll_send(&mut tls.socket, cx))?;
        let all: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut taken = 0;
        match slices {
            [] => {}
            [one] => {
                taken = all.min(WRITTEN);
                tls.put(&one[..taken])?;
            }
            // one record, if they fit
            _ if all <= RECORD => {
                taken = all;
                let mut together = Vec::with_capacity(all);
                slices.iter().for_each(|slice| together.extend_from_slice(slice));
                tls.put(&together)?;
            }
            _ => {
                for slice in slices {
                    let length = slice.len().min(WRITTEN - taken);
                    tls.put(&slice[..length])?;
                    taken += length;
                }
            }
        }
        // a part that is not sent now is sent by the next write or flush
        let _ = tls.output.poll_send(&mut tls.socket, cx)?;
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tls = self.get_mut();
        ready!(tls.output.poll_send(&mut tls.socket, cx))?;
        tls.output.shrink();
        Pin::new(&mut tls.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tls = self.get_mut();
        if !std::mem::replace(&mut tls.closing, true) {
            // whoever failed has an alert to send instead
            let _ = tls.process(&mut ReadBuf::new(&mut []), Some(Put::CloseNotify));
        }
        ready!(tls.output.poll_send(&mut tls.socket, cx))?;
        match ready!(Pin::new(&mut tls.socket).poll_shutdown(cx)) {
            // the peer was first
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            ended => Poll::Ready(ended),
        }
    }
}

fn encoded(result: &Result<usize, EncodeError>) -> io::Result<Result<usize, InsufficientSizeError>> {
    match result {
        Ok(length) => Ok(Ok(*length)),
        Err(EncodeError::InsufficientSize(size)) => Ok(Err(*size)),
        Err(EncodeError::AlreadyEncoded) => Ok(Ok(0)),
    }
}

fn encrypted(result: Result<usize, EncryptError>) -> io::Result<Result<usize, InsufficientSizeError>> {
    match result {
        Ok(length) => Ok(Ok(length)),
        Err(EncryptError::InsufficientSize(size)) => Ok(Err(size)),
        Err(exhausted @ EncryptError::EncryptExhausted) => Err(io::Error::other(exhausted)),
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A record's bytes of data at most (RFC 8446, section 5.1).
const RECORD: usize = 16 * 1024;
/// What a record adds to its data in TLS 1.3; in 1.2 it may be more, and rustls says so.
const OVERHEAD: usize = 22;
/// What is encrypted of one write.
const WRITTEN: usize = 4 * RECORD;

#[cfg(test)]
mod tests;
