//! Passes a request on to the service behind, bodies streamed both ways.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use axum::response::Response;
use chassis::accept::Peer;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::pages;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Headers of one connection only (RFC 9110, section 7.6.1), beside those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
const CONNECT: Duration = Duration::from_secs(1);
/// Until the service begins to answer; Cloud Run's default for a whole request.
const ANSWER: Duration = Duration::from_secs(300);
/// Idle connections are dropped before the service drops them.
const IDLE: Duration = Duration::from_secs(10);

/// Sends to one origin.
pub(super) struct Forwarder {
    upstream: String,
    client: Client<HttpConnector, Body>,
}

impl Forwarder {
    /// `upstream` is an origin.
    pub(super) fn new(upstream: String) -> Forwarder {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Forwarder { upstream, client }
    }

    /// The service's answer, or Cloud Run's page when there is none.
    pub(super) async fn forward(&self, mut request: Request) -> Response {
        // the path as it was sent: no URL type may tidy it up on the way
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let Ok(uri) = format!("{}{path}", self.upstream).parse::<Uri>() else {
            return pages::unavailable("the request's path cannot be passed on");
        };
        let peer = request.extensions().get::<Peer>().copied();
        keep_host(&mut request);
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        request.extensions_mut().clear();
        without_hop_by_hop(request.headers_mut());
        forwarded(request.headers_mut(), peer);

        match tokio::time::timeout(ANSWER, self.client.request(request)).await {
            Ok(Ok(response)) => {
                let mut response = response.map(Body::new);
                without_hop_by_hop(response.headers_mut());
                response
            }
            Ok(Err(error)) => pages::unavailable(&format!(
                "{} does not answer: {}",
                self.upstream,
                crate::chain(&error)
            )),
            Err(_) => pages::unavailable(&format!("{} did not answer within {ANSWER:?}", self.upstream)),
        }
    }
}

/// HTTP/2 has the host in its pseudo-header; the service behind speaks HTTP/1.1.
fn keep_host(request: &mut Request) {
    if request.headers().contains_key(header::HOST) {
        return;
    }
    let authority = request
        .uri()
        .authority()
        .map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = authority {
        request.headers_mut().insert(header::HOST, host);
    }
}

fn without_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// As Cloud Run does: the caller is appended to what it said itself, and the caller came by https.
fn forwarded(headers: &mut HeaderMap, peer: Option<Peer>) {
    let before = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let chain: Vec<String> = before
        .map(str::to_owned)
        .chain(peer.map(|peer| peer.0.ip().to_string()))
        .collect();
    if let Ok(value) = HeaderValue::from_str(&chain.join(", ")) {
        headers.insert(FORWARDED_FOR, value);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connection_names_stays_on_this_connection() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("x", "2"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        without_hop_by_hop(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x"]);
    }

    #[test]
    fn the_caller_is_appended_to_what_it_claims() {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"));
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
        forwarded(&mut headers, Some(Peer("127.0.0.1:9".parse().unwrap())));
        assert_eq!(headers[FORWARDED_FOR], "192.0.2.1, 127.0.0.1");
        assert_eq!(headers[FORWARDED_PROTO], "https");
    }
}
