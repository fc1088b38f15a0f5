//! How long a client may keep a connection waiting: idle for [`IDLE`], a head that has begun for [`HEAD`],
//! an answer that it does not read for [`STALLED`].
//!
//! [`Patient`] sits between the socket, or TLS, and the codec. No clock is read for a request that comes whole:
//! a deadline of its own would set a timer for each.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// From the first byte of an HTTP/1 head, or of HTTP/2's preface, to its end.
pub(crate) const HEAD: Duration = Duration::from_secs(15);
/// From the end of an answer, or the connection's begin, to the next head; up to an eighth more. Longer than
/// what load balancers and clients keep idle connections for, or they would send into a closing one.
pub(crate) const IDLE: Duration = Duration::from_secs(3600);
/// Looks in that time at whether anything has happened.
const LOOKS: u32 = 8;
/// Without the client taking a byte of what is written to it.
pub(crate) const STALLED: Duration = Duration::from_secs(300);

/// What a connection's requests tell its [`Patient`]. Shared.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Heads that were complete.
    heads: AtomicU64,
    /// Requests whose answers have not ended.
    busy: AtomicU32,
    /// The connection changed protocols: its bytes are no heads any more.
    switched: AtomicBool,
    http2: AtomicBool,
    old: AtomicBool,
}

/// One request on a connection, until its answer has ended.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Pace>);

impl Pace {
    /// A head is complete.
    pub(crate) fn begin(self: &Arc<Pace>) -> Busy {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// What comes is HTTP/2.
    pub(crate) fn speak_http2(&self) {
        self.http2.store(true, Ordering::Relaxed);
    }

    /// The connection belongs to another protocol from now on.
    pub(crate) fn switch(&self) {
        self.switched.store(true, Ordering::Relaxed);
    }

    /// The connection has reached its age: an HTTP/1 one ends with its next answer.
    pub(crate) fn grow_old(&self) {
        self.old.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_old(&self) -> bool {
        self.old.load(Ordering::Relaxed)
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed)
    }

    /// Whether a request has come, ever.
    pub(crate) fn is_used(&self) -> bool {
        self.heads.load(Ordering::Relaxed) > 0
    }

    /// Whether what comes are HTTP/1 requests.
    fn is_http1(&self) -> bool {
        !self.switched.load(Ordering::Relaxed) && !self.is_http2()
    }

    /// Whether the next bytes begin a head.
    fn is_between(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == 0 && self.is_http1()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection's bytes, within bounds of time.
pub(crate) struct Patient<S> {
    stream: S,
    pace: Arc<Pace>,
    head: Duration,
    /// A head has begun when so many were complete.
    began: Option<u64>,
    idle: Option<Pin<Box<Sleep>>>,
    /// What was seen at the last look, and how many looks in a row saw the same.
    seen: (u64, u32),
    reading: Option<Pin<Box<Sleep>>>,
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S, pace: Arc<Pace>, head: Duration) -> Patient<S> {
        Patient {
            stream,
            pace,
            head,
            began: None,
            idle: None,
            seen: (0, 0),
            reading: None,
            writing: None,
        }
    }

    /// Bytes came.
    fn noticed(&mut self) {
        if self.began.is_none() && self.pace.is_between() {
            self.began = Some(self.pace.heads.load(Ordering::Relaxed));
        }
    }

    /// More is awaited: says whether a head is overdue.
    fn is_overdue(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(began) = self.began else { return false };
        if began != self.pace.heads.load(Ordering::Relaxed) || !self.pace.is_between() {
            (self.began, self.reading) = (None, None);
            return false;
        }
        let head = self.head;
        let timer = self
            .reading
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(head)));
        timer.as_mut().poll(cx).is_ready()
    }

    /// More is awaited: says whether nothing has happened for too long.
    fn is_idle(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            match &mut self.idle {
                // it will wake the connection's task, which is always the same
                Some(timer) if !timer.is_elapsed() => return false,
                Some(_) => {}
                none => {
                    let timer = none.insert(Box::pin(tokio::time::sleep(IDLE / LOOKS)));
                    if timer.as_mut().poll(cx).is_pending() {
                        return false;
                    }
                }
            }
            self.idle = None;
            let heads = self.pace.heads.load(Ordering::Relaxed);
            let quiet = self.seen.0 == heads && self.pace.is_between();
            self.seen = (heads, if quiet { self.seen.1 + 1 } else { 0 });
            if self.seen.1 > LOOKS {
                return true;
            }
        }
    }

    /// A write ended, or it did not.
    fn written<T>(&mut self, result: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.writing = None;
            return result;
        }
        let timer = self
            .writing
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(STALLED)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(late("the client does not read its answer"))),
            Poll::Pending => result,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => {
                this.noticed();
                Poll::Ready(Ok(()))
            }
            Poll::Pending if this.is_overdue(cx) => {
                Poll::Ready(Err(late("the client does not finish its request's head")))
            }
            Poll::Pending if !this.pace.switched.load(Ordering::Relaxed) && this.is_idle(cx) => {
                Poll::Ready(Err(late("the client is idle")))
            }
            other => other,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(result, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.written(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_flush(cx);
        this.written(result, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.written(result, cx)
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::{IDLE, Pace, Patient};

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test(start_paused = true)]
    async fn a_head_is_waited_for_from_its_first_byte_on_only() {
        let (mut client, server) = duplex(1024);
        let pace = Arc::new(Pace::default());
        let mut server = Patient::new(server, pace.clone(), SOON);
        let mut bytes = [0; 64];

        // idle: long, but not for ever
        let idle = tokio::time::timeout(IDLE, server.read(&mut bytes)).await;
        assert!(idle.is_err());

        // complete in one piece, then a body in many: no deadline
        client.write_all(b"POST / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(server.read(&mut bytes).await.unwrap(), 19);
        let busy = pace.begin();
        let body = tokio::time::timeout(Duration::from_secs(600), server.read(&mut bytes)).await;
        assert!(body.is_err());
        drop(busy);

        // begun and not finished
        client.write_all(b"G").await.unwrap();
        assert_eq!(server.read(&mut bytes).await.unwrap(), 1);
        let error = server.read(&mut bytes).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_ends_after_an_hour_and_a_used_one_later() {
        for used in [false, true] {
            let (_client, server) = duplex(1024);
            let pace = Arc::new(Pace::default());
            let mut server = Patient::new(server, pace.clone(), SOON);
            let began = tokio::time::Instant::now();
            if used {
                let half = tokio::time::timeout(IDLE / 2, server.read(&mut [0; 8])).await;
                assert!(half.is_err());
                drop(pace.begin());
            }
            let error = server.read(&mut [0; 8]).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
            let least = if used { IDLE + IDLE / 2 } else { IDLE };
            let took = began.elapsed();
            assert!(took >= least && took <= least + IDLE / 4, "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn over_http2_and_after_a_switch_there_are_no_heads() {
        for switch in [Pace::speak_http2, Pace::switch] {
            let (mut client, server) = duplex(1024);
            let pace = Arc::new(Pace::default());
            let mut server = Patient::new(server, pace.clone(), SOON);
            let mut bytes = [0; 64];
            let _busy = pace.begin();
            switch(&pace);
            client.write_all(b"x").await.unwrap();
            assert_eq!(server.read(&mut bytes).await.unwrap(), 1);
            let waited = tokio::time::timeout(Duration::from_secs(600), server.read(&mut bytes)).await;
            assert!(waited.is_err());
        }
    }
}
