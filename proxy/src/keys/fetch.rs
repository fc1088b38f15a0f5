//! Fetches key sets: a GET over HTTP or HTTPS with the operating system's roots, one connection each.
//!
//! Nothing is reused: a set is fetched three times an hour. Bounded in time by the rule's timeout and in
//! size by [`LARGEST`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;

use crate::plan::authentication::KeySource;
use crate::plan::upstream::{Address, Trust, UpstreamTls, VerifyName};
use crate::tls::client::{Originator, server_name};
use crate::tls::material::Secrets;
use crate::upstream::connect::{Handshake, connect};
use crate::upstream::dns::Names;

/// A key set is a few kilobytes.
const LARGEST: usize = 1024 * 1024;

/// Fetches. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Fetcher {
    names: Names,
    secrets: Arc<Secrets>,
}

impl Fetcher {
    /// With the process's resolver and roots.
    pub(crate) fn new(names: &Names, secrets: &Secrets) -> Fetcher {
        Fetcher {
            names: names.clone(),
            secrets: Arc::new(secrets.clone()),
        }
    }

    /// The key set of a source, as text.
    pub(super) async fn key_set(&self, source: &KeySource) -> anyhow::Result<String> {
        match source {
            KeySource::Inline(text) => Ok(text.to_string()),
            KeySource::Remote { uri, timeout } => self.get(uri, *timeout).await,
            KeySource::Discovery { issuer, timeout } => {
                let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
                let document = format!("{issuer}/.well-known/openid-configuration");
                let found = self.get(&document, *timeout).await?;
                let found: serde_json::Value =
                    serde_json::from_str(&found).with_context(|| format!("{document} is not JSON"))?;
                let uri = found.get("jwks_uri").and_then(serde_json::Value::as_str);
                let uri = uri.with_context(|| format!("{document} names no jwks_uri"))?;
                self.get(uri, *timeout).await
            }
        }
    }

    async fn get(&self, uri: &str, timeout: Duration) -> anyhow::Result<String> {
        let exchange = self.exchange(uri, timeout);
        match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result.with_context(|| format!("GET {uri}")),
            Err(_) => bail!("GET {uri}: no complete answer within {timeout:?}"),
        }
    }

    async fn exchange(&self, uri: &str, timeout: Duration) -> anyhow::Result<String> {
        let uri: Uri = uri.parse().context("not a URL")?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => bail!("neither http nor https"),
        };
        let host = uri.host().context("no host in it")?.trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let found = self
            .names
            .look_up(host)
            .await
            .map_err(|error| anyhow!("{host}: {error}"))?;
        let address = found
            .addresses
            .first()
            .with_context(|| format!("{host} has no address"))?;
        let address = Address::Ip(SocketAddr::new(*address, port));
        let handshake = if https { Some(self.handshake(host)?) } else { None };
        let stream = connect(&address, None, handshake, timeout, host).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request(&uri)?).await?;
        if !answer.status().is_success() {
            bail!("answered {}", answer.status());
        }
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        connection.abort();
        let body = body.map_err(|error| anyhow!("the answer cannot be read: {error}"))?;
        String::from_utf8(body.to_bytes().to_vec()).context("the answer is not text")
    }

    fn handshake(&self, host: &str) -> anyhow::Result<Handshake> {
        let tls = UpstreamTls {
            certificate: None,
            trust: Trust::System,
            sni: None,
            verify: VerifyName::Host,
        };
        let files = self.secrets.of_client(&tls)?;
        let originator = Originator::build(&tls, &files, host, 0)?;
        Ok(Handshake {
            config: originator.http1,
            name: server_name(Some(host)),
        })
    }
}

fn request(uri: &Uri) -> anyhow::Result<Request<Empty<Bytes>>> {
    let authority = uri.authority().context("no host in it")?.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = path.parse()?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_str(host)?);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("acme-proxy"));
    Ok(request)
}
