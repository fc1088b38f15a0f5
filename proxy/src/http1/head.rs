//! Heads of messages: from bytes to `http`'s types with the body's framing decided, and back.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, response,
};
use httparse::{ParserConfig, Status};

use super::decoder::Decoder;
use super::output::Encoding;
use crate::codec::{self, HEADER_BYTES};
use crate::headers::Refused;

/// A request's head, and what it says about the connection.
#[derive(Debug)]
pub(super) struct RequestHead {
    pub(super) parts: Parts,
    /// Well formed enough to be answered, but not to be read: nothing behind it is.
    pub(super) refused: Option<Refused>,
    pub(super) body: Decoder,
    /// No other request follows.
    pub(super) last: bool,
    /// The client waits for a 100 before it sends its body.
    pub(super) expects: bool,
    pub(super) upgrade: bool,
}

/// An answer's head, and what it says about the connection.
#[derive(Debug)]
pub(super) struct ResponseHead {
    pub(super) parts: response::Parts,
    pub(super) body: Decoder,
    /// Another request may follow.
    pub(super) keeps: bool,
}

/// What is no HTTP/1.1 head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Not of its form.
    Form,
    /// More than anyone reads.
    TooLarge,
}

/// Reads heads out of a buffer that grows.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Bytes without a head's end.
    scanned: usize,
    /// The request line says another version than HTTP/1.1, and was overwritten.
    other_version: bool,
}

impl Reader {
    /// Takes a request's head out of the buffer; none while it is not complete.
    pub(super) fn request(&mut self, buffer: &mut BytesMut) -> Result<Option<RequestHead>, Malformed> {
        if matches!(buffer.first(), Some(b'\r' | b'\n')) {
            skip_empty_lines(buffer);
            self.scanned = 0;
        }
        let Some(end) = self.end(buffer, REQUEST_BYTES)? else {
            if buffer.len() <= PROBED {
                self.probe(buffer)?;
            }
            return Ok(None);
        };
        let mut bytes = buffer.split_to(end);
        self.scanned = 0;
        self.conceal_version(&mut bytes);
        let other_version = std::mem::take(&mut self.other_version);
        request(&bytes.freeze(), other_version).map(Some)
    }

