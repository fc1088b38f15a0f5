//! The client: sends a request exactly as its table says, on a connection of its own.

mod http1;
mod http2;
mod override_headers;
pub(crate) mod tls;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};

use crate::answer::Headers;
use crate::material::{Material, sha256};
use crate::request::Request;

/// What came back.
#[derive(Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    /// The body broke off.
    pub(crate) truncated: bool,
    pub(crate) trailers: Option<Headers>,
    pub(crate) interim: Vec<u16>,
    /// Of a raw request: each answer's status and whether the gateway closed the connection.
    pub(crate) raw: Option<(Vec<u16>, bool)>,
    pub(crate) tls: Option<tls::Negotiated>,
}

/// There was no HTTP answer, and how that was.
pub(crate) struct NoHttp(pub(crate) String);

impl From<io::Error> for NoHttp {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<h2::Error> for NoHttp {
    fn from(error: h2::Error) -> Self {
        Self(error.to_string())
    }
}

/// Sends `request`; `case` is what the upstreams are to know it by, `number` which of its repetitions it is.
pub(crate) async fn exchange(
    request: &Request,
    case: &str,
    number: Option<usize>,
    material: &Material,
) -> Result<Reply, NoHttp> {
    let message = Message::new(request, case, number, material);
    let stream = connect(request).await?;
    match &request.tls {
        None => message.send(request, stream).await,
        Some(parameters) => {
            let (stream, negotiated) =
                tls::connect(parameters, request.http == "2", stream, material).await?;
            let reply = message.send(request, stream).await?;
            Ok(Reply {
                tls: Some(negotiated),
                ..reply
            })
        }
    }
}

/// The trace id by which a request's line of the access log is found.
pub(crate) fn trace(case: &str) -> String {
    sha256(case.as_bytes())[..32].to_owned()
}

async fn connect(request: &Request) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(request.from, 0))?;
    let stream = socket
        .connect(SocketAddr::from((Ipv4Addr::LOCALHOST, request.to)))
        .await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A request with everything filled in.
struct Message {
    method: String,
    scheme: &'static str,
    host: Option<String>,
    target: String,
    headers: Headers,
    body: Vec<u8>,
}

impl Message {
    fn new(request: &Request, case: &str, number: Option<usize>, material: &Material) -> Self {
        let fill = |text: &str| {
            let filled = material.fill(text);
            number.map_or(filled.clone(), |i| filled.replace("{i}", &i.to_string()))
        };
        let mut headers: Headers = request
            .headers
            .0
            .iter()
            .map(|(name, value)| (name.clone(), fill(value)))
            .collect();
        if let Some(token) = &request.jwt {
            headers.push((
                "authorization".into(),
                format!("Bearer {}", material.token(token)),
            ));
        }
        if let Some(up) = &request.up {
            headers.push(("x-up".into(), up.clone()));
        }
        headers.push(("x-case".into(), case.to_owned()));
        if number.is_none() && request.is_logged() {
            let traceparent = format!("00-{}-0000000000000001-00", trace(case));
            headers.push(("traceparent".into(), traceparent));
        }
        Self {
            method: request.method.clone(),
            scheme: if request.tls.is_some() { "https" } else { "http" },
            host: request.host.clone(),
            target: fill(&request.path),
            headers,
            body: request.body.bytes(),
        }
    }

    async fn send<S>(self, request: &Request, stream: S) -> Result<Reply, NoHttp>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        match &request.raw {
            Some(parts) => http1::send_raw(parts.clone().into_vec(), request.wait, stream).await,
            None if request.http == "2" => http2::send(self, stream).await,
            None => http1::send(self, &request.http, stream).await,
        }
    }
}
