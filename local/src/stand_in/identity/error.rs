//! Refusals, in the envelope of Google's APIs.

use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::stand_in::server::Verdict;

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// 400 with a code of Identity Toolkit, `INVALID_LOGIN_CREDENTIALS`; may be followed by ` : detail`.
    Code(&'static str),
    /// 400 with a code and a detail that is made for the occasion.
    Said(String),
    /// 403: no API key.
    MissingKey,
    /// 401: not the owner.
    NotOwner,
    /// 400: the body cannot be read.
    Malformed(String),
    /// 403: a web page from elsewhere.
    Origin(String),
    /// 429 or 5xx, because a test asked for it.
    Fault(StatusCode),
    /// 501: a call that this stand-in does not know.
    NotImplemented,
    /// 500: the state cannot be kept.
    Internal(String),
}

/// For whoever starts it, and for one account among many: without a status.
impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Code(code) => formatter.write_str(code),
            Error::Said(text) | Error::Malformed(text) | Error::Internal(text) => formatter.write_str(text),
            other => write!(formatter, "{other:?}"),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, message, google) = match &self {
            Error::Code(code) => (StatusCode::BAD_REQUEST, (*code).to_owned(), None),
            Error::Said(message) => (StatusCode::BAD_REQUEST, message.clone(), None),
            Error::MissingKey => (
                StatusCode::FORBIDDEN,
                "The request is missing a valid API key.".to_owned(),
                Some("PERMISSION_DENIED"),
            ),
            Error::NotOwner => (
                StatusCode::UNAUTHORIZED,
                "Request had invalid authentication credentials. Expected `Authorization: Bearer owner`."
                    .to_owned(),
                Some("UNAUTHENTICATED"),
            ),
            Error::Malformed(why) => (StatusCode::BAD_REQUEST, why.clone(), Some("INVALID_ARGUMENT")),
            Error::NotImplemented => (
                StatusCode::NOT_IMPLEMENTED,
                "This stand-in does not know this call.".to_owned(),
                Some("UNIMPLEMENTED"),
            ),
            Error::Origin(origin) => (
                StatusCode::FORBIDDEN,
                format!(
                    "Pages of {origin:?} may not call: it is not one of the project's authorizedDomains, which \
                     PATCH v2/projects/ID/config changes."
                ),
                Some("PERMISSION_DENIED"),
            ),
            Error::Fault(status) => {
                let (message, google) = match status.as_u16() {
                    429 => ("Quota exceeded.", "RESOURCE_EXHAUSTED"),
                    503 => ("The service is currently unavailable.", "UNAVAILABLE"),
                    504 => ("Deadline exceeded.", "DEADLINE_EXCEEDED"),
                    _ => ("Internal error encountered.", "INTERNAL"),
                };
                (*status, message.to_owned(), Some(google))
            }
            Error::Internal(why) => (StatusCode::INTERNAL_SERVER_ERROR, why.clone(), Some("INTERNAL")),
        };
        let detail = message.split(" : ").next().unwrap_or_default().to_owned();
        let mut response = (status, Json(envelope(status, &message, google))).into_response();
        response.extensions_mut().insert(Verdict {
            refused_by: None,
            detail,
        });
        response
    }
}

/// Errors of Identity Toolkit itself have no `status`; those of Google's front end do.
fn envelope(status: StatusCode, message: &str, google: Option<&str>) -> serde_json::Value {
    let reason = match google {
        Some("PERMISSION_DENIED") => "forbidden",
        _ => "invalid",
    };
    let mut error = json!({
        "code": status.as_u16(),
        "message": message,
        "errors": [{ "message": message, "domain": "global", "reason": reason }],
    });
    if let Some(google) = google {
        error["status"] = google.into();
    }
    json!({ "error": error })
}
