//! Heads, good and bad.

use super::*;

/// Reads a head that comes in pieces of so many bytes.
fn read(text: &str, piece: usize) -> Result<Option<RequestHead>, Malformed> {
    let (mut reader, mut buffer) = (Reader::default(), BytesMut::new());
    for bytes in text.as_bytes().chunks(piece) {
        buffer.extend_from_slice(bytes);
        if let Some(head) = reader.request(&mut buffer)? {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// What the body is, or the status it is refused with: the same in any pieces.
fn body(lines: &str) -> String {
    let text = format!("POST /a?b HTTP/1.1\r\nhost: web.test\r\n{lines}\r\nrest");
    let told = |piece| match read(&text, piece) {
        Ok(Some(RequestHead {
            refused: Some(refused),
            last,
            ..
        })) => {
            assert!(last, "nothing may follow");
            refused.status.as_u16().to_string()
        }
        Ok(Some(head)) => {
            assert_eq!(head.parts.uri, "/a?b");
            match head.body {
                Decoder::Length(length) => format!("length {length}"),
                Decoder::Chunked(_) => "chunked".to_owned(),
                Decoder::UntilClose => "until close".to_owned(),
            }
        }
        Ok(None) => "incomplete".to_owned(),
        Err(malformed) => format!("{malformed:?}"),
    };
    let whole = told(text.len());
    for piece in [1, 2, 3, 7, 20] {
        assert_eq!(told(piece), whole, "{lines:?} in pieces of {piece}");
    }
    whole
}

#[test]
fn where_a_request_ends_is_said_once_and_clearly() {
    for (lines, expected) in [
        ("", "length 0"),
        ("Content-Length: 12\r\n", "length 12"),
        ("content-length:12 \r\n", "length 12"),
        ("transfer-encoding: Chunked\r\n", "chunked"),
        ("content-length: 1\r\ncontent-length: 1\r\n", "400"),
        ("content-length: 1, 1\r\n", "400"),
        ("content-length: +1\r\n", "400"),
        ("content-length: -1\r\n", "400"),
        ("content-length:\r\n", "400"),
        ("content-length: 18446744073709551616\r\n", "400"),
        ("content-length: 1\r\ntransfer-encoding: chunked\r\n", "400"),
        ("transfer-encoding: chunked\r\ncontent-length: 1\r\n", "400"),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "501",
        ),
        ("transfer-encoding: gzip, chunked\r\n", "501"),
        ("transfer-encoding: identity\r\n", "501"),
        ("transfer-encoding:\r\n", "501"),
        ("transfer-encoding : chunked\r\n", "Form"),
        (" folded: line\r\n", "Form"),
        ("no colon\r\n", "Form"),
        ("na me: value\r\n", "Form"),
        ("x: a\0b\r\n", "Form"),
        ("x: a\rb\r\n", "Form"),
    ] {
        assert_eq!(body(lines), expected, "{lines:?}");
    }
}

#[test]
fn a_request_line_has_three_parts_and_a_version_of_its_own_answer() {
    for (line, expected) in [
        ("GET / HTTP/1.1", "ok"),
        ("\r\n\r\nGET / HTTP/1.1", "ok"),
        ("GET / HTTP/1.0", "426"),
        ("GET / HTTP/2.0", "426"),
        ("GET / HTTP/1.10", "Form"),
        ("GET / http/1.1", "Form"),
        ("GET /", "Form"),
        ("GET  / HTTP/1.1", "Form"),
        ("GET / HTTP/1.1 ", "Form"),
        ("PRI * HTTP/2.0", "Form"),
        ("GET /\u{7f} HTTP/1.1", "Form"),
        ("G(T / HTTP/1.1", "Form"),
        ("\u{16}\u{3}\u{1}", "Form"),
    ] {
        for piece in [1, 5, 100] {
            let told = match read(&format!("{line}\r\nhost: a\r\n\r\n"), piece) {
                Ok(Some(head)) => head
                    .refused
                    .map_or("ok".to_owned(), |refused| refused.status.as_u16().to_string()),
                Ok(None) => "incomplete".to_owned(),
                Err(malformed) => format!("{malformed:?}"),
            };
            assert_eq!(told, expected, "{line:?} in pieces of {piece}");
        }
    }
}

/// What is no HTTP is noticed before its head ends, which it may never do.
#[test]
fn nonsense_is_not_waited_for() {
    assert_eq!(read("\u{16}\u{3}\u{1}hello", 100).err(), Some(Malformed::Form));
    assert_eq!(read("GET / HTTP/9\r\n", 1).err(), Some(Malformed::Form));
    assert!(matches!(read("GET / HTTP/1.1\r\nhos", 1), Ok(None)));
}

#[test]
fn a_head_has_a_bound() {
    let line = |length| format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(length));
    assert!(matches!(read(&line(REQUEST_BYTES - 100), 4096), Ok(None)));
    assert_eq!(
        read(&line(REQUEST_BYTES + 1), 4096).err(),
        Some(Malformed::TooLarge)
    );
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(LINES + 1));
    assert_eq!(read(&many, 4096).err(), Some(Malformed::TooLarge));
    let target = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(HEADER_BYTES));
    assert_eq!(read(&target, 4096).err(), Some(Malformed::TooLarge));
}

