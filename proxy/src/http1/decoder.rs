//! Where a body ends (RFC 9112, section 6.3), and the chunked coding (section 7.1), strict: what two readers
//! could understand differently is an error.

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Reads the body of one message from a connection's bytes.
#[derive(Debug)]
pub(super) enum Decoder {
    /// So many bytes are still to come; none = it has ended.
    Length(u64),
    Chunked(Box<Chunked>),
    /// Until the peer closes: answers only.
    UntilClose,
}

/// What the bytes at hand say.
#[derive(Debug)]
pub(super) enum Taken {
    /// A piece of the body.
    Data(Bytes),
    /// It has ended; perhaps with trailers.
    End(Option<HeaderMap>),
    /// The rest has not come yet.
    More,
}

/// These bytes are no chunked body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed;

#[derive(Debug)]
pub(super) struct Chunked {
    at: At,
    /// Bytes of extensions and padding so far, all chunks together.
    idle: usize,
    /// The lines behind the last chunk.
    trailers: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
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
    Ended,
}

impl Decoder {
    /// For a body in chunks.
    pub(super) fn chunked() -> Decoder {
        Decoder::Chunked(Box::new(Chunked {
            at: At::Start,
            idle: 0,
            trailers: Vec::new(),
        }))
    }

    /// Whether nothing is to come, trailers included.
    pub(super) fn has_ended(&self) -> bool {
        match self {
            Decoder::Length(left) => *left == 0,
            Decoder::Chunked(chunked) => chunked.at == At::Ended && chunked.trailers.is_empty(),
            Decoder::UntilClose => false,
        }
    }

    /// How many bytes are missing behind those at hand; 0 where nobody knows.
    pub(super) fn lacks(&self, buffer: &BytesMut) -> usize {
        match self {
            Decoder::Length(left) => usize::try_from(*left)
                .unwrap_or(usize::MAX)
                .saturating_sub(buffer.len()),
            Decoder::Chunked(_) | Decoder::UntilClose => 0,
        }
    }

    /// Takes the next piece out of the buffer.
    pub(super) fn take(&mut self, buffer: &mut BytesMut) -> Result<Taken, Malformed> {
        match self {
            Decoder::Length(0) => Ok(Taken::End(None)),
            _ if buffer.is_empty()
                && !matches!(self, Decoder::Chunked(chunked) if chunked.at == At::Ended) =>
            {
                Ok(Taken::More)
            }
            Decoder::Length(left) => {
                let data = split(buffer, *left);
                *left -= data.len() as u64;
                Ok(Taken::Data(data))
            }
            Decoder::Chunked(chunked) => chunked.take(buffer),
            Decoder::UntilClose => Ok(Taken::Data(buffer.split().freeze())),
        }
    }
}

fn split(buffer: &mut BytesMut, most: u64) -> Bytes {
    let here = usize::try_from(most).map_or(buffer.len(), |most| most.min(buffer.len()));
    buffer.split_to(here).freeze()
}

impl Chunked {
    fn take(&mut self, buffer: &mut BytesMut) -> Result<Taken, Malformed> {
        self.advance(buffer)?;
        match &mut self.at {
            At::Data(left) if !buffer.is_empty() => {
                let data = split(buffer, *left);
                *left -= data.len() as u64;
                if *left == 0 {
                    self.at = At::DataCr;
                    // whoever has the last piece should know that it is the last
                    self.advance(buffer)?;
                }
                Ok(Taken::Data(data))
            }
            At::Ended => Ok(Taken::End(trailers(&std::mem::take(&mut self.trailers))?)),
            _ => Ok(Taken::More),
        }
    }

    /// Reads what stands between pieces.
    fn advance(&mut self, buffer: &mut BytesMut) -> Result<(), Malformed> {
        let mut read = 0;
        for byte in &**buffer {
            if matches!(self.at, At::Data(_) | At::Ended) {
                break;
            }
            read += 1;
            self.at = self.at.step(*byte).ok_or(Malformed)?;
            match self.at {
                At::Extension(_) | At::BehindSize(_) | At::Size(0) => self.idle += 1,
                At::Trailer | At::TrailerLf | At::LastLf => self.trailers.push(*byte),
                At::Last if !self.trailers.is_empty() => self.trailers.push(*byte),
                At::Ended => match self.trailers.len() {
                    1 => self.trailers.clear(), // the carriage return of the empty line: there are none
                    _ => self.trailers.push(*byte),
                },
                _ => {}
            }
            if self.idle > EXTENSIONS || self.trailers.len() > TRAILERS {
                return Err(Malformed);
            }
        }
        buffer.advance(read);
        Ok(())
    }
}

