//! WebSocket with a real client and a real server on both sides (the raw bytes are in `websocket.rs`).

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, http::StatusCode};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::harness::{DEADLINE, Documents, Running};

#[tokio::test]
async fn messages_of_every_kind_go_both_ways() {
    let mut server = Server::start().await;
    let documents = Documents::plain(server.address);
    let running = documents.start().await;
    let mut socket = connect(&running, "/chat").await.unwrap();
    let long = "long ".repeat(50_000);
    for message in [
        Message::text("hello"),
        Message::binary(vec![0, 255, 1]),
        Message::text(long),
        Message::binary(vec![]),
    ] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(next(&mut socket).await, message);
    }
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::Pong("are you there".into()));

    let goodbye = CloseFrame {
        code: CloseCode::Library(4001),
        reason: "enough".into(),
    };
    socket.close(Some(goodbye.clone())).await.unwrap();
    assert_eq!(
        next(&mut socket).await,
        Message::Close(Some(goodbye.clone())),
        "echoed"
    );
    assert_eq!(server.closed().await, Some(goodbye));
}

#[tokio::test]
async fn a_servers_close_code_reaches_the_client() {
    let server = Server::start().await;
    let documents = Documents::plain(server.address);
    let running = documents.start().await;
    let mut socket = connect(&running, "/chat").await.unwrap();
    socket.send(Message::text("leave")).await.unwrap();
    let Message::Close(Some(frame)) = next(&mut socket).await else {
        panic!("no close")
    };
    assert_eq!(
        (frame.code, frame.reason.as_str()),
        (CloseCode::Away, "restarting")
    );
}

#[tokio::test]
async fn a_refused_upgrade_is_an_answer_like_any_other() {
    let server = Server::start().await;
    let documents = Documents::plain(server.address);
    let running = documents.start().await;
    match connect(&running, "/secret").await {
        Err(Error::Http(answer)) => {
            assert_eq!(answer.status(), StatusCode::FORBIDDEN);
            assert_eq!(answer.body().as_deref(), Some(&b"members only"[..]));
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was let in"),
    }
}

/// A tunnel may live for hours; its handshake is the request.
#[tokio::test]
async fn the_life_of_a_tunnel_is_no_latency() {
    let server = Server::start().await;
    let documents = Documents::plain(server.address);
    let (running, mut records) = documents.start_logged(&[]).await;
    let mut socket = connect(&running, "/chat").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await; // what must not be counted
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    drop(socket);
    let record = records.next().await;
    assert_eq!((record.status, record.flag.as_deref()), (101, None));
    assert!(
        record.micros >= 500_000,
        "the record tells its whole life: {}",
        record.micros
    );
    let metrics = running.admin("/metrics").await;
    let sum = r#"proxy_request_seconds_sum{route="test/web http[0]"} "#;
    let seconds: f64 = metrics
        .lines()
        .find_map(|line| line.strip_prefix(sum))
        .unwrap()
        .parse()
        .unwrap();
    let whole = Duration::from_micros(record.micros).as_secs_f64();
    assert!(seconds <= whole - 0.5, "{seconds} of {whole}");
}

type Socket = WebSocketStream<TcpStream>;

async fn connect(running: &Running, path: &str) -> Result<Socket, Error> {
    let stream = TcpStream::connect(running.address).await.unwrap();
    let connecting = client_async(format!("ws://web.test{path}"), stream);
    let (socket, answer) = tokio::time::timeout(DEADLINE, connecting).await.unwrap()?;
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    Ok(socket)
}

async fn next(socket: &mut Socket) -> Message {
    tokio::time::timeout(DEADLINE, socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap()
}

/// Sends every message back; refuses `/secret`; closes when it is asked to leave.
struct Server {
    address: SocketAddr,
    closed: mpsc::UnboundedReceiver<Option<CloseFrame>>,
}

impl Server {
    async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, closed) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, told.clone()));
            }
        });
        Server { address, closed }
    }

    /// How a client said goodbye.
    async fn closed(&mut self) -> Option<CloseFrame> {
        tokio::time::timeout(DEADLINE, self.closed.recv())
            .await
            .unwrap()
            .unwrap()
    }
}

async fn serve(stream: TcpStream, closed: mpsc::UnboundedSender<Option<CloseFrame>>) {
    let Ok(mut socket) = accept_hdr_async(stream, admit).await else {
        return;
    };
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) if text == "leave" => {
                let frame = CloseFrame {
                    code: CloseCode::Away,
                    reason: "restarting".into(),
                };
                let _ = socket.close(Some(frame)).await;
            }
            Message::Text(_) | Message::Binary(_) => socket.send(message).await.unwrap(),
            Message::Close(frame) => drop(closed.send(frame)),
            // pings are answered by the library
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

#[expect(clippy::result_large_err, reason = "the library's signature")]
fn admit(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    if request.uri().path() != "/secret" {
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some("members only".to_owned()));
    *refusal.status_mut() = StatusCode::FORBIDDEN;
    let length = http::HeaderValue::from_static("12");
    refusal.headers_mut().insert(http::header::CONTENT_LENGTH, length);
    Err(refusal)
}
