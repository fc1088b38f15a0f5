//! The answer to a form that was refused: its status, when to come back, and what the log says.

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};

use crate::access::Note;
use crate::identity::Refusal;

/// The page that explains a refusal, with everything around it.
pub(crate) fn with(refusal: &Refusal, page: Response) -> Response {
    let mut response = (refusal.status(), page).into_response();
    if refusal.status() == StatusCode::TOO_MANY_REQUESTS {
        let seconds = match refusal {
            Refusal::Paused(seconds) => *seconds,
            _ => LATER,
        };
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response.extensions_mut().insert(Note {
        detail: refusal.detail(),
        user: None,
    });
    response
}

/// Seconds after which Identity Platform, which names no time, may have forgotten.
const LATER: u64 = 300;
