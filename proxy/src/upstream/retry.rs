//! Whether an attempt is worth another, and when. Pure.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};

use super::failure::Failure;
use crate::plan::route::{RetryOn, RetryPolicy};

/// Whether an attempt that brought no answer may be repeated.
pub(crate) fn after_failure(on: &RetryOn, failure: Failure) -> bool {
    let any_reset = on.server_error || on.gateway_error || on.reset;
    match failure {
        Failure::Connect | Failure::ConnectTimeout => {
            any_reset || on.connect_failure || on.reset_before_request
        }
        Failure::Refused => any_reset || on.refused_stream,
        Failure::Termination
        | Failure::Protocol
        | Failure::RemoteReset
        | Failure::LocalReset
        | Failure::TryTimeout => any_reset,
        Failure::Overflow
        | Failure::NoEndpoint
        | Failure::Stalled
        | Failure::Malformed
        | Failure::Timeout => false,
    }
}

/// Whether an answer may be thrown away for another attempt; decided on its head alone.
pub(crate) fn after_answer(on: &RetryOn, status: StatusCode, headers: &HeaderMap) -> bool {
    let code = status.as_u16();
    let wanted = (on.server_error && status.is_server_error())
        || (on.gateway_error && matches!(code, 502..=504))
        || (on.retriable_4xx && code == 409)
        || on.status_codes.contains(&code)
        || (!on.grpc_statuses.is_empty()
            && grpc_status(headers).is_some_and(|status| on.grpc_statuses.contains(&status)));
    // whoever asks for patience gets it, unless the document says otherwise
    match (wanted || on.rate_limited) && headers.contains_key(RATE_LIMITED) {
        true => on.rate_limited,
        false => wanted,
    }
}

/// How long to wait before a retry (1 is the first): full jitter below an exponential bound, which is at
/// most ten times the base.
pub(crate) fn pause(policy: &RetryPolicy, retry: u32, draw: u64) -> Duration {
    let factor = 2_u32.saturating_pow(retry.min(16)).saturating_sub(1).clamp(1, 10);
    let bound = policy.backoff.saturating_mul(factor);
    let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos(draw % nanos)
}

/// `grpc-status` where trailers-only answers have it.
fn grpc_status(headers: &HeaderMap) -> Option<u8> {
    headers.get(GRPC_STATUS)?.to_str().ok()?.parse().ok()
}

const RATE_LIMITED: HeaderName = HeaderName::from_static("x-envoy-ratelimited");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

#[cfg(test)]
mod tests {
    use super::*;

    fn istio_default() -> RetryOn {
        RetryOn {
            connect_failure: true,
            refused_stream: true,
            grpc_statuses: vec![14, 1],
            ..RetryOn::default()
        }
    }

    #[test]
    fn by_default_only_what_the_upstream_has_not_begun_is_repeated() {
        let repeated = [Failure::Connect, Failure::ConnectTimeout, Failure::Refused];
        let others = [
            Failure::Termination,
            Failure::Protocol,
            Failure::RemoteReset,
            Failure::TryTimeout,
            Failure::Overflow,
            Failure::NoEndpoint,
            Failure::Timeout,
        ];
        assert!(
            repeated
                .iter()
                .all(|failure| after_failure(&istio_default(), *failure))
        );
        assert!(
            !others
                .iter()
                .any(|failure| after_failure(&istio_default(), *failure))
        );
    }

    #[test]
    fn answers_are_repeated_by_status_by_number_and_by_grpc_status() {
        let none = HeaderMap::new();
        let unavailable = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "14".parse().unwrap())]);
        let limited = HeaderMap::from_iter([("x-envoy-ratelimited".parse().unwrap(), "".parse().unwrap())]);
        let five = RetryOn {
            server_error: true,
            ..RetryOn::default()
        };
        let numbers = RetryOn {
            status_codes: vec![404],
            ..RetryOn::default()
        };
        for (on, status, headers, wanted) in [
            (&istio_default(), 503, &none, false),
            (&istio_default(), 200, &unavailable, true),
            (&five, 500, &none, true),
            (&five, 499, &none, false),
            (&five, 503, &limited, false),
            (&numbers, 404, &none, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(after_answer(on, status, headers), wanted, "{on:?} {status}");
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        let policy = RetryPolicy {
            attempts: 9,
            per_try_timeout: None,
            on: RetryOn::default(),
            backoff: Duration::from_millis(25),
            avoid_previous_host: true,
        };
        for (retry, bound) in [(1, 25), (2, 75), (3, 175), (4, 250), (30, 250)] {
            for draw in [0, 1, u64::MAX / 2, u64::MAX] {
                assert!(pause(&policy, retry, draw) < Duration::from_millis(bound));
            }
        }
    }
}
