//! `fault`: delays and aborts that are injected on purpose.

use http::StatusCode;

use crate::istio::report::{At, Report};
use crate::istio::virtual_service as raw;
use crate::plan::route::{AbortWith, Fault};

use super::value::{duration, per_million, refuse};

/// Statuses by the names of gRPC.
const GRPC_STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Reads it. Without a percentage no request is hit, which is Istio's meaning and hardly the author's.
pub(crate) fn compile(raw: &raw::Fault, at: &At<'_>, report: &mut Report) -> Fault {
    if raw.delay.is_none() && raw.abort.is_none() {
        report.error(at, "empty: delay or abort is needed");
    }
    Fault {
        delay: raw
            .delay
            .as_ref()
            .and_then(|raw| delay(raw, &at.key("delay"), report)),
        abort: raw
            .abort
            .as_ref()
            .and_then(|raw| abort(raw, &at.key("abort"), report)),
    }
}

fn delay(raw: &raw::Delay, at: &At<'_>, report: &mut Report) -> Option<(std::time::Duration, u32)> {
    const OLD: &str = "the old spelling; use percentage: {value: …}";
    refuse(raw.percent.as_ref(), &at.key("percent"), OLD, report);
    const EXPONENTIAL: &str = "not supported, by Istio neither";
    refuse(
        raw.exponential_delay.as_ref(),
        &at.key("exponentialDelay"),
        EXPONENTIAL,
        report,
    );
    if raw.fixed_delay.is_none() {
        report.error(&at.key("fixedDelay"), "missing: how long?");
    }
    let share = share(raw.percentage.as_ref(), at, report);
    duration(raw.fixed_delay.as_ref(), &at.key("fixedDelay"), report).map(|delay| (delay, share))
}

fn abort(raw: &raw::Abort, at: &At<'_>, report: &mut Report) -> Option<(AbortWith, u32)> {
    const HTTP2: &str = "not supported, by Istio neither";
    refuse(raw.http2_error.as_ref(), &at.key("http2Error"), HTTP2, report);
    let share = share(raw.percentage.as_ref(), at, report);
    let with = match (raw.http_status, &raw.grpc_status) {
        (Some(_), Some(_)) => {
            report.error(at, "httpStatus and grpcStatus at the same time: one of them only");
            None
        }
        (Some(status), None) => {
            let code = u16::try_from(status)
                .ok()
                .filter(|code| (200..=599).contains(code));
            let code = code.and_then(|code| StatusCode::from_u16(code).ok());
            if code.is_none() {
                report.error(
                    &at.key("httpStatus"),
                    format!("{status} is not possible; 200 to 599 are"),
                );
            }
            code.map(AbortWith::Http)
        }
        (None, Some(name)) => {
            let code = GRPC_STATUSES.iter().position(|known| known == name);
            if code.is_none() {
                report.error(&at.key("grpcStatus"), format!("{name} is no status of gRPC"));
            }
            code.and_then(|code| u8::try_from(code).ok()).map(AbortWith::Grpc)
        }
        (None, None) => {
            report.error(at, "httpStatus or grpcStatus is needed: what is the answer?");
            None
        }
    };
    with.map(|with| (with, share))
}

fn share(raw: Option<&crate::istio::common::Percent>, at: &At<'_>, report: &mut Report) -> u32 {
    let at = at.key("percentage");
    match raw {
        Some(raw) => per_million(raw, &at, report).unwrap_or(0),
        None => {
            report.warn(&at, "missing: no request is hit");
            0
        }
    }
}
