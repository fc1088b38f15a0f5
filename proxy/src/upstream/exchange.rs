//! All attempts of one request, under the route's timeout.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, HeaderValue, Method, Request, Version};

use super::attempt::{Answer, Patience, attempt};
use super::failure::Failure;
use super::outlier::{self, Outcome};
use super::{Cluster, Endpoint, retry};
use crate::body::{Incoming, Upload};
use crate::head::Head;
use crate::headers::{Outgoing, Timeouts, next_attempt};
use crate::plan::route::RetryPolicy;

/// A request as it is sent on.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query, rewritten.
    pub(crate) target: PathAndQuery,
    /// The Host, rewritten.
    pub(crate) authority: HeaderValue,
    /// Without Host and pseudo headers.
    pub(crate) headers: HeaderMap,
    /// `http` or `https`, as the client came.
    pub(crate) https: bool,
    /// What the client speaks.
    pub(crate) version: Version,
    /// Whether it asks for a WebSocket: then the upstream may switch protocols.
    pub(crate) upgrade: bool,
    /// Whether it is gRPC, which has a header of its own for timeouts.
    pub(crate) grpc: bool,
    /// Whether it is our own question at the start: clients' requests wait for its connection.
    pub(crate) proves: bool,
}

/// What the route says about failures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules<'a> {
    /// From the complete request on.
    pub(crate) timeouts: Timeouts,
    /// When to try again.
    pub(crate) retry: Option<&'a RetryPolicy>,
    /// What consistent hashing goes by.
    pub(crate) hash: Option<u64>,
}

/// What came of it.
pub(crate) struct Exchange {
    /// The answer's head, or why there is none.
    pub(crate) result: Result<Answer, Failure>,
    /// How many attempts were made.
    pub(crate) attempts: u32,
    /// The endpoint of the last one.
    pub(crate) endpoint: Option<Arc<Endpoint>>,
    /// From its begin to the answer's head, or to its end without one.
    pub(crate) took: Duration,
    /// The last attempt failed, too, and the route allows no more.
    pub(crate) exhausted: bool,
}

/// Sends a request until it is answered, or it is no use, or it takes too long.
pub(crate) async fn exchange(
    cluster: &Arc<Cluster>,
    call: &mut Call,
    body: &Incoming,
    rules: Rules<'_>,
) -> Exchange {
    let began = Instant::now();
    let progress = Mutex::new(Progress::default());
    let deadline = after_body(cluster, body, began, rules.timeouts.total);
    let mut result = tokio::select! {
        biased;
        result = attempts(cluster, call, body, rules, &progress, began) => result,
        () = deadline => Err(Failure::Timeout),
    };
    if let Ok((_, lease)) = &mut result {
        lease.limit(Patience::All, began.into(), rules.timeouts.total);
    }
    let took = began.elapsed();
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let (Err(Failure::Timeout), Some(endpoint)) = (&result, &progress.endpoint) {
        cluster.observed(endpoint, Outcome::Local(outlier::TIMEOUT));
    }
    if result.is_ok() {
        cluster.proven.store(true, Ordering::Relaxed);
    }
    Exchange {
        result,
        attempts: progress.attempts,
        endpoint: progress.endpoint,
        exhausted: progress.exhausted,
        took,
    }
}

/// What is known when the timeout ends everything.
#[derive(Default)]
struct Progress {
    attempts: u32,
    /// The last one's.
    endpoint: Option<Arc<Endpoint>>,
    exhausted: bool,
}

