//! Where each HTTP/1 request of a connection begins and ends, read from the bytes before hyper has them.
//!
//! hyper folds two equal Content-Length lines into one and drops a Content-Length beside chunks, as RFC
//! 9112, section 6.3, permits. Envoy refuses both, and so do we: whoever read them otherwise in front of
//! us would take one client's body for another's request. Nothing is held back; a refusal is kept for
//! when hyper hands the request over. What is refused here and what hyper refuses itself ends the
//! connection, so that both always agree on where the next request begins.
//!
//! Two things hyper would refuse with a bare 400: other versions and other codings. What says so is
//! overwritten, so that it comes through and gets its own status; of the request no more than that is used.

use std::io::BufRead;

use crate::codec::{self, HEADER_BYTES};
use crate::headers::Refused;

/// A line that is still incomplete at this length belongs to a head that is too large.
const LINE: usize = 2 * HEADER_BYTES;

/// How far the bytes of a connection were read.
#[derive(Debug, Default)]
pub(super) struct Framing {
    at: At,
    /// The begin of a line whose end has not come yet. Lines mostly come whole.
    begun: Vec<u8>,
    /// Heads that were read to their end.
    heads: u64,
}

#[derive(Debug)]
enum At {
    Head(Lines),
    /// In a body of known length, with so much to come.
    Body(u64),
    Chunks(Chunks),
    /// Behind what is refused: hyper goes no further, and nothing it might find would be admitted.
    Lost,
}

/// What the lines of a head said so far.
#[derive(Clone, Copy, Debug, Default)]
struct Lines {
    /// The request line was read; empty lines before it do not count (RFC 9112, section 2.2).
    begun: bool,
    /// It says another version than HTTP/1.1.
    other_version: bool,
    lengths: u8,
    /// None for what is no number: hyper refuses it.
    length: Option<u64>,
    codings: u8,
    /// The last coding is `chunked` and nothing else.
    chunked: bool,
}

/// The chunked coding (RFC 9112, section 7.1), as strict as hyper is.
#[derive(Clone, Copy, Debug)]
enum Chunks {
    Start,
    Size(u64),
    BehindSize(u64),
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// At the begin of a trailer's line, or of the empty one.
    Last,
    Trailer,
    TrailerLf,
    LastLf,
}

impl Default for At {
    fn default() -> At {
        At::Head(Lines::default())
    }
}

impl Framing {
    /// Reads on. Gives the number of the first head that is refused, counted from 0, and why.
    pub(super) fn read(&mut self, mut bytes: &mut [u8]) -> Option<(u64, Refused)> {
        while !bytes.is_empty() {
            match &mut self.at {
                At::Head(_) => {
                    let length = (&*bytes).skip_until(b'\n').unwrap_or(bytes.len());
                    let (line, rest) = bytes.split_at_mut(length);
                    bytes = rest;
                    if let Err(refused) = self.read_line(line) {
                        self.at = At::Lost;
                        return Some((self.heads, refused));
                    }
                }
                At::Body(left) => {
                    let here = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    *left -= here as u64;
                    bytes = &mut bytes[here..];
                    if *left == 0 {
                        self.at = At::default();
                    }
                }
                At::Chunks(chunks) => {
                    let mut rest = &*bytes;
                    let ended = chunks.read(&mut rest);
                    let read = bytes.len() - rest.len();
                    bytes = &mut bytes[read..];
                    self.at = match ended {
                        Some(true) => At::default(),
                        Some(false) => return None,
                        // the request was admitted; its body fails, and no other may follow it
                        None => {
                            self.at = At::Lost;
                            return Some((self.heads, Refused::BAD_REQUEST));
                        }
                    };
                }
                At::Lost => return None,
            }
        }
        None
    }

    /// Takes a head's next line, or what there is of it.
    fn read_line(&mut self, part: &mut [u8]) -> Result<(), Refused> {
        let At::Head(lines) = &mut self.at else {
            return Ok(());
        };
        let ended = match (part.ends_with(b"\n"), self.begun.is_empty()) {
            (true, true) => lines.take(part),
            (true, false) => {
                self.begun.extend_from_slice(part);
                let ended = lines.take(&mut self.begun);
                self.begun.clear();
                ended
            }
            (false, _) if self.begun.len() + part.len() > LINE => return Err(Refused::BAD_REQUEST),
            (false, _) => {
                self.begun.extend_from_slice(part);
                false
            }
        };
        if ended {
            self.at = lines.body()?;
            self.heads += 1;
        }
        Ok(())
    }
}