    /// Takes an answer's head out of the buffer; none while it is not complete. Interim answers are passed
    /// over (RFC 9110, section 15.2), but for the one that switches protocols.
    pub(super) fn response(
        &mut self,
        buffer: &mut BytesMut,
        asked: &Method,
    ) -> Result<Option<ResponseHead>, Malformed> {
        loop {
            let Some(end) = self.end(buffer, RESPONSE_BYTES)? else {
                return Ok(None);
            };
            let bytes = buffer.split_to(end).freeze();
            self.scanned = 0;
            let head = response(&bytes, asked)?;
            if !head.parts.status.is_informational() || head.parts.status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Some(head));
            }
        }
    }

    /// Where the head ends, if its end has come: at an empty line.
    fn end(&mut self, buffer: &BytesMut, most: usize) -> Result<Option<usize>, Malformed> {
        // the end may begin in what was scanned
        let from = self.scanned.saturating_sub(2);
        for at in memchr::memchr_iter(b'\n', &buffer[from..]) {
            let behind = from + at + 1;
            match &buffer[behind..] {
                [b'\n', ..] => return Ok(Some(behind + 1)),
                [b'\r', b'\n', ..] => return Ok(Some(behind + 2)),
                _ => {}
            }
        }
        self.scanned = buffer.len();
        match buffer.len() > most {
            true => Err(Malformed::TooLarge),
            false => Ok(None),
        }
    }

    /// Who sends no HTTP need not be waited for.
    fn probe(&mut self, buffer: &mut BytesMut) -> Result<(), Malformed> {
        self.conceal_version(buffer);
        let mut lines = [const { MaybeUninit::uninit() }; LINES];
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(buffer, &mut lines) {
            // a version of which not all has come
            Err(httparse::Error::Version) if !buffer.contains(&b'\n') => Ok(()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an HTTP/1.1 request line of one with another version, so that the rest can be read and the
    /// answer says what is wrong with it; of the request no more is used.
    fn conceal_version(&mut self, bytes: &mut [u8]) {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return;
        };
        let line = bytes[..end].strip_suffix(b"\r").map_or(end, <[u8]>::len);
        let line = &mut bytes[..line];
        let preface = line.starts_with(b"PRI "); // of HTTP/2, or what was meant to be
        let Some([b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor]) = line.last_chunk_mut::<9>()
        else {
            return;
        };
        let other = major.is_ascii_digit() && minor.is_ascii_digit() && (*major, *minor) != (b'1', b'1');
        if other && !preface {
            (*major, *minor) = (b'1', b'1');
            self.other_version = true;
        }
    }
}

/// Before a request line they do not count (RFC 9112, section 2.2).
fn skip_empty_lines(buffer: &mut BytesMut) {
    let empty = buffer
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    // a carriage return may be the begin of what is no line
    if empty > 0 && (buffer[empty - 1] == b'\n') {
        buffer.advance(empty);
    }
}

fn request(bytes: &Bytes, other_version: bool) -> Result<RequestHead, Malformed> {
    let mut lines = [const { MaybeUninit::uninit() }; LINES];
    let mut parsed = httparse::Request::new(&mut []);
    let parsed_to = parsed.parse_with_uninit_headers(bytes, &mut lines)?;
    let (Status::Complete(length), Some(method), Some(path), Some(_)) =
        (parsed_to, parsed.method, parsed.path, parsed.version)
    else {
        return Err(Malformed::Form);
    };
    if length != bytes.len() {
        return Err(Malformed::Form); // two readings of where the head ends
    }
    if path.len() > HEADER_BYTES {
        return Err(Malformed::TooLarge);
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(method.as_bytes()).map_err(|_| Malformed::Form)?;
    parts.uri = Uri::from_maybe_shared(bytes.slice_ref(path.as_bytes())).map_err(|_| Malformed::Form)?;
    let mut said = Said::default();
    let (mut expects, mut upgrade) = (false, false);
    parts.headers = headers(parsed.headers, bytes, |name, value| {
        if *name == EXPECT {
            expects = value.as_bytes().eq_ignore_ascii_case(b"100-continue");
        } else if *name == UPGRADE {
            upgrade = true;
        } else {
            said.line(name, value);
        }
    })?;
    let framing = match other_version {
        true => Err(Refused::OLD_VERSION),
        false => said.of_request(),
    };
    let (body, refused) = match framing {
        Ok(body) => (body, None),
        Err(refused) => (Decoder::Length(0), Some(refused)),
    };
    Ok(RequestHead {
        last: said.closes || refused.is_some(),
        upgrade: upgrade && body.has_ended(),
        parts,
        refused,
        body,
        expects,
    })
}

fn response(bytes: &Bytes, asked: &Method) -> Result<ResponseHead, Malformed> {
    let mut lines = [const { MaybeUninit::uninit() }; RESPONSE_LINES];
    let mut parsed = httparse::Response::new(&mut []);
    let config = ParserConfig::default();
    let parsed_to = config.parse_response_with_uninit_headers(&mut parsed, bytes, &mut lines)?;
    let (Status::Complete(length), Some(code), Some(version)) = (parsed_to, parsed.code, parsed.version)
    else {
        return Err(Malformed::Form);
    };
    if length != bytes.len() {
        return Err(Malformed::Form);
    }
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = StatusCode::from_u16(code).map_err(|_| Malformed::Form)?;
    if version == 0 {
        parts.version = Version::HTTP_10;
    }
    let mut said = Said::default();
    parts.headers = headers(parsed.headers, bytes, |name, value| said.line(name, value))?;
    let body = said.of_response(asked, parts.status)?;
    Ok(ResponseHead {
        keeps: version == 1 && !said.closes && !matches!(body, Decoder::UntilClose),
        parts,
        body,
    })
}

thread_local! {
    /// Maps of messages that are over, empty: their memory is used again.
    static SPARE: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
}

/// Takes a map whose message is over.
pub(crate) fn recycle(mut headers: HeaderMap) {
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < SPARES && (1..=SPARE_LINES).contains(&headers.capacity()) {
            headers.clear();
            spare.push(headers);
        }
    });
}