async fn attempts(
    cluster: &Arc<Cluster>,
    call: &mut Call,
    body: &Incoming,
    rules: Rules<'_>,
    progress: &Mutex<Progress>,
    started: Instant,
) -> Result<Answer, Failure> {
    let mut tried: Vec<Arc<Endpoint>> = Vec::new();
    let mut retrying = None; // counts as a retry from its pause to its end
    for number in 1.. {
        let avoided: &[_] = match rules.retry {
            Some(policy) if policy.avoid_previous_host => &tried,
            _ => &[],
        };
        let began = if number == 1 { started } else { Instant::now() };
        let endpoints = body.while_reading(cluster.endpoints(began)).await;
        let endpoint = endpoints.choose(&cluster.spec.balance, rules.hash, avoided);
        let endpoint = endpoint.ok_or(Failure::NoEndpoint)?;
        *progress.lock().unwrap_or_else(PoisonError::into_inner) = Progress {
            attempts: number,
            endpoint: Some(endpoint.clone()),
            exhausted: false,
        };
        call.number(number, rules, started);
        let result = one(cluster, endpoint.clone(), call, body, rules, began).await;
        if cluster.detector.is_some()
            && let Some(outcome) = outlier::outcome(&result)
        {
            cluster.observed(&endpoint, outcome);
        }
        if result.is_err() && body.is_stalled() {
            return Err(Failure::Stalled);
        }
        if result.is_err() && body.is_broken() {
            return Err(Failure::Malformed);
        }
        let wanted = rules.retry.filter(|policy| {
            body.is_replayable()
                && match &result {
                    Ok((answer, _)) => retry::after_answer(&policy.on, answer.status(), answer.headers()),
                    Err(failure) => retry::after_failure(&policy.on, *failure),
                }
        });
        let again = wanted.filter(|policy| number <= policy.attempts);
        if wanted.is_some() && again.is_none() {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.exhausted = true;
        }
        drop(retrying);
        retrying = again.and_then(|_| cluster.limits.retry());
        let (Some(policy), Some(_)) = (again, &retrying) else {
            return result;
        };
        drop(result);
        tried.push(endpoint);
        let pause = retry::pause(policy, number, chassis::trace::random());
        body.while_reading(tokio::time::sleep(pause)).await;
    }
    Err(Failure::NoEndpoint)
}

/// One attempt under its own deadline.
async fn one(
    cluster: &Arc<Cluster>,
    endpoint: Arc<Endpoint>,
    call: &Call,
    body: &Incoming,
    rules: Rules<'_>,
    began: Instant,
) -> Result<Answer, Failure> {
    let mut result = tokio::select! {
        biased;
        result = attempt(cluster, endpoint, call, body, began) => result,
        () = after_body(cluster, body, began, rules.timeouts.per_try) => Err(Failure::TryTimeout),
    };
    if let Ok((_, lease)) = &mut result {
        lease.limit(Patience::Attempt, began.into(), rules.timeouts.per_try);
    }
    result
}

/// A deadline that begins when the client has sent all; none never ends.
async fn after_body(cluster: &Cluster, body: &Incoming, began: Instant, timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => {
            body.complete().await;
            let since = body.completed_since(began.into()).unwrap_or_else(|| began.into());
            cluster.timers.until(since + timeout).await;
        }
        None => std::future::pending().await,
    }
}

impl Call {
    /// What the head becomes; its headers are taken out and come back with [`Call::restore`].
    pub(crate) fn new(head: &mut Head, outgoing: Outgoing, upgrade: bool) -> Call {
        Call {
            upgrade,
            proves: false,
            grpc: head.grpc,
            method: head.method.clone(),
            target: outgoing.target,
            authority: outgoing.authority,
            headers: std::mem::take(&mut head.headers),
            https: head.scheme == crate::head::Scheme::Https,
            version: head.version,
        }
    }

    /// The head as it was sent: what response headers are formatted from.
    pub(crate) fn restore(self, head: &mut Head) {
        head.headers = self.headers;
        head.authority = self.authority;
        head.target = self.target;
    }

    /// Says which attempt this is and how long it may take; the first was numbered with the other headers.
    fn number(&mut self, number: u32, rules: Rules<'_>, started: Instant) {
        if number > 1 {
            let left = rules
                .timeouts
                .total
                .map(|total| total.saturating_sub(started.elapsed()));
            let shorter = match (left, rules.timeouts.per_try) {
                (Some(left), Some(per_try)) => Some(left.min(per_try)),
                (left, per_try) => left.or(per_try),
            };
            next_attempt(&mut self.headers, number, shorter, self.grpc);
        }
    }

    /// The Host without its port, in lower case: what SNI and verification see.
    pub(crate) fn server_name(&self) -> Option<Arc<str>> {
        let host = self.authority.to_str().ok()?;
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => host.split(':').next().unwrap_or(host),
        };
        (!name.is_empty()).then(|| name.to_ascii_lowercase().into())
    }

    /// For HTTP/2; fails when the Host is none.
    pub(crate) fn http2(&self, body: Upload) -> Result<Request<Upload>, Failure> {
        let mut request = Request::new(body);
        request.method_mut().clone_from(&self.method);
        request.headers_mut().clone_from(&self.headers);
        let scheme = if self.https { Scheme::HTTPS } else { Scheme::HTTP };
        let authority = Authority::try_from(self.authority.as_bytes());
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(scheme);
        parts.authority = Some(authority.map_err(|_| Failure::LocalReset)?);
        parts.path_and_query = Some(self.target.clone());
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Failure::LocalReset)?;
        *request.version_mut() = Version::HTTP_2;
        Ok(request)
    }
}
