//! `retries`, and what holds without it.

use std::time::Duration;

use crate::istio::report::{At, Report};
use crate::istio::virtual_service::Retries;
use crate::plan::route::{RetryOn, RetryPolicy};

use super::value::{count, duration};

/// Envoy's base of the back-off.
const BACKOFF: Duration = Duration::from_millis(25);

/// Istio's default number of further attempts.
const ATTEMPTS: u32 = 2;

/// Reads it; none is no retry. `timeout` is the route's; `hashed` says that its only destination chooses
/// by a hash, which is then stronger than what failed before.
pub(crate) fn compile(
    raw: Option<&Retries>,
    timeout: Option<Duration>,
    hashed: bool,
    at: &At<'_>,
    report: &mut Report,
) -> Option<RetryPolicy> {
    let Some(raw) = raw else {
        return Some(RetryPolicy {
            attempts: ATTEMPTS,
            per_try_timeout: None,
            on: default_conditions(),
            backoff: BACKOFF,
            avoid_previous_host: !hashed,
        });
    };
    if raw.retry_remote_localities.is_some() {
        report.error(
            &at.key("retryRemoteLocalities"),
            "not supported: there are no localities here",
        );
    }
    let per_try_timeout = duration(raw.per_try_timeout.as_ref(), &at.key("perTryTimeout"), report);
    let backoff = duration(raw.backoff.as_ref(), &at.key("backoff"), report);
    let on = raw.retry_on.as_deref().filter(|on| !on.is_empty());
    let conditions = on.and_then(|on| conditions(on, &at.key("retryOn"), report));
    if let (Some(per_try), Some(timeout)) = (per_try_timeout, timeout)
        && per_try >= timeout
    {
        report.warn(
            &at.key("perTryTimeout"),
            "not below the timeout, and so without effect",
        );
    }
    let attempts = count(raw.attempts, &at.key("attempts"), report).unwrap_or(0);
    if attempts == 0 {
        if per_try_timeout.is_some() || on.is_some() {
            report.error(
                at,
                "attempts is 0, also when left out, which switches retries off: the rest contradicts it",
            );
        }
        return None;
    }
    Some(RetryPolicy {
        attempts,
        per_try_timeout,
        on: conditions.unwrap_or_else(default_conditions),
        backoff: backoff.unwrap_or(BACKOFF),
        avoid_previous_host: raw.retry_ignore_previous_hosts.unwrap_or(!hashed),
    })
}

/// `connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes`, the last without codes.
fn default_conditions() -> RetryOn {
    RetryOn {
        connect_failure: true,
        refused_stream: true,
        grpc_statuses: vec![GRPC_UNAVAILABLE, GRPC_CANCELLED],
        ..RetryOn::default()
    }
}

const GRPC_CANCELLED: u8 = 1;
const GRPC_DEADLINE_EXCEEDED: u8 = 4;
const GRPC_RESOURCE_EXHAUSTED: u8 = 8;
const GRPC_INTERNAL: u8 = 13;
const GRPC_UNAVAILABLE: u8 = 14;

/// Istio splits at commas and does not trim.
fn conditions(text: &str, at: &At<'_>, report: &mut Report) -> Option<RetryOn> {
    let mut on = RetryOn::default();
    for word in text.split(',') {
        match word {
            "5xx" => on.server_error = true,
            "gateway-error" => on.gateway_error = true,
            "reset" => on.reset = true,
            "reset-before-request" => on.reset_before_request = true,
            "connect-failure" => on.connect_failure = true,
            "refused-stream" => on.refused_stream = true,
            "envoy-ratelimited" => on.rate_limited = true,
            "retriable-4xx" => on.retriable_4xx = true,
            "cancelled" => on.grpc_statuses.push(GRPC_CANCELLED),
            "deadline-exceeded" => on.grpc_statuses.push(GRPC_DEADLINE_EXCEEDED),
            "internal" => on.grpc_statuses.push(GRPC_INTERNAL),
            "resource-exhausted" => on.grpc_statuses.push(GRPC_RESOURCE_EXHAUSTED),
            "unavailable" => on.grpc_statuses.push(GRPC_UNAVAILABLE),
            // without numbers and header names these retry nothing; HTTP/3 is not spoken here
            "retriable-status-codes" | "retriable-headers" | "http3-post-connect-failure" => {}
            number => match number
                .parse::<u16>()
                .ok()
                .filter(|code| (100..600).contains(code))
            {
                Some(code) => on.status_codes.push(code),
                None => {
                    report.error(at, format!("{number:?} is no condition; no spaces around commas, and see Envoy's x-envoy-retry-on for the names"));
                    return None;
                }
            },
        }
    }
    Some(on)
}