fn headers(
    lines: &[httparse::Header<'_>],
    bytes: &Bytes,
    mut seen: impl FnMut(&HeaderName, &HeaderValue),
) -> Result<HeaderMap, Malformed> {
    let mut headers = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
    headers.reserve(lines.len() + ADDED);
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| Malformed::Form)?;
        let value =
            HeaderValue::from_maybe_shared(bytes.slice_ref(line.value)).map_err(|_| Malformed::Form)?;
        seen(&name, &value);
        headers.append(name, value);
    }
    Ok(headers)
}

/// What the lines of a head say about its body and the connection.
#[derive(Debug, Default)]
struct Said {
    lengths: u8,
    /// None for what is no number.
    length: Option<u64>,
    codings: u8,
    /// The last coding is `chunked` and nothing else.
    chunked: bool,
    closes: bool,
}

impl Said {
    fn line(&mut self, name: &HeaderName, value: &HeaderValue) {
        if *name == CONTENT_LENGTH {
            self.lengths = self.lengths.saturating_add(1);
            self.length = number(value.as_bytes());
        } else if *name == TRANSFER_ENCODING {
            self.codings = self.codings.saturating_add(1);
            self.chunked = value.as_bytes().eq_ignore_ascii_case(b"chunked");
        } else if *name == CONNECTION || *name == PROXY_CONNECTION {
            // `proxy-connection: close` means the same, as with Envoy
            self.closes |= closes(value);
        }
    }

    /// Two lengths, a length beside chunks and other codings are refused, also where RFC 9112, section 6.3,
    /// would let one guess: whoever guessed otherwise in front of us would take one client's body for
    /// another's request.
    fn of_request(&self) -> Result<Decoder, Refused> {
        match (self.lengths, self.codings, self.length) {
            (0, 0, _) => Ok(Decoder::Length(0)),
            (1, 0, Some(length)) => Ok(Decoder::Length(length)),
            (0, 1, _) if self.chunked => Ok(Decoder::chunked()),
            (0, _, _) => Err(codec::NOT_IMPLEMENTED),
            _ => Err(Refused::BAD_REQUEST),
        }
    }

    /// The same, but what says nothing ends with the connection.
    fn of_response(&self, asked: &Method, status: StatusCode) -> Result<Decoder, Malformed> {
        let body = match (self.lengths, self.codings, self.length) {
            (0, 0, _) => Decoder::UntilClose,
            (1, 0, Some(length)) => Decoder::Length(length),
            (0, 1, _) if self.chunked => Decoder::chunked(),
            _ => return Err(Malformed::Form),
        };
        let none = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || *asked == Method::HEAD;
        Ok(if none { Decoder::Length(0) } else { body })
    }
}

/// Digits and nothing else.
fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

fn closes(value: &HeaderValue) -> bool {
    let mut options = value.as_bytes().split(|byte| *byte == b',');
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// Writes a request's head. Content-Length is as its headers say it, else a body is chunked; that there is
/// none is said only where one would be usual.
pub(super) fn write_request(
    to: &mut Vec<u8>,
    method: &Method,
    target: &str,
    host: &HeaderValue,
    headers: &HeaderMap,
    body: bool,
) -> Encoding {
    to.reserve(HEAD);
    to.extend_from_slice(method.as_str().as_bytes());
    to.push(b' ');
    to.extend_from_slice(target.as_bytes());
    to.extend_from_slice(b" HTTP/1.1\r\n");
    line(to, HOST.as_str(), host.as_bytes());
    lines(to, headers);
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| number(value.as_bytes()));
    let bodyless = [Method::GET, Method::HEAD, Method::DELETE, Method::TRACE].contains(method);
    let encoding = match (length, body) {
        (Some(length), true) => Encoding::Length(length),
        (None, true) => {
            line(to, TRANSFER_ENCODING.as_str(), b"chunked");
            Encoding::Chunked
        }
        (None, false) if !bodyless => {
            line(to, CONTENT_LENGTH.as_str(), b"0");
            Encoding::Length(0)
        }
        (_, false) => Encoding::Length(0),
    };
    to.extend_from_slice(b"\r\n");
    encoding
}

/// What is known of the body of an answer that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The request was HEAD.
    pub(super) to_head: bool,
    /// There is no byte of it.
    pub(super) ended: bool,
    /// Its length.
    pub(super) exact: Option<u64>,
}

