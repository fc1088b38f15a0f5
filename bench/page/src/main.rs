//! The least that axum can do for a page: its bytes are read once and sent to whoever asks. With an upstream it
//! asks that one first, for every page, on a connection that is kept. No session, no template, no headers, no
//! record: what a request costs here no front end on axum can undercut.
//!
//! `page LISTEN FILE [UPSTREAM]`

use std::error::Error;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Clone)]
struct Page {
    bytes: Bytes,
    upstream: Option<Uri>,
    client: Client<HttpConnector, Body>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (listen, file, upstream) = match arguments.as_slice() {
        [listen, file] => (listen, file, None),
        [listen, file, upstream] => (listen, file, Some(upstream.parse()?)),
        _ => return Err("usage: page LISTEN FILE [UPSTREAM]".into()),
    };
    let page = Page {
        bytes: std::fs::read(file)?.into(),
        upstream,
        client: Client::builder(TokioExecutor::new()).build_http(),
    };
    let router = Router::new().route("/", get(answer)).with_state(page);
    axum::serve(tokio::net::TcpListener::bind(listen).await?, router).await?;
    Ok(())
}

async fn answer(State(page): State<Page>) -> Response {
    if let Some(upstream) = page.upstream
        && !asked(&page.client, upstream).await
    {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.bytes).into_response()
}

/// Whether the upstream answers, and with success.
async fn asked(client: &Client<HttpConnector, Body>, upstream: Uri) -> bool {
    match client.get(upstream).await {
        Ok(answer) => answer.status().is_success() && answer.into_body().collect().await.is_ok(),
        Err(_) => false,
    }
}