impl Lines {
    /// Takes a line with its end. Says whether it ends the head.
    fn take(&mut self, line: &mut [u8]) -> bool {
        let end = if line.ends_with(b"\r\n") { 2 } else { 1 };
        let length = line.len() - end;
        let line = &mut line[..length];
        if line.is_empty() {
            return self.begun;
        }
        if !self.begun {
            self.begun = true;
            self.other_version = conceal_version(line);
            return false;
        }
        if let Some(value) = value_of(b"content-length", line) {
            self.lengths = self.lengths.saturating_add(1);
            let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(value).ok().filter(|_| digits);
            self.length = text.and_then(|text| text.parse().ok());
        } else if let Some(value) = value_of(b"transfer-encoding", line) {
            self.codings = self.codings.saturating_add(1);
            self.chunked = value.eq_ignore_ascii_case(b"chunked");
            if !self.chunked || self.other_version {
                line[..CONCEALED.len()].copy_from_slice(CONCEALED);
            }
        }
        false
    }

    /// What follows the head.
    fn body(&self) -> Result<At, Refused> {
        match (self.lengths, self.codings) {
            _ if self.other_version => Err(Refused::OLD_VERSION),
            (0, 0) => Ok(At::default()),
            (1, 0) => match self.length {
                Some(0) => Ok(At::default()),
                Some(length) => Ok(At::Body(length)),
                None => Err(Refused::BAD_REQUEST),
            },
            (0, 1) if self.chunked => Ok(At::Chunks(Chunks::Start)),
            (0, _) => Err(codec::NOT_IMPLEMENTED),
            _ => Err(Refused::BAD_REQUEST),
        }
    }
}

/// The value of a line with this name. Other spellings, as with a space before the colon, hyper refuses.
fn value_of<'a>(name: &[u8], line: &'a [u8]) -> Option<&'a [u8]> {
    let named = line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name);
    named.then(|| line[name.len() + 1..].trim_ascii())
}

/// Makes an HTTP/1.1 request line of one with another version. Says whether it did; what is no version at
/// all hyper refuses.
fn conceal_version(line: &mut [u8]) -> bool {
    let Some([b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]) = line.last_chunk_mut::<9>() else {
        return false;
    };
    let other = major.is_ascii_digit() && minor.is_ascii_digit() && (*major, *minor) != (b'1', b'1');
    if other {
        (*major, *minor) = (b'1', b'1');
    }
    other
}

/// As long as `transfer-encoding`.
const CONCEALED: &[u8; 17] = b"x-refused-codings";

impl Chunks {
    /// Reads on: whether the last chunk ended, or nothing when this is no chunked body.
    fn read(&mut self, bytes: &mut &[u8]) -> Option<bool> {
        while let Some((byte, rest)) = bytes.split_first() {
            if let Chunks::Data(left) = self {
                let here = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= here as u64;
                *bytes = &bytes[here..];
                if *left == 0 {
                    *self = Chunks::DataCr;
                }
                continue;
            }
            *bytes = rest;
            if let (Chunks::LastLf, b'\n') = (*self, byte) {
                return Some(true);
            }
            *self = self.step(*byte)?;
        }
        Some(false)
    }

    fn step(self, byte: u8) -> Option<Chunks> {
        use Chunks::*;
        Some(match (self, byte) {
            (Start, _) => Size(digit(byte)?),
            (Size(size) | BehindSize(size) | Extension(size), b'\r') => SizeLf(size),
            (Size(size) | BehindSize(size), b' ' | b'\t') => BehindSize(size),
            (Size(size) | BehindSize(size), b';') => Extension(size),
            (Size(size), _) => Size(size.checked_mul(16)?.checked_add(digit(byte)?)?),
            (Extension(_), b'\n') => return None,
            (Extension(size), _) => Extension(size),
            (SizeLf(0) | TrailerLf, b'\n') => Last,
            (SizeLf(size), b'\n') => Data(size),
            (DataCr, b'\r') => DataLf,
            (DataLf, b'\n') => Start,
            (Last, b'\r') => LastLf,
            (Trailer, b'\r') => TrailerLf,
            (Last | Trailer, _) => Trailer,
            _ => return None,
        })
    }
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Option<(u64, u16)> = Some((0, 400));

