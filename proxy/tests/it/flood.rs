//! More than a client may ask for at a time: bounded, and the others are served.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::harness::{DEADLINE, Documents, exchange, upstream};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET /` to web.test in HPACK (RFC 7541): two indexed lines, the scheme, and a literal authority.
const GET: &[u8] = b"\x82\x84\x86\x41\x08web.test";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, GET)
}

/// How the proxy took it.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The connection, with this error (RFC 9113, section 7).
    Connection(u32),
    /// One stream, with this error.
    Stream(u32),
    /// An answer.
    Answer,
}

const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

/// Begins a connection and sends these bytes; the first that comes back and is no housekeeping.
async fn sent(address: SocketAddr, bytes: &[u8]) -> End {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begin = [PREFACE, &frame(SETTINGS, 0, 0, b"")].concat();
    stream.write_all(&begin).await.unwrap();
    let (mut reads, mut writes) = stream.split();
    let writing = async {
        let _ = writes.write_all(bytes).await; // it may be refused before its end
        std::future::pending::<()>().await;
    };
    let reading = async {
        loop {
            let mut head = [0; 9];
            if reads.read_exact(&mut head).await.is_err() {
                return End::Connection(NO_ERROR);
            }
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let mut payload = vec![0; length];
            if reads.read_exact(&mut payload).await.is_err() {
                return End::Connection(NO_ERROR);
            }
            let code = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
            match head[3] {
                GOAWAY => return End::Connection(code(4)),
                RST_STREAM => return End::Stream(code(0)),
                HEADERS => return End::Answer,
                _ => {}
            }
        }
    };
    tokio::select! {
        end = tokio::time::timeout(DEADLINE, reading) => end.unwrap_or_else(|_| panic!("silence after {bytes:x?}")),
        () = writing => unreachable!("it writes and then waits"),
    }
}

#[tokio::test]
async fn streams_that_are_reset_in_haste_cost_the_connection() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let hasty = (0..20_000_u32).flat_map(|number| {
        let stream = 2 * number + 1;
        [get(stream), frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    });
    let hasty: Vec<u8> = hasty.collect();
    assert_eq!(
        sent(running.address, &hasty).await,
        End::Connection(ENHANCE_YOUR_CALM)
    );
    assert_eq!(running.status("/").await, 200);
    assert!(
        running
            .admin("/metrics")
            .await
            .contains("code=\"0\",flag=\"DPE\"")
    );
}

#[tokio::test]
async fn a_head_of_endless_continuations_costs_the_connection() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    // a field of 8 KiB that is never indexed, again and again
    let field = [b"\x00\x01x\x7f\x81\x3f".as_slice(), &[b'y'; 8192]].concat();
    let mut endless = frame(HEADERS, END_STREAM, 1, GET);
    for _ in 0..1000 {
        endless.extend(frame(CONTINUATION, 0, 1, &field));
    }
    let end = sent(running.address, &endless).await;
    assert!(matches!(end, End::Connection(_)), "{end:?}");
    let mut empty = frame(HEADERS, END_STREAM, 1, GET);
    empty.extend((0..100_000).flat_map(|_| frame(CONTINUATION, 0, 1, b"")));
    let end = sent(running.address, &empty).await;
    assert!(matches!(end, End::Connection(_)), "{end:?}");
    assert_eq!(running.status("/").await, 200);
}

/// More than the proxy allows at a time; those beyond are refused one by one (RFC 9113, section 5.1.2).
#[tokio::test]
async fn streams_beyond_the_bound_are_refused() {
    const REFUSED_STREAM: u32 = 7;
    let documents = Documents::plain(silent().await);
    let running = documents.start().await;
    let many: Vec<u8> = (0..1100_u32).flat_map(|number| get(2 * number + 1)).collect();
    assert_eq!(sent(running.address, &many).await, End::Stream(REFUSED_STREAM));
}

/// An upstream that never answers.
async fn silent() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            kept.push(listener.accept().await);
        }
    });
    address
}

