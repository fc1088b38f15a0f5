//! What holds for every route: posts from other sites are refused, every answer carries the security
//! headers.
//!
//! There are no form tokens. Every browser of the last years says where a request comes from
//! (`Sec-Fetch-Site`), older ones send `Origin` with a post; a client that sends neither is no browser,
//! has no cookie jar that another site could use, and is let in.

use axum::extract::{Request, State};
use axum::http::header::{self, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::App;
use crate::arrival::Arrival;
use crate::error::{Failure, is_api};

/// On an answer: a form of it may be sent to this origin, too.
#[derive(Clone)]
pub(crate) struct FormAction(pub(crate) String);

pub(crate) async fn guard(
    State(app): State<App>,
    arrival: Arrival,
    request: Request,
    next: Next,
) -> Response {
    let api = is_api(request.uri());
    let page = !api && !request.uri().path().starts_with("/assets/");
    let hsts = arrival.https && has_public_name(authority(request.headers(), request.uri()));
    let mut response = match same_site(request.method(), request.headers(), request.uri()) {
        true => next.run(request).await,
        false if api => Failure::CrossSite.json(&app, &arrival),
        false => Failure::CrossSite.page(&app, &arrival, None),
    };
    let there = response.extensions_mut().remove::<FormAction>();
    let headers = response.headers_mut();
    if page {
        headers.append(header::VARY, HeaderValue::from_static("accept-language, cookie"));
    }
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(FormAction(origin)) = there {
        let policy = CSP.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    if hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    // the backend's own word on caching stands; ours is that nothing of a user's is kept
    if page || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Whether a request that may change something comes from our own pages.
fn same_site(method: &Method, headers: &HeaderMap, uri: &Uri) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method) {
        return true;
    }
    if headers.contains_key(SEC_FETCH_SITE) {
        return from_our_pages(headers);
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => {
            let theirs = origin
                .to_str()
                .ok()
                .and_then(|origin| origin.split_once("://"))
                .map(|(_, authority)| authority);
            let ours = authority(headers, uri);
            matches!((theirs, ours), (Some(theirs), Some(ours)) if theirs.eq_ignore_ascii_case(ours))
        }
        _ => false,
    }
}

/// Whether a page of ours, or nobody but the person, led to a link that begins something.
pub(crate) fn from_our_pages(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    sites.all(|site| site == "same-origin" || site == "none")
}

/// What the client called us: `Host`, or HTTP/2's `:authority`.
pub(crate) fn authority<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.or_else(|| uri.authority().map(|authority| authority.as_str()))
}

/// HSTS for `localhost` would lock a developer out of every other port of it.
fn has_public_name(authority: Option<&str>) -> bool {
    let host = authority.unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host.contains('.') && !host.starts_with('[') && host.parse::<std::net::IpAddr>().is_err()
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// `same-origin` and not `no-referrer`: with the latter a browser sends `Origin: null` with our own forms.
const ALWAYS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// What is ours and nothing else, and nothing that stands in a page itself.
const CSP: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                   frame-ancestors 'none'";

const HSTS: &str = "max-age=31536000";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_comes_from_our_own_pages_or_from_no_browser() {
        let table: [(&[(&str, &str)], bool); 9] = [
            (&[], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://shop.acme.example"),
                ],
                false,
            ),
            (&[("origin", "https://shop.acme.example")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://shop.acme.example:8443")], false),
            (&[("origin", "null")], false),
        ];
        for (headers, expected) in table {
            let mut map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            map.insert(HOST, HeaderValue::from_static("shop.acme.example"));
            let uri = Uri::from_static("/sign-in");
            assert_eq!(same_site(&Method::POST, &map, &uri), expected, "{headers:?}");
            assert!(same_site(&Method::GET, &map, &uri), "reading is for everyone");
        }
    }

    #[test]
    fn https_is_pinned_for_public_names_only() {
        for (host, expected) in [
            ("frontend-1234.run.app", true),
            ("shop.acme.example:443", true),
            ("localhost:8443", false),
            ("127.0.0.1:8443", false),
            ("[::1]:8443", false),
        ] {
            assert_eq!(has_public_name(Some(host)), expected, "{host}");
        }
    }
}