/// Writes an answer's head. `last` says that the connection ends behind it.
pub(super) fn write_response(
    to: &mut Vec<u8>,
    status: StatusCode,
    headers: &HeaderMap,
    body: Known,
    last: bool,
) -> Encoding {
    to.reserve(HEAD);
    if status == StatusCode::OK {
        to.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    } else {
        to.extend_from_slice(b"HTTP/1.1 ");
        to.extend_from_slice(status.as_str().as_bytes());
        to.push(b' ');
        to.extend_from_slice(status.canonical_reason().unwrap_or("Unknown").as_bytes());
        to.extend_from_slice(b"\r\n");
    }
    lines(to, headers);
    let bodyless =
        status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let told = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| number(value.as_bytes()));
    let encoding = match (told, body.exact) {
        (None, _) if body.to_head && !bodyless => {
            // what GET would be answered with, as from Envoy
            line(to, TRANSFER_ENCODING.as_str(), b"chunked");
            Encoding::Length(0)
        }
        _ if bodyless || body.to_head => Encoding::Length(0),
        (Some(told), _) => Encoding::Length(told),
        (None, _) if body.ended => {
            line(to, CONTENT_LENGTH.as_str(), b"0");
            Encoding::Length(0)
        }
        (None, Some(exact)) => {
            line(to, CONTENT_LENGTH.as_str(), HeaderValue::from(exact).as_bytes());
            Encoding::Length(exact)
        }
        (None, None) => {
            line(to, TRANSFER_ENCODING.as_str(), b"chunked");
            Encoding::Chunked
        }
    };
    if last && !headers.contains_key(CONNECTION) {
        line(to, CONNECTION.as_str(), b"close");
    }
    if !headers.contains_key(DATE) {
        date(to);
    }
    to.extend_from_slice(b"\r\n");
    encoding
}

/// Whether the headers of an answer say that the connection ends behind it.
pub(super) fn says_close(headers: &HeaderMap) -> bool {
    headers.get_all(CONNECTION).iter().any(closes)
}

/// All lines but the one that is the codec's alone to write.
fn lines(to: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        if *name != TRANSFER_ENCODING {
            line(to, name.as_str(), value.as_bytes());
        }
    }
}

fn line(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    to.extend_from_slice(name.as_bytes());
    to.extend_from_slice(b": ");
    to.extend_from_slice(value);
    to.extend_from_slice(b"\r\n");
}

/// The time, which is worked out once a second.
fn date(to: &mut Vec<u8>) {
    use std::cell::Cell;
    use std::time::{Duration, SystemTime};
    thread_local! {
        static LAST: Cell<(u64, [u8; DATE_LENGTH])> = const { Cell::new((0, [0; DATE_LENGTH])) };
    }
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let (mut second, mut text) = LAST.get();
    if second != since.as_secs() {
        second = since.as_secs();
        let now = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
        if let Ok(now) = now.as_bytes().try_into() {
            text = now;
        }
        LAST.set((second, text));
    }
    line(to, DATE.as_str(), &text);
}

impl From<httparse::Error> for Malformed {
    fn from(error: httparse::Error) -> Malformed {
        match error {
            httparse::Error::TooManyHeaders => Malformed::TooLarge,
            _ => Malformed::Form,
        }
    }
}

const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// Bytes that are read at most of a request's head; [`codec::examine`] refuses what is above its smaller
/// bound in its own words.
const REQUEST_BYTES: usize = 2 * HEADER_BYTES;
/// The same for lines.
const LINES: usize = 200;
/// As long as a head is so short it is looked at before it is complete.
const PROBED: usize = 2048;
/// Bytes of an answer's head.
const RESPONSE_BYTES: usize = 256 * 1024;
/// An answer with more lines is a protocol error, as for Envoy.
const RESPONSE_LINES: usize = 100;
/// Headers that are set on the way: room for them is made once.
const ADDED: usize = 10;
/// Bytes that most heads have room in.
const HEAD: usize = 512;
const DATE_LENGTH: usize = 29;
/// Maps that a thread keeps, and how many lines they may have room for.
const SPARES: usize = 64;
const SPARE_LINES: usize = 64;

#[cfg(test)]
mod tests;
