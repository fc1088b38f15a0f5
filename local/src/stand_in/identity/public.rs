//! What everybody may ask of a project before signing in: its domains, and that no reCAPTCHA is wanted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Identity;
use super::calls::{api_key, given};
use super::error::Error;
use super::token::PROJECT_NUMBER;

/// `GET v1/projects`: the project's number, as production answers here, and its domains.
pub(super) async fn project(
    State(identity): State<Arc<Identity>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    api_key(&uri, &headers)?;
    let domains = identity.project.settings().authorized_domains;
    Ok(Json(
        json!({ "projectId": PROJECT_NUMBER, "authorizedDomains": domains }),
    ))
}

/// `GET v1/recaptchaParams`: clients that are told of a stand-in use none of it.
pub(super) async fn recaptcha_params(uri: Uri, headers: HeaderMap) -> Result<Json<Value>, Error> {
    api_key(&uri, &headers)?;
    Ok(Json(json!({
        "kind": "identitytoolkit#GetRecaptchaParamResponse",
        "recaptchaSiteKey": "stand-in-site-key", "recaptchaStoken": "stand-in-token",
        "producerProjectNumber": PROJECT_NUMBER,
    })))
}

/// The tenant that is asked about.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Asked {
    tenant_id: Option<String>,
}

/// `GET v2/recaptchaConfig`: off for everything.
pub(super) async fn recaptcha_config(
    State(identity): State<Arc<Identity>>,
    Query(asked): Query<Asked>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    api_key(&uri, &headers)?;
    identity.project.tenant(given(&asked.tenant_id))?;
    let off = |provider: &str| json!({ "provider": provider, "enforcementState": "OFF" });
    Ok(Json(json!({
        "recaptchaKey": format!("projects/{}/keys/stand-in", identity.project.id),
        "recaptchaEnforcementState": [off("EMAIL_PASSWORD_PROVIDER"), off("PHONE_PROVIDER")],
    })))
}
