//! The HTTP/2 side of an upstream.

use std::io;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::Upstream;
use super::http1::BEFORE_THE_CUT;
use super::plan::{Abort, Plan};
use crate::wire::{to_bytes, to_text};

/// Serves a connection until the peer closes it.
pub(super) async fn serve(upstream: Upstream, io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(100).max_header_list_size(1 << 20);
    let mut connection = builder.handshake(io).await.map_err(io::Error::other)?;
    let mut streams = JoinSet::new();
    let mut number = 0;
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted.map_err(io::Error::other)?;
        number += 1;
        let upstream = upstream.clone();
        // a stream that fails was reset by the gateway, and shows in what it answers
        streams.spawn(async move {
            let _ = answer(upstream, request, respond, number).await;
        });
    }
    Ok(())
}

async fn answer(
    upstream: Upstream,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    number: usize,
) -> Result<(), h2::Error> {
    let (head, mut content) = request.into_parts();
    let mut body = Vec::new();
    while let Some(data) = content.data().await.transpose()? {
        content.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
    }
    let authority = head
        .uri
        .authority()
        .map(|authority| ("host".to_owned(), authority.to_string()));
    let lines = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), to_text(value.as_bytes())));
    let headers = authority.into_iter().chain(lines).collect();
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    let plan = upstream.note("2", head.method.as_str(), target, headers, &body);

    tokio::time::sleep(plan.wait).await;
    if plan.abort == Some(Abort::Before) {
        respond.send_reset(Reason::CANCEL);
    } else if plan.refuse {
        respond.send_reset(Reason::REFUSED_STREAM);
    } else if let Some(status) = &plan.grpc {
        reply_grpc(status, plan.trailers_only, respond)?;
    } else {
        let body = if head.method == "HEAD" {
            Vec::new()
        } else {
            plan.body(upstream.name, number)
        };
        reply(&plan, body, respond).await?;
    }
    Ok(())
}

async fn reply(plan: &Plan, body: Vec<u8>, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut response = Response::new(());
    *response.status_mut() = plan.status().try_into().unwrap_or_default();
    for (name, value) in plan.headers() {
        append(response.headers_mut(), name, value);
    }
    append(response.headers_mut(), "content-length", &body.len().to_string());
    let mut stream = respond.send_response(response, body.is_empty())?;
    if plan.abort == Some(Abort::Mid) {
        stream.send_data(Bytes::copy_from_slice(&body[..1.min(body.len())]), false)?;
        // a reset drops what is still queued on the stream
        tokio::time::sleep(BEFORE_THE_CUT).await;
        stream.send_reset(Reason::INTERNAL_ERROR);
    } else if !body.is_empty() {
        stream.send_data(body.into(), true)?;
    }
    Ok(())
}

/// A message of two bytes and the status in the trailers, or the status among the headers and no message.
fn reply_grpc(status: &str, trailers_only: bool, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let mut response = Response::new(());
    append(response.headers_mut(), "content-type", "application/grpc");
    let mut outcome = HeaderMap::new();
    append(&mut outcome, "grpc-status", status);
    append(&mut outcome, "grpc-message", "from upstream");
    if trailers_only {
        response.headers_mut().extend(outcome);
        respond.send_response(response, true)?;
        return Ok(());
    }
    let mut stream: SendStream<Bytes> = respond.send_response(response, false)?;
    stream.send_data(Bytes::from_static(b"\0\0\0\0\x02hi"), false)?;
    stream.send_trailers(outcome)
}

fn append(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_bytes(&to_bytes(value)),
    ) {
        headers.append(name, value);
    }
}
