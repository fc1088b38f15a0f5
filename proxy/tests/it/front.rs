//! The HTTP front under mutated bytes: the proxy lives on, and what it passes on can be read in one way
//! only. Draws are seeded; `FUZZ_SECONDS` lets it go on for as long.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{DEADLINE, Documents};

const ROUNDS: u64 = 300;

#[tokio::test]
async fn mutated_requests_are_refused_or_passed_on_in_one_reading() {
    let upstream = Recorder::start().await;
    let documents = Documents::plain(upstream.address);
    let running = documents.start().await;
    let seconds = std::env::var("FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut seed = 0;
    while seed < ROUNDS || Instant::now() < end {
        let sent = request(seed);
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        // who is refused may find the connection closed before all was written
        let _ = stream.write_all(&sent).await;
        let _ = stream.shutdown().await;
        let mut answers = Vec::new();
        let read = stream.read_to_end(&mut answers);
        let _ = tokio::time::timeout(DEADLINE, read)
            .await
            .unwrap_or_else(|_| panic!("seed {seed}: no end"));
        for head in upstream.seen.lock().unwrap().drain(..) {
            if let Err(why) = one_reading(&head) {
                panic!(
                    "seed {seed}: {why}\nsent {}\nwas passed on as\n{head}",
                    sent.escape_ascii()
                );
            }
        }
        seed += 1;
    }
    assert_eq!(running.status("/after-all").await, 200);
}

/// Requests as they should be, and as attackers have sent them, cut and joined anywhere.
fn request(seed: u64) -> Vec<u8> {
    let mut draws = Draws(seed);
    let mut text = Vec::new();
    for _ in 0..=draws.below(2) {
        text.extend(draws.one(&STARTS).bytes());
        for _ in 0..draws.below(6) {
            text.extend(draws.one(&LINES).bytes());
            text.extend(if draws.below(20) == 0 { &b"\n"[..] } else { b"\r\n" });
        }
        text.extend(b"\r\n");
        text.extend(draws.one(&BODIES).bytes());
    }
    for _ in 0..draws.below(3) {
        let at = draws.below(text.len());
        match draws.below(3) {
            0 => text[at] = draws.number().to_le_bytes()[0],
            1 => drop(text.remove(at)),
            _ => text.insert(at, b"\r\n \t:\0,;"[draws.below(8)]),
        }
    }
    text
}

/// Whether two readers must agree about a head that was passed on (RFC 9112, sections 5 and 6).
fn one_reading(head: &str) -> Result<(), String> {
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default();
    let parts: Vec<_> = start.split(' ').collect();
    if parts.len() != 3 || parts[2] != "HTTP/1.1" || !parts[1].starts_with(['/', '*']) {
        return Err(format!("the request line {start:?}"));
    }
    let mut names = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("no header: {line:?}"))?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(format!("the name {name:?}"));
        }
        if value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(format!("the value of {line:?}"));
        }
        names.push(name.to_ascii_lowercase());
    }
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    let framing = count("content-length") + count("transfer-encoding");
    match (count("host"), framing) {
        (1, 0 | 1) => Ok(()),
        (hosts, framing) => Err(format!("{hosts} Host, {framing} of length or transfer coding")),
    }
}

/// Keeps the head of each request that it gets, and answers.
struct Recorder {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    async fn start() -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let all = seen.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(record(stream, all.clone()));
            }
        });
        Recorder { address, seen }
    }
}

/// One request of each connection: where the next one begins is for the reader of the first to know.
async fn record(mut stream: TcpStream, all: Arc<Mutex<Vec<String>>>) {
    let mut read = Vec::new();
    while stream.read_buf(&mut read).await.unwrap_or(0) > 0 {
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        all.lock().unwrap().push(head);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        let _ = stream.write_all(answer).await;
        let _ = stream.shutdown().await;
        // a body that is still coming must not turn the answer into a reset
        while stream.read(&mut [0; 1024]).await.unwrap_or(0) > 0 {}
        return;
    }
}

const STARTS: [&str; 9] = [
    "GET / HTTP/1.1\r\nHost: web.test\r\n",
    "POST /a HTTP/1.1\r\nhost: web.test\r\n",
    "GET http://web.test/b?c HTTP/1.1\r\nHost: other.test\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: web.test\r\n",
    "PUT /d HTTP/1.1\r\n",
    "GET /e HTTP/1.0\r\nHost: web.test\r\n",
    "HEAD /f HTTP/1.1\r\nHost: web.test\r\nHost: two.test\r\n",
    "CONNECT web.test:80 HTTP/1.1\r\nHost: web.test\r\n",
    "GET  /g  HTTP/1.1\r\nHost: web.test\r\n",
];

const LINES: [&str; 22] = [
    "Content-Length: 3",
    "Content-Length: 3, 3",
    "content-length: +3",
    "content-length: 0x3",
    "Content-Length : 3",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked, identity",
    "transfer-encoding:\tchunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: gzip, chunked",
    " folded: yes",
    "Connection: close, x-a",
    "Connection: upgrade",
    "Upgrade: websocket",
    "Upgrade: h2c",
    "x-a: 1",
    "x-b: \u{e9}",
    "X_C: 1",
    "Expect: 100-continue",
    "te: trailers",
    "Host: again.test",
    ": no name",
];

const BODIES: [&str; 8] = [
    "",
    "abc",
    "3\r\nabc\r\n0\r\n\r\n",
    "3;x=\"\r\n\"\r\nabc\r\n0\r\n\r\n",
    "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: web.test\r\n\r\n",
    "fffffffffffffffff\r\n",
    "3\nabc\n0\n\n",
    "-1\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n",
];

/// As in `src/properties.rs`: the same seed gives the same draws.
struct Draws(u64);

impl Draws {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.number() % most.max(1) as u64).unwrap()
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}