#[test]
fn what_a_request_says_of_its_connection() {
    let head = |lines: &str| {
        read(&format!("GET / HTTP/1.1\r\n{lines}\r\n"), 999)
            .unwrap()
            .unwrap()
    };
    assert!(head("connection: keep-alive, Close\r\n").last);
    assert!(head("connection: x\r\nconnection: close\r\n").last);
    assert!(head("proxy-connection: close\r\n").last);
    assert!(!head("connection: closed\r\n").last);
    assert!(head("upgrade: websocket\r\n").upgrade);
    assert!(
        !head("upgrade: websocket\r\ncontent-length: 1\r\n").upgrade,
        "its body comes first"
    );
    assert!(head("expect: 100-Continue\r\n").expects);
}

fn answer(text: &str, asked: &Method) -> Result<Option<(u16, String, bool)>, Malformed> {
    let mut buffer = BytesMut::from(text);
    let head = Reader::default().response(&mut buffer, asked)?;
    Ok(head.map(|head| {
        let body = match head.body {
            Decoder::Length(length) => length.to_string(),
            Decoder::Chunked(_) => "chunked".to_owned(),
            Decoder::UntilClose => "until close".to_owned(),
        };
        (head.parts.status.as_u16(), body, head.keeps)
    }))
}

#[test]
fn where_an_answer_ends_depends_on_the_request_too() {
    let get = |text: &str| answer(text, &Method::GET).map(Option::unwrap);
    let ok = |status, body: &str, keeps| Ok((status, body.to_owned(), keeps));
    assert_eq!(
        get("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"),
        ok(200, "3", true)
    );
    assert_eq!(
        get("HTTP/1.1 200\r\ncontent-length: 3\r\nconnection: close\r\n\r\n"),
        ok(200, "3", false)
    );
    assert_eq!(
        get("HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\n"),
        ok(200, "3", false)
    );
    assert_eq!(
        get("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        ok(200, "chunked", true)
    );
    assert_eq!(get("HTTP/1.1 200 OK\r\n\r\n"), ok(200, "until close", false));
    assert_eq!(get("HTTP/1.1 204 No Content\r\n\r\n"), ok(204, "0", true));
    assert_eq!(
        get("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n"),
        ok(304, "0", true)
    );
    let head = answer("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n", &Method::HEAD);
    assert_eq!(head.map(Option::unwrap), ok(200, "0", true));
    let interim =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(get(interim), ok(200, "until close", false));
    for bad in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        assert_eq!(get(bad), Err(Malformed::Form), "{bad:?}");
    }
}

fn written(status: u16, headers: &[(&'static str, &str)], body: Known, last: bool) -> (String, Encoding) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let mut to = Vec::new();
    let encoding = write_response(&mut to, StatusCode::from_u16(status).unwrap(), &map, body, last);
    (String::from_utf8(to).unwrap(), encoding)
}

#[test]
fn an_answer_says_where_it_ends() {
    let body = |to_head, ended, exact| Known {
        to_head,
        ended,
        exact,
    };
    let unknown = body(false, false, None);
    for (status, headers, known, line, encoding) in [
        (
            200,
            &[][..],
            unknown,
            "\r\ntransfer-encoding: chunked\r\n",
            Encoding::Chunked,
        ),
        (
            200,
            &[("content-length", "7")],
            unknown,
            "\r\ncontent-length: 7\r\n",
            Encoding::Length(7),
        ),
        (
            200,
            &[],
            body(false, false, Some(12)),
            "\r\ncontent-length: 12\r\n",
            Encoding::Length(12),
        ),
        (
            404,
            &[],
            body(false, true, None),
            " 404 Not Found\r\ncontent-length: 0\r\n",
            Encoding::Length(0),
        ),
        (
            200,
            &[("content-length", "7")],
            body(true, true, None),
            "\r\ncontent-length: 7\r\n",
            Encoding::Length(0),
        ),
        (
            304,
            &[("content-length", "7")],
            unknown,
            "\r\ncontent-length: 7\r\n",
            Encoding::Length(0),
        ),
    ] {
        let (text, written) = written(status, headers, known, false);
        assert!(text.contains(line), "{text}");
        assert_eq!(written, encoding, "{text}");
        assert!(
            text.contains("\r\ndate: ") && text.ends_with("\r\n\r\n"),
            "{text}"
        );
    }
    let (text, _) = written(
        204,
        &[("date", "now"), ("transfer-encoding", "chunked")],
        unknown,
        true,
    );
    assert_eq!(
        text,
        "HTTP/1.1 204 No Content\r\ndate: now\r\nconnection: close\r\n\r\n"
    );
}
