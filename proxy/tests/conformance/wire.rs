//! Reading HTTP/1.1 as it lies on the wire, for the client's and for the upstreams' side.
//!
//! Deliberately not a library's reading: what a peer sent is recorded as it is, and only a peer that
//! frames its message wrongly makes it fail. Bytes become characters one to one (Latin-1).

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// A start line and the header lines below it, names in the case they were sent.
pub(crate) struct Head {
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// Reads up to and including the empty line.
    pub(crate) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Self> {
        let start = line(from).await?;
        let mut headers = Vec::new();
        loop {
            let line = line(from).await?;
            if line.is_empty() {
                return Ok(Self { start, headers });
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| io::Error::other(format!("no header line: {line:?}")))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// The last value of a header, as the framing headers are read.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .rev()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.last("transfer-encoding")
            .is_some_and(|codings| codings.contains("chunked"))
    }

    pub(crate) fn content_length(&self) -> io::Result<Option<u64>> {
        self.last("content-length")
            .map(|n| n.parse().map_err(io::Error::other))
            .transpose()
    }
}

/// Appends a chunked body to `body`, whole chunks only, and skips the trailers.
pub(crate) async fn read_chunked(
    from: &mut (impl AsyncBufRead + Unpin),
    body: &mut Vec<u8>,
) -> io::Result<()> {
    loop {
        let line_of_size = line(from).await?;
        let size = line_of_size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        if size == 0 {
            while !line(from).await?.is_empty() {}
            return Ok(());
        }
        let mut chunk = vec![0; size + 2];
        from.read_exact(&mut chunk).await?;
        body.extend_from_slice(&chunk[..size]);
    }
}

/// Appends `length` bytes to `body`, or as many as came before the peer closed.
pub(crate) async fn read_sized(
    from: &mut (impl AsyncBufRead + Unpin),
    length: u64,
    body: &mut Vec<u8>,
) -> io::Result<()> {
    let read = from.take(length).read_to_end(body).await?;
    if read as u64 == length {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line).await?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(to_text(line)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Each byte as the character of the same number.
pub(crate) fn to_text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The reverse of [`to_text`]; a character beyond Latin-1 becomes its UTF-8 bytes.
pub(crate) fn to_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}
