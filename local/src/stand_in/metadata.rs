//! The metadata server of Compute Engine and Cloud Run: who the calling service is.
//!
//! Answers what Google's client libraries ask on their way to an identity token:
//!
//! - `/`, `/computeMetadata/v1/instance`: their probes.
//! - `…/service-accounts/{default|EMAIL}/identity?audience=…[&format=full]`: an identity token, signed
//!   with a key of its own, issuer `https://accounts.google.com`.
//! - `…/service-accounts/{default|EMAIL}/{email,token,?recursive=true}`, `…/instance/region`,
//!   `…/project/{project-id,numeric-project-id}`.
//! - `/oauth2/v3/certs`: the keys that verify these tokens, which the real server does not have: in the
//!   cloud they are on `www.googleapis.com`.
//!
//! Refuses, as the real one: a request without `Metadata-Flavor: Google` or with `X-Forwarded-For`
//! (403: both are marks of a request that somebody was tricked into), no audience (400), another
//! account or path (404). The access token is a dummy: nothing here accepts it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chassis::access::AccessLog;
use serde_json::{Value, json};

use super::key::{SigningKey, now};
use super::server::{self, Server};

/// The service account that the frontend runs as.
pub(crate) const FRONTEND: &str = "frontend@demo-acme.iam.gserviceaccount.com";

const FLAVOR: &str = "metadata-flavor";
const PROJECT_NUMBER: &str = "123456789012";
/// As Cloud Run has it.
const REGION: &str = "projects/123456789012/regions/europe-west1";
/// Where the key of its tokens is kept, below the state's folder.
pub(crate) const SIGNING_KEY: &str = "metadata/signing-key.pk8";
/// The account's numeric id: `sub` and `azp` of its tokens.
const SUBJECT: &str = "104857600000000000001";
/// Life of an identity token, in seconds.
const LIFE: u64 = 3600;

/// What the metadata server is told.
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// Where its key is kept.
    pub(crate) state: PathBuf,
    pub(crate) project: String,
    pub(crate) access_log: AccessLog,
}

struct Metadata {
    key: SigningKey,
    project: String,
}

/// Reads or makes the key, and binds.
pub(crate) fn build(config: Config) -> Result<Server> {
    let metadata = Arc::new(Metadata {
        key: SigningKey::load_or_make(&config.state.join(SIGNING_KEY))?,
        project: config.project,
    });
    Server::bind(config.listen, "metadata", config.access_log, routes(metadata))
}

fn routes(metadata: Arc<Metadata>) -> Router {
    let accounts = "/computeMetadata/v1/instance/service-accounts/{account}";
    let guarded = Router::new()
        .route(
            "/computeMetadata/v1/instance",
            get(|| async { "id\nservice-accounts/\n" }),
        )
        .route(
            "/computeMetadata/v1/instance/",
            get(|| async { "id\nservice-accounts/\n" }),
        )
        .route(&format!("{accounts}/"), get(account))
        .route(&format!("{accounts}/identity"), get(identity))
        .route(&format!("{accounts}/email"), get(email))
        .route(&format!("{accounts}/token"), get(access_token))
        .route("/computeMetadata/v1/instance/region", get(|| async { REGION }))
        .route("/computeMetadata/v1/project/project-id", get(project_id))
        .route(
            "/computeMetadata/v1/project/numeric-project-id",
            get(|| async { PROJECT_NUMBER }),
        )
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found\n") })
        .layer(middleware::from_fn(only_direct_callers));
    let open = Router::new()
        .route("/", get(|| async { "computeMetadata/\n" }))
        .route("/oauth2/v3/certs", get(certs));
    open.merge(guarded)
        .with_state(metadata)
        .layer(middleware::from_fn(flavoured))
        .merge(server::health())
}

async fn only_direct_callers(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let flavour = headers.get(FLAVOR).is_some_and(|value| value == "Google");
    if !flavour {
        return (StatusCode::FORBIDDEN, "Missing Metadata-Flavor:Google header.\n").into_response();
    }
    if headers.contains_key("x-forwarded-for") {
        return (StatusCode::FORBIDDEN, "X-Forwarded-For is not allowed here.\n").into_response();
    }
    next.run(request).await
}

/// Every answer carries the flavour: clients tell a real metadata server by it.
async fn flavoured(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(FLAVOR, HeaderValue::from_static("Google"));
    response
}

type Parameters = Query<BTreeMap<String, String>>;

async fn identity(
    State(metadata): State<Arc<Metadata>>,
    Path(account): Path<String>,
    Query(parameters): Parameters,
) -> Response {
    if !is_ours(&account) {
        return unknown_account();
    }
    let audience = parameters.get("audience").map_or("", String::as_str);
    if audience.is_empty() {
        return (StatusCode::BAD_REQUEST, "non-empty audience parameter required\n").into_response();
    }
    let now = now();
    let mut claims = json!({
        "iss": "https://accounts.google.com", "aud": audience, "azp": SUBJECT, "sub": SUBJECT,
        "iat": now, "exp": now + LIFE,
    });
    if parameters.get("format").is_some_and(|format| format == "full") {
        claims["email"] = FRONTEND.into();
        claims["email_verified"] = true.into();
    }
    match metadata.key.sign(&claims) {
        Ok(token) => ([(header::CONTENT_TYPE, "text/html")], token).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn account(Path(account): Path<String>, Query(parameters): Parameters) -> Response {
    match (is_ours(&account), parameters.contains_key("recursive")) {
        (false, _) => unknown_account(),
        (true, false) => "aliases\nemail\nidentity\nscopes\ntoken\n".into_response(),
        (true, true) => Json(json!({
            "aliases": ["default"], "email": FRONTEND,
            "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        }))
        .into_response(),
    }
}

async fn email(Path(account): Path<String>) -> Response {
    match is_ours(&account) {
        true => FRONTEND.into_response(),
        false => unknown_account(),
    }
}

async fn access_token(Path(account): Path<String>) -> Response {
    match is_ours(&account) {
        true => Json(json!({
            "access_token": "stand-in-access-token", "expires_in": LIFE, "token_type": "Bearer",
        }))
        .into_response(),
        false => unknown_account(),
    }
}

async fn project_id(State(metadata): State<Arc<Metadata>>) -> String {
    metadata.project.clone()
}

async fn certs(State(metadata): State<Arc<Metadata>>) -> (HeaderMap, Json<Value>) {
    let mut headers = HeaderMap::new();
    let age = HeaderValue::from_static("public, max-age=3600, must-revalidate, no-transform");
    headers.insert(header::CACHE_CONTROL, age);
    (headers, Json(json!({ "keys": [metadata.key.jwk()] })))
}

fn is_ours(account: &str) -> bool {
    account == "default" || account == FRONTEND
}

fn unknown_account() -> Response {
    (StatusCode::NOT_FOUND, "Service account not found.\n").into_response()
}
