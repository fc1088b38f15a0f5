//! The pages that Cloud Run itself answers with: HTML, so that nobody takes them for the mesh's word.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::check::Refusal;
use crate::stand_in::server::Verdict;

/// What refuses, in the access record.
const IAM: &str = "Cloud Run: roles/run.invoker";

/// The answer to a caller that may not pass.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let no_permission = "Your client does not have permission to get the requested URL from this server.";
    let (status, text, detail) = match refusal {
        Refusal::Anonymous => (StatusCode::FORBIDDEN, no_permission, "no service token"),
        Refusal::Forbidden(why) => (StatusCode::FORBIDDEN, no_permission, why.as_str()),
        Refusal::Unverified(why) => (
            StatusCode::UNAUTHORIZED,
            "Your client does not have permission to the requested URL.",
            why.as_str(),
        ),
        Refusal::NoKeys(why) => return unavailable(&format!("no keys to verify service tokens with: {why}")),
    };
    let mut response = page(status, text, Some(IAM.to_owned()), detail);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The answer when no service answers behind the door.
pub(super) fn unavailable(detail: &str) -> Response {
    let text = "The service you requested is not available yet. Please try again in 30 seconds.";
    page(StatusCode::SERVICE_UNAVAILABLE, text, None, detail)
}

fn page(status: StatusCode, text: &str, refused_by: Option<String>, detail: &str) -> Response<Body> {
    let title = format!(
        "{} {}",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default()
    );
    let html = format!(
        "<html><head>\n<meta http-equiv=\"content-type\" content=\"text/html;charset=utf-8\">\n\
         <title>{title}</title>\n</head>\n<body text=#000000 bgcolor=#ffffff>\n\
         <h1>Error: {}</h1>\n<h2>{text}</h2>\n<h2></h2>\n</body></html>\n",
        status.canonical_reason().unwrap_or_default()
    );
    let mut response = (status, Html(html)).into_response();
    let detail = detail.to_owned();
    response.extensions_mut().insert(Verdict { refused_by, detail });
    response
}
