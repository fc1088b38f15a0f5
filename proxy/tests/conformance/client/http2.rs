//! HTTP/2, over TLS or with prior knowledge.

use std::future::poll_fn;
use std::pin::pin;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::ResponseFuture;
use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncWrite};

use super::override_headers::OverrideHeaders;
use super::{Message, NoHttp, Reply};
use crate::answer::Headers;
use crate::wire::to_text;

/// Sends `message` and reads its answer.
///
/// The library frames, controls the flow and reads the answer; it would never send the header blocks that some
/// requests are about, so the one it makes is replaced on its way out.
pub(super) async fn send<S>(message: Message, stream: S) -> Result<Reply, NoHttp>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let stream = OverrideHeaders::new(stream, &message.block());
    let mut builder = h2::client::Builder::new();
    builder.enable_push(false);
    let (client, connection) = builder.handshake::<_, Bytes>(stream).await?;
    let connection = tokio::spawn(connection);
    let reply = async {
        let mut client = client.ready().await?;
        let mut request = http::Request::new(());
        // the library reads the answer by the method, and wants some absolute address
        *request.method_mut() = message.method.parse().unwrap_or_default();
        *request.uri_mut() = http::Uri::from_static("http://replaced/");
        let (response, mut body) = client.send_request(request, message.body.is_empty())?;
        if !message.body.is_empty() {
            body.send_data(message.body.into(), true)?;
        }
        read_reply(response).await
    };
    let reply = reply.await;
    connection.abort();
    reply
}

impl Message {
    fn block(&self) -> Vec<(String, String)> {
        let pseudo = [
            (":method", &self.method),
            (":scheme", &self.scheme.to_owned()),
            (":path", &self.target),
        ];
        let mut block: Vec<_> = pseudo
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        block.extend(
            self.host
                .iter()
                .map(|host| (":authority".to_owned(), host.clone())),
        );
        block.extend(
            self.headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone())),
        );
        block
    }
}

async fn read_reply(response: ResponseFuture) -> Result<Reply, NoHttp> {
    let mut reply = Reply::default();
    let mut response = pin!(response);
    while let Some(interim) = poll_fn(|cx| response.poll_informational(cx)).await {
        reply.interim.push(interim?.status().as_u16());
    }
    let (head, mut body) = response.await?.into_parts();
    reply.status = head.status.as_u16();
    reply.headers = lines(&head.headers);
    reply.truncated = read_body(&mut body, &mut reply).await.is_err();
    Ok(reply)
}

async fn read_body(body: &mut RecvStream, reply: &mut Reply) -> Result<(), h2::Error> {
    while let Some(data) = body.data().await.transpose()? {
        body.flow_control().release_capacity(data.len())?;
        reply.body.extend_from_slice(&data);
    }
    if let Some(trailers) = body.trailers().await? {
        let mut trailers = lines(&trailers);
        trailers.sort();
        reply.trailers = Some(trailers);
    }
    Ok(())
}

fn lines(headers: &HeaderMap) -> Headers {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), to_text(value.as_bytes())))
        .collect()
}
