//! Calls to other servers: no redirects, no cookies, bounded answers, errors a person can read.

use std::error::Error;
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};

/// A client that ignores `http_proxy` and the like: for the stand-ins, the metadata server and the proxy,
/// whose calls carry credentials that must not take a detour.
pub(crate) fn direct() -> anyhow::Result<Client> {
    finish(Client::builder().no_proxy())
}

/// A client for Google's public addresses, which a company may reach through a web proxy only.
pub(crate) fn internet() -> anyhow::Result<Client> {
    finish(Client::builder())
}

fn finish(builder: ClientBuilder) -> anyhow::Result<Client> {
    builder
        .redirect(Policy::none()) // a redirected token is a leaked token
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE_CONNECTION)
        .user_agent(concat!("acme-frontend/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("cannot make an HTTP client (are the system's CA certificates installed?)")
}

/// The answer's body, if it is not longer than the bound.
pub(crate) async fn text(mut response: Response) -> Result<Bytes, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err(format!("its answer is longer than {LONGEST} bytes"));
        }
    }
    Ok(body.into())
}

/// Why a call failed, without its URL: the innermost cause is the one that says something.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the end of the error, for use in map_err"
)]
pub(crate) fn reason(error: reqwest::Error) -> String {
    let step = match () {
        () if error.is_timeout() => "no connection in time",
        () if error.is_connect() => "no connection",
        () if error.is_body() || error.is_decode() => "the answer broke off",
        () => "the call failed",
    };
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(inner) = cause.and_then(Error::source) {
        cause = Some(inner);
    }
    match cause {
        Some(cause) => format!("{step}: {cause}"),
        None => step.to_owned(),
    }
}

/// To a TCP connection, TLS included.
const CONNECT: Duration = Duration::from_secs(1);
/// How long an unused connection is kept: less than the 600 s after which load balancers forget it.
const IDLE_CONNECTION: Duration = Duration::from_secs(60);
/// Bytes of an answer that is read as a whole: tokens and key sets are a few thousand.
const LONGEST: usize = 256 * 1024;