    /// In one piece, byte by byte, and behind other requests: always the same.
    fn refused(request: &str) -> Option<(u64, u16)> {
        let told = |found: Option<(u64, Refused)>| found.map(|(head, why)| (head, why.status.as_u16()));
        let whole = told(Framing::default().read(&mut request.as_bytes().to_vec()));
        let mut framing = Framing::default();
        let mut bytes = request.as_bytes().to_vec();
        let mut bytes = bytes.chunks_mut(1);
        assert_eq!(
            told(bytes.find_map(|byte| framing.read(byte))),
            whole,
            "{request:?}"
        );
        for (before, heads) in [(PLAIN, 1), (LENGTH, 1), (CHUNKED, 1)] {
            let mut framing = Framing::default();
            let both = format!("{before}\r\n{request}");
            let shifted = whole.map(|(head, why)| (head + heads, why));
            assert_eq!(
                told(framing.read(&mut both.into_bytes())),
                shifted,
                "{before:?} {request:?}"
            );
        }
        whole
    }

    const PLAIN: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    const LENGTH: &str = "POST / HTTP/1.1\ncontent-length: 4\n\n\r\n\r\n";
    const CHUNKED: &str = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\
                           00a;x=\"\r\n0123456789\r\n4 \t\r\n\r\n\r\n\r\n0\r\nx: y\r\nz:\r\n\r\n";

    #[test]
    fn a_head_with_more_than_one_framing_is_refused() {
        for (lines, wanted) in [
            ("", None),
            ("content-length: 0", None),
            ("content-length: 4", None),
            ("Transfer-Encoding: \t Chunked \t", None),
            (
                "x-content-length: 4\r\ncontent-lengthy: 5\r\ncontent-length: 0004",
                None,
            ),
            ("content-length: 4\r\ncontent-length: 4", BAD),
            ("Content-Length: 4\r\nhost: a\r\nCONTENT-LENGTH:4", BAD),
            ("content-length: 4\r\ntransfer-encoding: chunked", BAD),
            ("transfer-encoding: chunked\r\ncontent-length: 4", BAD),
            ("transfer-encoding:\r\ncontent-length: 4", BAD),
            ("content-length: 4, 4", BAD),
            ("content-length: +4", BAD),
            ("content-length:", BAD),
            ("content-length: 18446744073709551616", BAD),
            (
                "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
                Some((0, 501)),
            ),
            ("transfer-encoding: chunked, chunked", Some((0, 501))),
            ("transfer-encoding: gzip, chunked", Some((0, 501))),
            ("transfer-encoding:", Some((0, 501))),
        ] {
            assert_eq!(
                refused(&format!("\r\nPOST / HTTP/1.1\r\n{lines}\r\n\r\n")),
                wanted,
                "{lines:?}"
            );
            let lines = lines.replace("\r\n", "\n");
            assert_eq!(
                refused(&format!("POST / HTTP/1.1\n{lines}\n\n")),
                wanted,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn behind_chunks_that_are_none_no_request_is_admitted() {
        let head = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
        for body in [
            " 5\r\n",
            "0x5\r\n",
            "z\r\n",
            "-5\r\n",
            "\r\n",
            "10000000000000005\r\n",
            "5\n",
            "5\rx",
            "5;\n",
            "5 5",
            "1\r\nxx",
            "1\r\nx\n",
            "0\r\nx: y\r\r",
            "0\r\n\rx",
        ] {
            assert_eq!(refused(&format!("{head}{body}")), Some((1, 400)), "{body:?}");
        }
    }

    #[test]
    fn another_version_or_coding_comes_through_hyper_to_its_own_answer() {
        for (request, concealed, status) in [
            (
                "GET / HTTP/1.0\r\nA: b\r\n\r\n",
                "GET / HTTP/1.1\r\nA: b\r\n\r\n",
                426,
            ),
            ("GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", 426),
            ("GET / HTTP/0.9\n\n", "GET / HTTP/1.1\n\n", 426),
            (
                "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
                "GET / HTTP/1.1\r\nx-refused-codings: gzip\r\n\r\n",
                501,
            ),
        ] {
            let mut bytes = request.as_bytes().to_vec();
            let refused = Framing::default().read(&mut bytes);
            assert_eq!(refused.map(|(_, why)| why.status.as_u16()), Some(status));
            assert_eq!(String::from_utf8(bytes).unwrap(), concealed);
        }
        for request in [PLAIN, LENGTH, CHUNKED, "GET /\r\n\r\n", "GET / HTTP/1.10\r\n\r\n"] {
            let mut bytes = request.as_bytes().to_vec();
            assert!(Framing::default().read(&mut bytes).is_none());
            assert_eq!(bytes, request.as_bytes());
        }
    }

    #[test]
    fn a_line_without_an_end_has_a_bound() {
        let mut framing = Framing::default();
        let mut bytes = [b'x'; 1024];
        let read = (0..1000)
            .take_while(|_| framing.read(&mut bytes).is_none())
            .count();
        assert_eq!(read, LINE / bytes.len());
        assert_eq!(framing.begun.len(), LINE);
    }
}
