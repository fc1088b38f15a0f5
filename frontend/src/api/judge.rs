//! Who said no? One status means different things, depending on who made the answer; its form tells.
//!
//! Cloud Run's front door writes HTML; gateways and proxies of Envoy's kind write plain text; what came
//! from behind one carries `x-envoy-upstream-service-time`.

use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};

use crate::error::Failure;

/// The failure that an answer is, or none for a 2xx.
pub(super) fn failure(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Failure> {
    if status.is_success() {
        return None;
    }
    if let Some(failure) = front_door(status, headers) {
        return Some(failure);
    }
    let from_behind = headers.contains_key(SERVICE_TIME);
    let text = excerpt(body);
    Some(match status.as_u16() {
        401 => Failure::TokenRefused(text),
        403 => Failure::PolicyRefused(text),
        502..=504 if !from_behind => Failure::GatewayUnreachable(status, text),
        500..=599 => Failure::Backend(status, text),
        300..=399 => {
            let to = headers
                .get(LOCATION)
                .and_then(|to| to.to_str().ok())
                .unwrap_or("nowhere");
            let to = to.split('?').next().unwrap_or_default();
            Failure::Unexpected(format!(
                "PROXY_URL redirects to {to}: should PROXY_URL name that origin?"
            ))
        }
        _ => Failure::Unexpected(format!("/api/ answers {status}: {text}")),
    })
}

/// What Cloud Run says for itself: it is about this service, never about the user.
pub(super) fn front_door(status: StatusCode, headers: &HeaderMap) -> Option<Failure> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let html = kind.trim_start().to_ascii_lowercase().starts_with("text/html");
    if headers.contains_key(SERVICE_TIME) {
        return None; // a page from behind, whatever it says
    }
    match status.as_u16() {
        401 | 403 if html => Some(Failure::ServiceIdentity(status)),
        // 500: no instance could be started in time; 502 and 504: it broke off or was too slow
        500 | 502..=504 if html => Some(Failure::NoProxy),
        429 => Some(Failure::Busy),
        _ => None,
    }
}

/// The beginning of a plain-text answer for the log: one line, printable, short.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let line = text.lines().next().unwrap_or_default().trim();
    line.chars().filter(|c| !c.is_control()).collect()
}

const SERVICE_TIME: &str = "x-envoy-upstream-service-time";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_an_answer_tells_who_made_it() {
        let table = [
            (200, "application/json", false, "", None),
            (
                401,
                "text/html; charset=UTF-8",
                false,
                "<html>",
                Some("service_identity_refused"),
            ),
            (
                403,
                "text/html",
                false,
                "<html>",
                Some("service_identity_refused"),
            ),
            (
                401,
                "text/plain",
                false,
                "Jwt is expired",
                Some("user_token_refused"),
            ),
            (
                403,
                "text/plain",
                false,
                "RBAC: access denied",
                Some("policy_refused"),
            ),
            (
                403,
                "text/html",
                true,
                "<html>the backend's own",
                Some("policy_refused"),
            ),
            (503, "text/html", false, "<html>", Some("no_proxy")),
            (
                503,
                "text/plain",
                false,
                "no healthy upstream",
                Some("gateway_unreachable"),
            ),
            (
                504,
                "text/plain",
                true,
                "upstream request timeout",
                Some("backend_failed"),
            ),
            (500, "text/plain", true, "oops", Some("backend_failed")),
            (429, "text/plain", false, "Rate exceeded.", Some("busy")),
            (301, "", false, "", Some("unexpected_answer")),
            (404, "text/plain", true, "", Some("unexpected_answer")),
        ];
        for (status, kind, from_behind, body, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            if from_behind {
                headers.insert(SERVICE_TIME, "3".parse().unwrap());
            }
            let failure = failure(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes());
            assert_eq!(
                failure.map(|failure| failure.code()),
                expected,
                "{status} {kind} {body}"
            );
        }
    }
}
