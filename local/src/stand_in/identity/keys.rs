//! The public keys, in both of Google's formats, and where a verifier finds them.

use std::sync::Arc;

use anyhow::Result;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Identity;
use super::error::Error;

/// The path of the JWK set: what `AUTH_JWKS_URI` names.
pub(crate) const JWKS: &str = "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
const X509: &str = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com";
/// Long enough to be cached, short enough to notice a new key in a working day.
const MAX_AGE: &str = "public, max-age=3600, must-revalidate, no-transform";

/// Both formats; the certificate is made once.
pub(super) fn routes(identity: &Identity) -> Result<Router<Arc<Identity>>> {
    let jwks = identity.key.jwks();
    let x509 = identity.key.x509("securetoken.system.gserviceaccount.com")?;
    let answer = |document: Value| get(move || std::future::ready(cached(document.clone())));
    Ok(Router::new().route(JWKS, answer(jwks)).route(X509, answer(x509)))
}

fn cached(document: Value) -> ([(header::HeaderName, &'static str); 1], Json<Value>) {
    ([(header::CACHE_CONTROL, MAX_AGE)], Json(document))
}

/// As short as Google's.
pub(super) async fn discovery(
    State(identity): State<Arc<Identity>>,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    if project != identity.project {
        return Err(Error::Code("PROJECT_NOT_FOUND"));
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    Ok(Json(json!({
        "issuer": format!("https://securetoken.google.com/{project}"),
        "jwks_uri": format!("http://{host}{JWKS}"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })))
}
