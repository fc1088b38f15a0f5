//! The HTTP/1.1 side of an upstream.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

use super::Upstream;
use super::plan::{Abort, Plan};
use crate::wire::{Head, read_chunked, read_sized, to_bytes};

/// Serves a connection until the peer closes it or a plan does.
pub(super) async fn serve(
    upstream: Upstream,
    read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut read = BufReader::new(read);
    for number in 1.. {
        let head = Head::read(&mut read).await?;
        let mut parts = head.start.splitn(3, ' ').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let (method, target, version) = (part(), part(), part());
        let mut body = Vec::new();
        if head.is_chunked() {
            read_chunked(&mut read, &mut body).await?;
        } else if let Some(length) = head.content_length()? {
            read_sized(&mut read, length, &mut body).await?;
        }

        let is_websocket = head
            .last("upgrade")
            .is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"));
        let plan = upstream.note(
            version.trim_start_matches("HTTP/"),
            &method,
            &target,
            head.headers,
            &body,
        );
        tokio::time::sleep(plan.wait).await;
        if plan.abort == Some(Abort::Before) {
            return Ok(());
        }
        if is_websocket {
            return echo(read, write).await;
        }
        reply(&plan, &method, &plan.body(upstream.name, number), &mut write).await?;
        if plan.close || plan.abort.is_some() {
            return Ok(());
        }
    }
    Ok(())
}

async fn reply(
    plan: &Plan,
    method: &str,
    body: &[u8],
    write: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let mut message = Vec::new();
    if plan.early_hints {
        message.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n");
    }
    message.extend_from_slice(format!("HTTP/1.1 {} x\r\n", plan.status()).as_bytes());
    for (name, value) in plan.headers() {
        message.extend_from_slice(&to_bytes(&format!("{name}: {value}\r\n")));
    }
    let mut content = if plan.chunked {
        message.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
    } else {
        message.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        body.to_vec()
    };
    if method == "HEAD" || matches!(plan.status(), 204 | 304) {
        content.clear();
    }
    if plan.abort == Some(Abort::Mid) {
        content.truncate(1);
    }
    message.extend_from_slice(&content);
    write.write_all(&message).await?;
    write.flush().await?;
    if plan.abort == Some(Abort::Mid) {
        tokio::time::sleep(BEFORE_THE_CUT).await;
    }
    Ok(())
}

/// Accepts the upgrade and sends everything back.
async fn echo(mut read: impl AsyncRead + Unpin, mut write: impl AsyncWrite + Unpin) -> io::Result<()> {
    write
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
        .await?;
    let mut buffer = vec![0; 65536];
    loop {
        write.flush().await?;
        match read.read(&mut buffer).await? {
            0 => return Ok(()),
            n => write.write_all(&buffer[..n]).await?,
        }
    }
}

/// The gateway is to have passed on the first byte before the connection ends: two events, not one.
pub(super) const BEFORE_THE_CUT: Duration = Duration::from_millis(50);