/// What RFC 9113 calls an error, and what it does not.
#[tokio::test]
async fn frames_that_break_the_rules_end_what_the_rfc_says() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let with = |fields: &[u8]| frame(HEADERS, END_HEADERS | END_STREAM, 1, &[GET, fields].concat());
    let open = frame(HEADERS, END_HEADERS, 1, &[b"\x83", &GET[1..]].concat());
    let window = |by: u32| by.to_be_bytes();
    let connection = End::Connection;
    let mut others = Vec::new();
    for (what, bytes, wanted) in [
        ("a request", get(1), vec![End::Answer]),
        (
            "an unknown frame before it (5.5)",
            [frame(0x42, 0, 0, b"x"), get(1)].concat(),
            vec![End::Answer],
        ),
        (
            "PING with 7 bytes (6.7)",
            frame(PING, 0, 0, b"1234567"),
            vec![connection(FRAME_SIZE_ERROR)],
        ),
        (
            "PING on a stream (6.7)",
            frame(PING, 0, 1, b"12345678"),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "SETTINGS of 5 bytes (6.5)",
            frame(SETTINGS, 0, 0, b"12345"),
            vec![connection(FRAME_SIZE_ERROR)],
        ),
        (
            "SETTINGS on a stream (6.5)",
            frame(SETTINGS, 0, 1, b""),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "an acknowledgement with a payload (6.5)",
            frame(SETTINGS, 1, 0, b"123456"),
            vec![connection(FRAME_SIZE_ERROR)],
        ),
        (
            "ENABLE_PUSH of 2 (6.5.2)",
            frame(SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 2]),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "a window beyond 2^31-1 in SETTINGS (6.5.2)",
            frame(SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0]),
            vec![connection(FLOW_CONTROL_ERROR)],
        ),
        (
            "frames of less than 16384 (6.5.2)",
            frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1]),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "a window grown by 0 (6.9)",
            frame(WINDOW_UPDATE, 0, 0, &window(0)),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "a connection's window beyond 2^31-1 (6.9.1)",
            frame(WINDOW_UPDATE, 0, 0, &window(0x7fff_ffff)),
            vec![connection(FLOW_CONTROL_ERROR)],
        ),
        (
            "a stream's window beyond 2^31-1 (6.9.1)",
            [open.clone(), frame(WINDOW_UPDATE, 0, 1, &window(0x7fff_ffff))].concat(),
            vec![End::Stream(FLOW_CONTROL_ERROR)],
        ),
        (
            "WINDOW_UPDATE of 3 bytes (6.9)",
            frame(WINDOW_UPDATE, 0, 0, b"123"),
            vec![connection(FRAME_SIZE_ERROR)],
        ),
        (
            "WINDOW_UPDATE of an idle stream (5.1)",
            frame(WINDOW_UPDATE, 0, 3, &window(1)),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "DATA on the connection (6.1)",
            frame(DATA, 0, 0, b"x"),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "DATA on an idle stream (5.1)",
            frame(DATA, 0, 1, b"x"),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "RST_STREAM of an idle stream (5.1)",
            frame(RST_STREAM, 0, 1, &window(8)),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "HEADERS on the connection (6.2)",
            frame(HEADERS, 5, 0, GET),
            vec![connection(PROTOCOL_ERROR)],
        ),
        ("an even stream (5.1.1)", get(2), vec![connection(PROTOCOL_ERROR)]),
        (
            "DATA behind the end of a stream (5.1)",
            [get(1), frame(DATA, 0, 1, b"x")].concat(),
            vec![connection(STREAM_CLOSED), End::Stream(STREAM_CLOSED)],
        ),
        (
            "HEADERS behind the end of a stream (5.1)",
            [get(1), get(1)].concat(),
            vec![connection(STREAM_CLOSED), End::Stream(STREAM_CLOSED)],
        ),
        (
            "CONTINUATION of nothing (6.10)",
            frame(CONTINUATION, 4, 1, GET),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "another frame amid a head (6.10)",
            [frame(HEADERS, END_STREAM, 1, GET), frame(PING, 0, 0, b"12345678")].concat(),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "a head that HPACK cannot read (4.3)",
            frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"),
            vec![connection(COMPRESSION_ERROR)],
        ),
        (
            "padding as long as the frame (6.1)",
            frame(HEADERS, 0xd, 1, b"\x05\x82"),
            vec![connection(PROTOCOL_ERROR)],
        ),
        (
            "a frame beyond 16384 bytes (4.2)",
            frame(DATA, 0, 1, &[0; 16_385]),
            vec![connection(FRAME_SIZE_ERROR)],
        ),
        (
            "a stream that depends on itself (5.3.1 of RFC 7540; no error in RFC 9113)",
            [frame(PRIORITY, 0, 3, b"\0\0\0\x03\x10"), get(1)].concat(),
            vec![
                End::Answer,
                connection(PROTOCOL_ERROR),
                End::Stream(PROTOCOL_ERROR),
            ],
        ),
        (
            "PRIORITY of 4 bytes (6.3)",
            frame(PRIORITY, 0, 1, b"1234"),
            vec![connection(FRAME_SIZE_ERROR), End::Stream(FRAME_SIZE_ERROR)],
        ),
        (
            "a name in upper case (8.2.1)",
            with(b"\x00\x01X\x01y"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "a connection's own field (8.2.2)",
            with(b"\x00\x0aconnection\x05close"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "te beyond trailers (8.2.2)",
            with(b"\x00\x02te\x04gzip"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "an unknown pseudo field (8.3)",
            with(b"\x00\x05:test\x01y"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "an answer's pseudo field (8.3)",
            with(b"\x88"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "a pseudo field behind others (8.3)",
            with(b"\x00\x01x\x01y\x84"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "two paths (8.3)",
            with(b"\x84"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "no path (8.3.1)",
            frame(HEADERS, 5, 1, b"\x82\x86\x41\x08web.test"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "no method (8.3.1)",
            frame(HEADERS, 5, 1, &GET[1..]),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "a length that the body does not have (8.1.1)",
            [
                frame(HEADERS, 4, 1, &[b"\x83", &GET[1..], b"\x0f\x0d\x01\x35"].concat()),
                frame(DATA, END_STREAM, 1, b"four"),
            ]
            .concat(),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
        (
            "two hosts (8.3.1)",
            with(b"\x00\x04host\x01a\x00\x04host\x01b"),
            vec![End::Stream(PROTOCOL_ERROR)],
        ),
    ] {
        let end = sent(running.address, &bytes).await;
        // whatever ends a stream may end its connection (5.4.2), and this code says no more than "error" (7)
        let unspecific = end == connection(PROTOCOL_ERROR) && !wanted.contains(&End::Answer);
        if !wanted.contains(&end) && !unspecific {
            others.push(format!("{what}: {end:?}, wanted {wanted:?}"));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(running.status("/").await, 200);
}

/// Requests on one connection are answered one after the other, however many lie in its buffer.
#[tokio::test]
async fn pipelined_requests_are_worked_on_one_at_a_time() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let one = "GET / HTTP/1.1\r\nhost: web.test\r\n\r\n";
    stream.write_all(one.repeat(200).as_bytes()).await.unwrap();
    let (mut answers, mut most) = (Vec::new(), 0);
    while answers.windows(6).filter(|six| *six == b"\r\n\r\nok").count() < 200 {
        assert_ne!(stream.read_buf(&mut answers).await.unwrap(), 0);
        let metrics = running.admin("/metrics").await;
        let active = metrics
            .lines()
            .find_map(|line| line.strip_prefix("proxy_active_requests "));
        most = most.max(active.unwrap().parse::<u32>().unwrap());
    }
    assert!(most <= 1, "{most} at a time");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_until_one_ends() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start_small(2).await;
    let one = b"GET / HTTP/1.1\r\nhost: web.test\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(one).await.unwrap();
        open.push(stream);
    }
    for served in &mut open[..2] {
        assert_ne!(served.read(&mut [0; 1024]).await.unwrap(), 0);
    }
    let mut third = open.pop().unwrap();
    let mut answer = [0; 1024];
    let waits = tokio::time::timeout(Duration::from_millis(100), third.read(&mut answer));
    assert!(waits.await.is_err(), "two are open");
    drop(open.pop());
    let served = tokio::time::timeout(DEADLINE, third.read(&mut answer));
    assert_ne!(served.await.unwrap().unwrap(), 0);
}

/// A process of its own: descriptors are counted by process.
struct Poor(Child);

impl Drop for Poor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_process_without_descriptors_serves_again_when_it_has_some() {
    let documents = Documents::plain(upstream().await);
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let command = format!(
        "ulimit -n 48; exec {} --config {} --labels istio=ingress --namespace test --bind 127.0.0.1 \
         --admin 127.0.0.1:0 --port-map 80:{port}",
        env!("CARGO_BIN_EXE_proxy"),
        documents.path().display()
    );
    let child = Command::new("sh")
        .args(["-c", &command])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut poor = Poor(child.unwrap());
    let said = tokio::process::ChildStderr::from_std(poor.0.stderr.take().unwrap()).unwrap();
    let mut said = BufReader::new(said).lines();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut many = Vec::new();
    for _ in 0..100 {
        many.push(connected(address).await); // the kernel accepts them, the process cannot
    }
    let told = async {
        while let Some(line) = said.next_line().await.unwrap() {
            if line.contains("cannot accept connections for a moment") {
                return;
            }
        }
        panic!("it ended");
    };
    tokio::time::timeout(DEADLINE, told).await.unwrap();
    drop(many);
    let request = "GET / HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n\r\n";
    let answer = exchange(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// A connection, once somebody listens.
async fn connected(address: SocketAddr) -> TcpStream {
    let connecting = async {
        loop {
            match TcpStream::connect(address).await {
                Ok(stream) => return stream,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    tokio::time::timeout(DEADLINE, connecting).await.unwrap()
}