impl At {
    fn step(self, byte: u8) -> Option<At> {
        use At::*;
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
            (LastLf, b'\n') => Ended,
            (Trailer, b'\r') => TrailerLf,
            (Last | Trailer, _) => Trailer,
            _ => return None,
        })
    }
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

fn trailers(lines: &[u8]) -> Result<Option<HeaderMap>, Malformed> {
    if lines.is_empty() {
        return Ok(None);
    }
    let most = memchr::memchr_iter(b'\n', lines).count();
    let mut parsed = vec![httparse::EMPTY_HEADER; most];
    let Ok(httparse::Status::Complete((_, parsed))) = httparse::parse_headers(lines, &mut parsed) else {
        return Err(Malformed);
    };
    let mut trailers = HeaderMap::with_capacity(parsed.len());
    for line in parsed {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| Malformed)?;
        trailers.append(name, HeaderValue::from_bytes(line.value).map_err(|_| Malformed)?);
    }
    Ok(Some(trailers))
}

/// Bytes of chunk extensions and padding in one body, and of its trailers.
const EXTENSIONS: usize = 16 * 1024;
const TRAILERS: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// What a body says, and what is left behind it.
    fn read(
        decoder: &mut Decoder,
        bytes: &str,
        piece: usize,
    ) -> Result<(String, Option<HeaderMap>, String), Malformed> {
        let (mut data, mut buffer) = (Vec::new(), BytesMut::new());
        let mut pieces = bytes.as_bytes().chunks(piece);
        loop {
            match decoder.take(&mut buffer)? {
                Taken::Data(piece) => data.extend_from_slice(&piece),
                Taken::More => match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => return Err(Malformed),
                },
                Taken::End(trailers) => {
                    pieces.for_each(|piece| buffer.extend_from_slice(piece));
                    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                    return Ok((text(&data), trailers, text(&buffer)));
                }
            }
        }
    }

    #[test]
    fn chunks_in_any_pieces_are_one_body() {
        let body = "00a;x\r\n0123456789\r\n1 \r\n\n\r\n0\r\n\r\nGET /";
        for piece in 1..=body.len() {
            let (data, trailers, rest) = read(&mut Decoder::chunked(), body, piece).unwrap();
            assert_eq!(
                (&*data, trailers, &*rest),
                ("0123456789\n", None, "GET /"),
                "{piece}"
            );
            let with = "1\r\nx\r\n0\r\nA: b\r\nc:d\r\n\r\nrest";
            let (data, trailers, rest) = read(&mut Decoder::chunked(), with, piece).unwrap();
            let trailers = trailers.unwrap();
            assert_eq!(
                (&*data, &trailers["a"], &trailers["c"], &*rest),
                ("x", &"b".parse().unwrap(), &"d".parse().unwrap(), "rest")
            );
            let (data, _, rest) = read(&mut Decoder::Length(3), "abcdef", piece).unwrap();
            assert_eq!((&*data, &*rest), ("abc", "def"));
        }
    }

    #[test]
    fn the_last_piece_is_known_to_be_the_last() {
        for (mut decoder, bytes) in [
            (Decoder::Length(1), "x"),
            (Decoder::chunked(), "1\r\nx\r\n0\r\n\r\n"),
        ] {
            let mut buffer = BytesMut::from(bytes);
            assert!(matches!(decoder.take(&mut buffer), Ok(Taken::Data(_))));
            assert!(decoder.has_ended(), "{bytes:?}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let extension = format!("1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(EXTENSIONS));
        let zeros = format!("{}1\r\nx\r\n0\r\n\r\n", "0".repeat(EXTENSIONS + 1));
        let trailer = format!("0\r\nx: {}\r\n\r\n", "x".repeat(TRAILERS));
        for body in [
            " 1\r\nx\r\n0\r\n\r\n",
            "1\nx\r\n0\r\n\r\n",
            "1\r\nxy\r\n0\r\n\r\n",
            "1\r\nx\n0\r\n\r\n",
            "1;a\nb\r\nx\r\n0\r\n\r\n",
            "10000000000000000\r\nx",
            "-1\r\n",
            "0x1\r\nx\r\n0\r\n\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\n: no name\r\n\r\n",
            &extension,
            &zeros,
            &trailer,
        ] {
            for piece in [1, body.len()] {
                assert!(read(&mut Decoder::chunked(), body, piece).is_err(), "{body:?}");
            }
        }
    }
}
