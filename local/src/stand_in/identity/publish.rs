//! The public keys, in both of Google's formats, and where a verifier finds them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Identity;
use super::calls::{base_url, in_background};
use super::error::Error;

/// The path of the JWK set: what `AUTH_JWKS_URI` names.
pub(crate) const JWKS: &str = "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
const X509: &str = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com";
/// Where libraries look for the keys of session cookies.
const COOKIE_X509: &str = "/identitytoolkit/v3/relyingparty/publicKeys";
/// Long enough to be cached, short enough to notice a new key in a working day.
const MAX_AGE: &str = "public, max-age=3600, must-revalidate, no-transform";

type Cached = ([(header::HeaderName, &'static str); 1], Json<Value>);

/// Below `www.googleapis.com`.
pub(super) fn routes() -> Router<Arc<Identity>> {
    Router::new()
        .route(JWKS, get(jwks))
        .route(X509, get(x509))
        .route(COOKIE_X509, get(cookie_x509))
}

fn cached(document: Value) -> Cached {
    ([(header::CACHE_CONTROL, MAX_AGE)], Json(document))
}

async fn jwks(State(identity): State<Arc<Identity>>) -> Cached {
    cached(identity.keys.jwks())
}

async fn x509(State(identity): State<Arc<Identity>>) -> Result<Cached, Error> {
    in_background(move || identity.keys.x509()).await.map(cached)
}

async fn cookie_x509(State(identity): State<Arc<Identity>>) -> Result<Cached, Error> {
    in_background(move || identity.keys.cookie_x509())
        .await
        .map(cached)
}

/// `GET v1/sessionCookiePublicKeys`: the same as a JWK set, which Istio can read.
pub(super) async fn cookie_jwks(State(identity): State<Arc<Identity>>) -> Result<Cached, Error> {
    in_background(move || identity.keys.cookie_jwks())
        .await
        .map(cached)
}

/// As short as Google's.
pub(super) async fn discovery(
    State(identity): State<Arc<Identity>>,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    identity.project.is(&project)?;
    let base = base_url(&identity, &headers)?;
    Ok(Json(json!({
        "issuer": format!("https://securetoken.google.com/{project}"),
        "jwks_uri": format!("{base}{JWKS}"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })))
}
