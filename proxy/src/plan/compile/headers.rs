//! `headers` of a route or destination.

use crate::format::HeaderFormat;
use crate::istio::common::Labels;
use crate::istio::report::{At, Report};
use crate::istio::virtual_service as raw;
use crate::plan::route::{HeaderOperations, Headers};

use super::value::header_name;

/// Reads both directions, and the Host that a request's `set` or `add` gives.
pub(crate) fn compile(
    raw: Option<&raw::Headers>,
    at: &At<'_>,
    report: &mut Report,
) -> (Headers, Option<Box<str>>) {
    let mut headers = Headers::default();
    let mut host = None;
    let Some(raw) = raw else { return (headers, host) };
    if let Some(raw) = &raw.request {
        headers.request = operations(raw, Some(&mut host), &at.key("request"), report);
    }
    if let Some(raw) = &raw.response {
        headers.response = operations(raw, None, &at.key("response"), report);
    }
    (headers, host)
}

/// The maps come in byte order of the names as written, which is the order in which Envoy gets them.
fn operations(
    raw: &raw::HeaderOperations,
    mut host: Option<&mut Option<Box<str>>>,
    at: &At<'_>,
    report: &mut Report,
) -> HeaderOperations {
    let mut operations = HeaderOperations::default();
    for (index, name) in raw.remove.iter().enumerate() {
        let at = at.key("remove").index(index);
        if is_host(name) {
            report.error(&at, format!("{name}: the Host cannot be removed"));
        } else if is_pseudo(name) {
            report.error(&at, format!("{name}: a pseudo header cannot be removed"));
        } else {
            operations.remove.extend(header_name(name, &at, report));
        }
    }
    let mut values = |raw: &Labels, key: &str, report: &mut Report| {
        let mut list = Vec::new();
        for (name, value) in raw {
            let at = at.key(key).name(name);
            if is_host(name) {
                match host.as_deref_mut() {
                    Some(host) if is_host_value(value) => *host = Some(value.as_str().into()),
                    Some(_) => report.error(&at, format!("{value:?} is no Host")),
                    None => report.error(&at, format!("{name}: an answer has no Host")),
                }
            } else if is_pseudo(name) {
                report.error(&at, format!("{name}: a pseudo header cannot be changed"));
            } else if let (Some(name), Some(value)) =
                (header_name(name, &at, report), format(value, &at, report))
            {
                list.push((name, value));
            }
        }
        list
    };
    operations.set = values(&raw.set, "set", report);
    operations.add = values(&raw.add, "add", report);
    operations
}

fn format(value: &str, at: &At<'_>, report: &mut Report) -> Option<HeaderFormat> {
    HeaderFormat::parse(value)
        .map_err(|problem| report.error(at, problem))
        .ok()
}

fn is_host(name: &str) -> bool {
    name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case(":authority")
}

fn is_pseudo(name: &str) -> bool {
    name.starts_with(':')
}

/// `%…%` stays text in a Host.
fn is_host_value(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
}
