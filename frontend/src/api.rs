//! The backend's API, through the proxy: a typed call for the page, a pass-through for scripts.
//!
//! The two identities never mix. The user is the ID token in `Authorization`; this service is the metadata
//! server's token in `X-Serverless-Authorization`, which Cloud Run's front door checks in its stead when
//! both are there, and which the proxy takes off.

use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use chassis::trace::TRACEPARENT;
use reqwest::{Body, Client, Response};
use serde::Deserialize;

use crate::arrival::Arrival;
use crate::config::Config;
use crate::error::Failure;
use crate::outbound;
use crate::service_token::ServiceToken;
use crate::session::Session;

mod judge;
mod pass_through;
mod path;

pub(crate) use pass_through::{pass_anyone, pass_through};

/// Which of the two ways leads to the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// Through Cloud Run's front door and the proxy, with a service token.
    Private,
    /// Through the public gateway, as any client: no service token.
    Gke,
}

/// The way to the backend.
pub(crate) struct Api {
    http: Client,
    origin: String,
    service_token: Option<ServiceToken>,
}

impl Api {
    pub(crate) fn new(config: &Config, http: Client) -> Api {
        let audience = config.audience.as_deref();
        Api {
            service_token: audience.map(|audience| ServiceToken::new(config, audience, http.clone())),
            origin: config.proxy.clone(),
            http,
        }
    }

    pub(crate) fn topology(&self) -> Topology {
        match self.service_token {
            Some(_) => Topology::Private,
            None => Topology::Gke,
        }
    }

    /// What the page shows, within what is left of its time.
    pub(crate) async fn secret_message(&self, user: &Session, arrival: &Arrival) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Secret {
            message: String,
        }
        let headers = self.identities(Some(user), arrival).await?;
        let answer = arrival.within(async {
            let response = self.call(Method::GET, "/api/secure.json", headers, None).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = outbound::text(response).await;
            Ok((
                status,
                headers,
                body.map_err(|reason| Failure::Backend(StatusCode::BAD_GATEWAY, reason))?,
            ))
        });
        let (status, headers, body): (_, _, Bytes) = answer.await.map_err(|_| Failure::TooSlow(WAY))??;
        if let Some(failure) = judge::failure(status, &headers, &body) {
            return Err(failure);
        }
        let secret: Secret = serde_json::from_slice(&body)
            .map_err(|_| Failure::Unexpected("/api/secure.json is not {\"message\": \"...\"}".to_owned()))?;
        Ok(secret.message)
    }

    /// The headers that say who asks: the trace, the user, this service.
    async fn identities(&self, user: Option<&Session>, arrival: &Arrival) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, arrival.trace.header());
        if let Some(user) = user {
            headers.insert(AUTHORIZATION, bearer(&user.id_token)?);
        }
        if let Some(tokens) = &self.service_token {
            let token = arrival.within(tokens.get()).await;
            let token = token.unwrap_or_else(|_| Err("no answer before the page's deadline".to_owned()));
            let token = token.map_err(Failure::MetadataServer)?;
            headers.insert(SERVERLESS_AUTHORIZATION, bearer(token.expose())?);
        }
        Ok(headers)
    }

    /// The one call that leaves for the proxy.
    async fn call(
        &self,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Option<Body>,
    ) -> Result<Response, Failure> {
        let request = self
            .http
            .request(method, format!("{}{path_and_query}", self.origin));
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        let sent = request.headers(headers).send().await;
        sent.map_err(|error| match error.is_connect() {
            true => Failure::ProxyUnreachable(outbound::reason(error)),
            false => Failure::ProxyUnreachable(format!(
                "it took the request and broke off: {}",
                outbound::reason(error)
            )),
        })
    }
}

fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Failure::Unexpected("a token has characters that no header may have".to_owned()))?;
    value.set_sensitive(true); // not in hyper's debug output, not in HPACK's table
    Ok(value)
}

const SERVERLESS_AUTHORIZATION: &str = "x-serverless-authorization";
const WAY: &str = "the proxy, the gateway or the backend";
