//! `outlierDetection`: which endpoints are left out, and until when, by Envoy's arithmetic. Pure but for
//! the counters of [`Health`].

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Endpoint;
use super::attempt::Answer;
use super::failure::Failure;
use crate::plan::upstream::OutlierDetection;

/// What an attempt tells of its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer with this status.
    Answer(u16),
    /// No answer; counted as this status, or apart.
    Local(u16),
    /// There was a connection for the request.
    Connected,
}

/// How an attempt counts; a request that never went out does not.
pub(crate) fn outcome(result: &Result<Answer, Failure>) -> Option<Outcome> {
    match result {
        Ok((answer, _)) => {
            let grpc = answer
                .headers()
                .get("grpc-status")
                .and_then(|value| value.to_str().ok());
            let grpc = grpc.and_then(|text| text.parse().ok()).map(status_of);
            Some(Outcome::Answer(grpc.unwrap_or(answer.status().as_u16())))
        }
        Err(
            Failure::Connect
            | Failure::ConnectTimeout
            | Failure::Termination
            | Failure::Protocol
            | Failure::RemoteReset
            | Failure::Refused,
        ) => Some(Outcome::Local(UNAVAILABLE)),
        Err(Failure::TryTimeout) => Some(Outcome::Local(TIMEOUT)),
        Err(
            Failure::LocalReset
            | Failure::Overflow
            | Failure::NoEndpoint
            | Failure::Stalled
            | Failure::Malformed
            | Failure::Timeout,
        ) => None,
    }
}

/// What is remembered of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Health {
    errors: AtomicU32,
    gateway_errors: AtomicU32,
    local_errors: AtomicU32,
    ejected: AtomicBool,
    ejections: Mutex<Ejections>,
}

#[derive(Debug, Default)]
struct Ejections {
    /// Grows with each, shrinks with each interval in health.
    multiplier: u32,
    last: Option<Instant>,
}

impl Health {
    /// Whether it is left out.
    pub(crate) fn is_ejected(&self) -> bool {
        self.ejected.load(Ordering::Relaxed)
    }

    fn forget_errors(&self) {
        for counter in [&self.errors, &self.gateway_errors, &self.local_errors] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

/// Watches over the endpoints of one upstream.
#[derive(Debug)]
pub(crate) struct Detector {
    spec: OutlierDetection,
    ejections: AtomicU64,
}

impl Detector {
    pub(crate) fn new(spec: &OutlierDetection) -> Detector {
        Detector {
            spec: spec.clone(),
            ejections: AtomicU64::new(0),
        }
    }

    /// How often endpoints were left out.
    pub(crate) fn ejections(&self) -> u64 {
        self.ejections.load(Ordering::Relaxed)
    }

    /// How often [`Detector::sweep`] is to be called.
    pub(crate) fn interval(&self) -> Duration {
        self.spec.interval
    }

    /// Counts an attempt; says whether its endpoint is left out from now on.
    pub(crate) fn saw(
        &self,
        endpoint: &Endpoint,
        all: &[Arc<Endpoint>],
        outcome: Outcome,
        now: Instant,
    ) -> bool {
        let health = &endpoint.health;
        let reached = match (outcome, self.spec.consecutive_local) {
            (Outcome::Connected, _) => {
                health.local_errors.store(0, Ordering::Relaxed);
                false
            }
            (Outcome::Local(_), Some(most)) => is_reached(&health.local_errors, most),
            (Outcome::Answer(status) | Outcome::Local(status), _) => self.answered(health, status),
        };
        reached && self.eject(health, all, now)
    }

    fn answered(&self, health: &Health, status: u16) -> bool {
        if status < 500 {
            health.errors.store(0, Ordering::Relaxed);
            health.gateway_errors.store(0, Ordering::Relaxed);
            return false;
        }
        let gateway = if matches!(status, 502..=504) {
            is_reached(&health.gateway_errors, self.spec.consecutive_gateway)
        } else {
            health.gateway_errors.store(0, Ordering::Relaxed);
            false
        };
        let any = is_reached(&health.errors, self.spec.consecutive_5xx);
        gateway || any
    }

    fn eject(&self, health: &Health, all: &[Arc<Endpoint>], now: Instant) -> bool {
        let mut ejections = health.ejections.lock().unwrap_or_else(PoisonError::into_inner);
        let out = all.iter().filter(|one| one.health.is_ejected()).count();
        let allowed = (out + 1) * 100 <= all.len() * self.spec.max_ejection_percent as usize;
        if health.is_ejected() || !allowed {
            return false;
        }
        health.ejected.store(true, Ordering::Relaxed);
        self.ejections.fetch_add(1, Ordering::Relaxed);
        ejections.last = Some(now);
        if self.spec.base_ejection.saturating_mul(ejections.multiplier) < self.longest() {
            ejections.multiplier += 1;
        }
        true
    }

    /// Lets those return whose time is over; says whether there are any.
    pub(crate) fn sweep(&self, all: &[Arc<Endpoint>], now: Instant) -> bool {
        let mut changed = false;
        for health in all.iter().map(|endpoint| &endpoint.health) {
            let mut ejections = health.ejections.lock().unwrap_or_else(PoisonError::into_inner);
            if !health.is_ejected() {
                ejections.multiplier = ejections.multiplier.saturating_sub(1);
                continue;
            }
            let term = self.spec.base_ejection.saturating_mul(ejections.multiplier);
            let term = term.min(self.longest());
            let served = ejections
                .last
                .map_or(term, |last| now.saturating_duration_since(last));
            if served >= term {
                health.ejected.store(false, Ordering::Relaxed);
                health.forget_errors();
                changed = true;
            }
        }
        changed
    }

    /// Those that get requests: all of them when too few are healthy.
    pub(crate) fn healthy(&self, all: &[Arc<Endpoint>]) -> Vec<Arc<Endpoint>> {
        let healthy: Vec<_> = all
            .iter()
            .filter(|one| !one.health.is_ejected())
            .cloned()
            .collect();
        let too_few = healthy.len() * 100 < all.len() * self.spec.min_health_percent as usize;
        if too_few { all.to_vec() } else { healthy }
    }

    fn longest(&self) -> Duration {
        LONGEST.max(self.spec.base_ejection)
    }
}

/// Counts one more; true exactly when the bound is reached, and then it begins anew. 0 is no bound.
fn is_reached(counter: &AtomicU32, most: u32) -> bool {
    let reached = counter.fetch_add(1, Ordering::Relaxed) + 1 == most;
    if reached {
        counter.store(0, Ordering::Relaxed);
    }
    reached
}

/// What a gRPC status means in HTTP.
fn status_of(grpc: u32) -> u16 {
    match grpc {
        0 => 200,
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}

/// How a request without an answer is counted ...
pub(crate) const UNAVAILABLE: u16 = 503;
/// ... and one whose answer did not come in time.
pub(crate) const TIMEOUT: u16 = 504;
/// `max_ejection_time` of Envoy.
const LONGEST: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
