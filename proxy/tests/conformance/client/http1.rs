//! HTTP/1 as the table says, byte for byte, and requests that are bytes to begin with.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

use super::{Message, NoHttp, Reply};
use crate::wire::{Head, read_chunked, read_sized, to_bytes};

/// Sends `message` and reads its answer. An accepted upgrade is tried with `ping`.
pub(super) async fn send<S>(message: Message, version: &str, stream: S) -> Result<Reply, NoHttp>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    // who refuses a request early may close before it has read all of it; the answer counts
    let sent = stream.write_all(&message.on_the_wire(version)).await;
    let sent = sent.and(stream.flush().await);
    let mut reply = match read_reply(&mut stream, &message.method).await {
        Err(error) => return Err(NoHttp(format!("closed ({})", sent.err().unwrap_or(error)))),
        Ok(reply) => reply,
    };
    if reply.status == 101 {
        stream.write_all(b"ping").await?;
        stream.flush().await?;
        reply.body = vec![0; 4];
        let echo = timeout(PATIENCE_WITH_UPGRADES, stream.read_exact(&mut reply.body)).await;
        echo.map_err(|_| NoHttp("timeout".into()))??;
    }
    Ok(reply)
}

impl Message {
    fn on_the_wire(&self, version: &str) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/{version}\r\n", self.method, self.target);
        let host = self.host.iter().map(|host| ("host", host.as_str()));
        for (name, value) in host.chain(
            self.headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        ) {
            text += &format!("{name}: {value}\r\n");
        }
        let is_framing = |name: &str| {
            ["content-length", "transfer-encoding"]
                .iter()
                .any(|n| name.eq_ignore_ascii_case(n))
        };
        if !self.body.is_empty() && !self.headers.iter().any(|(name, _)| is_framing(name)) {
            text += &format!("content-length: {}\r\n", self.body.len());
        }
        [text.as_bytes(), b"\r\n", &self.body].concat()
    }
}

/// Sends the parts as they are, each character a byte, with a pause between, and reads every answer until the
/// gateway closes or is silent for `wait` seconds.
pub(super) async fn send_raw<S>(parts: Vec<String>, wait: f64, mut stream: S) -> Result<Reply, NoHttp>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            tokio::time::sleep(BETWEEN_PARTS).await;
        }
        // as above: who closed early may have answered
        if stream.write_all(&to_bytes(part)).await.is_err() || stream.flush().await.is_err() {
            break;
        }
    }
    let (mut received, mut buffer, mut closed) = (Vec::new(), vec![0; 65536], false);
    while let Ok(read) = timeout(Duration::from_secs_f64(wait), stream.read(&mut buffer)).await {
        match read {
            Ok(n) if n > 0 => received.extend_from_slice(&buffer[..n]),
            Ok(_) | Err(_) => {
                closed = true;
                break;
            }
        }
    }
    if received.is_empty() {
        return Err(NoHttp(if closed { "closed" } else { "no answer" }.into()));
    }
    all_replies(&received, closed).await
}

/// The first answer, with the statuses of all.
async fn all_replies(mut received: &[u8], closed: bool) -> Result<Reply, NoHttp> {
    let (mut first, mut statuses, mut interim) = (None, Vec::new(), Vec::new());
    while !received.is_empty() {
        let Ok(reply) = read_reply(&mut received, "GET").await else {
            break;
        };
        statuses.push(reply.status);
        interim.extend_from_slice(&reply.interim);
        first.get_or_insert(reply);
    }
    let first = first.ok_or_else(|| NoHttp(format!("not HTTP: {}", String::from_utf8_lossy(received))))?;
    Ok(Reply {
        raw: Some((statuses, closed)),
        interim,
        truncated: false,
        ..first
    })
}

/// The final answer to a request of `method`, the interim ones noted.
async fn read_reply(stream: &mut (impl AsyncBufRead + Unpin), method: &str) -> io::Result<Reply> {
    let mut reply = Reply::default();
    let head = loop {
        let head = Head::read(stream).await?;
        let status = head
            .start
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        reply.status = status.ok_or_else(|| io::Error::other(format!("no status line: {:?}", head.start)))?;
        if reply.status == 101 || reply.status >= 200 {
            break head;
        }
        reply.interim.push(reply.status);
    };
    let bodiless = method == "HEAD" || matches!(reply.status, 101 | 204 | 304);
    let read = if bodiless {
        Ok(())
    } else if head.is_chunked() {
        read_chunked(stream, &mut reply.body).await
    } else if let Some(length) = head.content_length()? {
        read_sized(stream, length, &mut reply.body).await
    } else {
        stream.read_to_end(&mut reply.body).await.map(|_| ())
    };
    reply.truncated = read.is_err();
    reply.headers = head
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    Ok(reply)
}

const BETWEEN_PARTS: Duration = Duration::from_millis(50);
const PATIENCE_WITH_UPGRADES: Duration = Duration::from_secs(2);
