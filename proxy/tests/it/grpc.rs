//! gRPC with a real client and a real server: metadata, trailers, streams in both directions, deadlines.
//! Messages are bytes: what they mean is nothing to a proxy.

use std::net::SocketAddr;
use std::pin::Pin;

use bytes::{Buf, BufMut};
use futures_util::{Stream, StreamExt};
use http::uri::PathAndQuery;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::harness::{DEADLINE, Documents, Running};

#[tokio::test]
async fn a_unary_call_has_its_answer_and_its_status_with_metadata() {
    let (_documents, running) = start(server().await).await;
    let mut client = client(&running).await;
    let answer = client.unary("hello").await.unwrap();
    assert_eq!(answer.metadata().get("x-server").unwrap(), "here");
    assert_eq!(answer.into_inner(), b"hello");
    let status = client.unary("fail").await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::FailedPrecondition, "not today: 50 % off")
    );
    assert_eq!(status.metadata().get("why").unwrap(), "closed");
}

/// Each message is answered before the next one is sent: nobody on the way waits for more.
#[tokio::test]
async fn both_directions_stream_and_the_status_comes_in_trailers() {
    let (_documents, running) = start(server().await).await;
    let mut client = client(&running).await;
    let (sender, messages) = mpsc::channel(1);
    let messages = futures_util::stream::unfold(messages, async |mut messages| {
        Some((messages.recv().await?, messages))
    });
    client.0.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.Echo/Both");
    let mut answers = client
        .0
        .streaming(Request::new(messages), path, Raw)
        .await
        .unwrap()
        .into_inner();
    for text in ["one", "two", "three"] {
        sender.send(text.as_bytes().to_vec()).await.unwrap();
        let answer = tokio::time::timeout(DEADLINE, answers.message()).await.unwrap();
        assert_eq!(answer.unwrap().unwrap(), text.as_bytes());
    }
    sender.send(b"fail".to_vec()).await.unwrap();
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(status.metadata().get("why").unwrap(), "closed");
}

#[tokio::test]
async fn a_stream_that_the_client_ends_ends_well() {
    let (_documents, running) = start(server().await).await;
    let mut client = client(&running).await;
    client.0.ready().await.unwrap();
    let messages = futures_util::stream::iter(["a", "b"].map(|text| text.as_bytes().to_vec()));
    let path = PathAndQuery::from_static("/test.Echo/Both");
    let mut answers = client
        .0
        .streaming(Request::new(messages), path, Raw)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap(), b"a");
    assert_eq!(answers.message().await.unwrap().unwrap(), b"b");
    assert_eq!(answers.message().await.unwrap(), None);
    let trailers = answers.trailers().await.unwrap().unwrap();
    assert_eq!(trailers.get("grpc-status").unwrap(), "0");
}

#[tokio::test]
async fn a_clients_deadline_is_told_to_the_server_and_the_routes_is_kept() {
    let (documents, running) = start(server().await).await;
    let mut client = client(&running).await;
    let told = client.call("timeout", Some("7S")).await.unwrap();
    assert_eq!(told.into_inner(), b"7000m", "as Envoy writes it");
    let routes = std::fs::read_to_string(documents.path().join("routes.yaml")).unwrap();
    let shorter = routes.replace("  - route:", "  - timeout: 0.2s\n    route:");
    documents.write("routes.yaml", &shorter);
    running.reloaded(2).await;
    let told = client.call("timeout", Some("7S")).await;
    assert!(
        told.is_err() || told.unwrap().into_inner() == b"200m",
        "what is left of it"
    );
    let status = client.call("never", Some("7S")).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unavailable, "upstream request timeout")
    );
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (_documents, running) = start(gone).await;
    let status = client(&running).await.unary("hello").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("remote connection failure"), "{status}");
}

#[tokio::test]
async fn a_host_without_a_route_is_unimplemented() {
    let (documents, running) = start(server().await).await;
    let routes = std::fs::read_to_string(documents.path().join("routes.yaml")).unwrap();
    documents.write("routes.yaml", &routes.replace("\"*\"", "other.test"));
    running.reloaded(2).await;
    let status = client(&running).await.unary("hello").await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

async fn start(server: SocketAddr) -> (Documents, Running) {
    let documents = Documents::plain(server);
    let registry = std::fs::read_to_string(documents.path().join("registry.yaml")).unwrap();
    documents.write(
        "registry.yaml",
        &registry.replace("protocol: HTTP", "protocol: GRPC"),
    );
    let running = documents.start().await;
    (documents, running)
}

struct Client(tonic::client::Grpc<Channel>);

async fn client(running: &Running) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{}", running.address)).unwrap();
    Client(tonic::client::Grpc::new(endpoint.connect().await.unwrap()))
}

impl Client {
    async fn unary(&mut self, message: &str) -> Result<Response<Vec<u8>>, Status> {
        self.call(message, None).await
    }

    /// The deadline as on the wire: the library's own would end the call on this side.
    async fn call(
        &mut self,
        message: &str,
        timeout: Option<&'static str>,
    ) -> Result<Response<Vec<u8>>, Status> {
        self.0.ready().await.unwrap();
        let mut request = Request::new(message.as_bytes().to_vec());
        if let Some(timeout) = timeout {
            request
                .metadata_mut()
                .insert("grpc-timeout", timeout.parse().unwrap());
        }
        let path = PathAndQuery::from_static("/test.Echo/Unary");
        let call = self.0.unary(request, path, Raw);
        tokio::time::timeout(DEADLINE, call).await.unwrap()
    }
}

/// A server that speaks HTTP/2 only.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(async |request: http::Request<hyper::body::Incoming>| {
                let mut server = tonic::server::Grpc::new(Raw);
                Ok::<_, std::convert::Infallible>(match request.uri().path() {
                    "/test.Echo/Unary" => server.unary(Unary, request).await,
                    _ => server.streaming(Both, request).await,
                })
            });
            let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

fn failed() -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("why", "closed".parse().unwrap());
    Status::with_metadata(Code::FailedPrecondition, "not today: 50 % off", metadata)
}

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Status>> + Send>>;

struct Unary;

impl tonic::server::UnaryService<Vec<u8>> for Unary {
    type Response = Vec<u8>;
    type Future = Boxed<Response<Vec<u8>>>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(async move {
            let timeout = request.metadata().get("grpc-timeout").cloned();
            let message = match request.get_ref().as_slice() {
                b"fail" => return Err(failed()),
                b"never" => std::future::pending().await,
                b"timeout" => timeout
                    .map(|timeout| timeout.as_bytes().to_vec())
                    .unwrap_or_default(),
                other => other.to_vec(),
            };
            let mut response = Response::new(message);
            response
                .metadata_mut()
                .insert("x-server", "here".parse().unwrap());
            Ok(response)
        })
    }
}

struct Both;

impl tonic::server::StreamingService<Vec<u8>> for Both {
    type Response = Vec<u8>;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;
    type Future = Boxed<Response<Self::ResponseStream>>;

    fn call(&mut self, request: Request<Streaming<Vec<u8>>>) -> Self::Future {
        let answers = request.into_inner().map(|message| match message?.as_slice() {
            b"fail" => Err(failed()),
            other => Ok(other.to_vec()),
        });
        Box::pin(async move { Ok(Response::new(Box::pin(answers) as Self::ResponseStream)) })
    }
}

/// Messages as they are.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}
