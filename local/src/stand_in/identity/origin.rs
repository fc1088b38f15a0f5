//! Which web pages may call: those of the project's own domains, and of this machine. A page from elsewhere that a
//! developer happens to visit could otherwise change accounts and read codes (RFC 6454, Fetch's CORS protocol).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use reqwest::Url;

use super::Identity;
use super::error::Error;

/// Around everything.
pub(super) async fn guard(State(identity): State<Arc<Identity>>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await; // no page, but a program
    };
    let text = origin.to_str().unwrap_or_default();
    if !is_ours(text, &identity.project.settings().authorized_domains) {
        return Error::Origin(text.to_owned()).into_response();
    }
    let asked = request.headers().clone();
    let mut response = match request.method() == Method::OPTIONS {
        true => preflight(&asked),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    response
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let mut allow = |name: HeaderName, value| drop(headers.insert(name, value));
    allow(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PATCH, DELETE"),
    );
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        allow(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    allow(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn is_ours(origin: &str, domains: &[String]) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false; // `null`
    };
    let host = url.host_str().unwrap_or_default();
    let here = ["localhost", "127.0.0.1", "[::1]"];
    here.contains(&host) || host.ends_with(".localhost") || domains.iter().any(|domain| domain == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_the_projects_domains_are_ours() {
        let domains = ["shop.example".to_owned()];
        for (origin, ours) in [
            ("http://localhost:3000", true),
            ("http://app.localhost:3000", true),
            ("http://127.0.0.1:9099", true),
            ("http://[::1]:80", true),
            ("https://shop.example", true),
            ("https://shop.example.evil", false),
            ("https://localhost.evil", false),
            ("http://evil.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_ours(origin, &domains), ours, "{origin}");
        }
    }
}
