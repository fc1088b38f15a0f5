//! An upstream's answer as the client gets it.

use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, SERVER, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::operations::{Selected, respond};
use super::{hop_by_hop, inline, milliseconds};
use crate::format::FormatContext;

/// Changes the headers of an upstream's answer in place. `date` is the codec's to add where it is missing.
///
/// `took` is the time from the end of the request to the answer's head; none for an accepted upgrade.
pub(crate) fn towards_client(
    headers: &mut HeaderMap,
    status: StatusCode,
    took: Option<Duration>,
    selected: Selected<'_>,
    context: &FormatContext<'_>,
) {
    inline::join_response(headers);
    match took {
        Some(took) => headers.insert(SERVICE_TIME, milliseconds(took.as_millis() as u64)),
        None => headers.remove(SERVICE_TIME),
    };
    respond(selected, headers, context);
    let switches = status == StatusCode::SWITCHING_PROTOCOLS;
    let upgrade = switches.then(|| headers.remove(UPGRADE)).flatten();
    hop_by_hop::clean_response(headers);
    if let Some(upgrade) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, upgrade);
    }
    if status == StatusCode::NO_CONTENT {
        // RFC 9110, section 8.6
        headers.remove(CONTENT_LENGTH);
    }
    headers.insert(SERVER, HeaderValue::from_static("istio-envoy"));
}

const SERVICE_TIME: HeaderName = HeaderName::from_static("x-envoy-upstream-service-time");
