//! One attempt: an endpoint, a connection from its pool or a new one, the request, the answer's head.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Response, StatusCode, Version};
use tokio::time::Instant;

use super::connect::{self, Handshake};
use super::failure::Failure;
use super::limits::{Counted, Permit};
use super::outlier::Outcome;
use super::pool::{self, Http1, Key, Share, Terms, Warming};
use super::{Call, Cluster, Endpoint};
use crate::body::{Incoming, Raw};
use crate::http1::client::exchange;
use crate::plan::upstream::Protocol;
use crate::tls::client::{Originator, server_name};

/// An answer's head, its body still to come, and what must be given back after that.
pub(crate) type Answer = (Response<Raw>, Box<Lease>);

/// What a request holds until its answer was read to the end: a connection, and a place in the counts.
pub(crate) struct Lease {
    cluster: Arc<Cluster>,
    endpoint: Busy,
    /// What is known of its connection, for the pool; of HTTP/2 nothing.
    terms: Option<Terms>,
    request: Incoming,
    /// Since when and how long the route waits: for this attempt, and for all of them.
    patience: [Option<(Instant, Duration)>; 2],
    _counted: (Counted, Option<Counted>),
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    Attempt,
    All,
}

/// Counts a request at its endpoint, and says when that has the first connection.
struct Busy(Arc<Endpoint>, Option<Warming>);

/// A connection, new or used.
#[expect(
    clippy::large_enum_variant,
    reason = "moved once; a box would cost every request an allocation"
)]
enum Connection {
    Http1(Http1),
    Http2(Share),
}

/// Sends the request to one endpoint.
pub(crate) async fn attempt(
    cluster: &Arc<Cluster>,
    endpoint: Arc<Endpoint>,
    call: &Call,
    body: &Incoming,
    now: std::time::Instant,
) -> Result<Answer, Failure> {
    let mut endpoint = Busy::new(endpoint);
    loop {
        let (key, originator) = key(cluster, call);
        if key.http2 && call.upgrade {
            return Err(Failure::LocalReset); // extended CONNECT (RFC 8441) is off
        }
        if call.proves {
            endpoint.1 = Some(endpoint.0.pool.warm(&key, now));
        }
        let connection = acquire(cluster, &endpoint, &key, originator, now);
        let connection = body.while_reading(connection).await?;
        cluster.observed(&endpoint.0, Outcome::Connected);
        if body.is_broken() {
            return Err(Failure::Malformed); // and nothing of it goes upstream
        }
        let counted = match cluster.limits.request() {
            Ok(counted) => counted,
            Err(failure) => {
                if let Connection::Http1(connection) = connection {
                    endpoint.0.pool.give_back(connection, cluster.lifetimes, now);
                    cluster.limits.came_back(&endpoint.0.pool);
                }
                return Err(failure);
            }
        };
        match connection {
            Connection::Http2(Share {
                mut connection,
                used,
                stream,
            }) => {
                let request = call.http2(body.upload())?;
                let mut error = match connection.sender.try_send_request(request).await {
                    Ok(response) => {
                        let counted = (counted, Some(stream));
                        let lease = Lease::new(cluster, endpoint, None, body, counted);
                        return Ok((expected(response)?.map(Raw::Http2), lease));
                    }
                    Err(error) => error,
                };
                // as below; a new connection that fails at once has failed
                if !used || error.take_message().is_none() {
                    return Err(connection.failure(error.error()));
                }
            }
            Connection::Http1(connection) => {
                let Http1 { wire, mut terms } = connection;
                terms.served += 1;
                match exchange(wire, call, body.upload()).await {
                    Ok((parts, _)) if parts.status == StatusCode::SWITCHING_PROTOCOLS && !call.upgrade => {
                        return Err(Failure::Protocol); // nobody asked for it
                    }
                    Ok((parts, reading)) => {
                        let lease = Lease::new(cluster, endpoint, Some(terms), body, (counted, None));
                        return Ok((Response::from_parts(parts, Raw::Answer(reading)), lease));
                    }
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
}

impl Lease {
    fn new(
        cluster: &Arc<Cluster>,
        endpoint: Busy,
        terms: Option<Terms>,
        request: &Incoming,
        counted: (Counted, Option<Counted>),
    ) -> Box<Lease> {
        Box::new(Lease {
            cluster: cluster.clone(),
            endpoint,
            terms,
            request: request.clone(),
            patience: [None; 2],
            _counted: counted,
        })
    }

    /// The route waits so long for the whole answer, from the complete request on.
    pub(crate) fn limit(&mut self, which: Patience, since: Instant, timeout: Option<Duration>) {
        self.patience[which as usize] = timeout.map(|timeout| (since, timeout));
    }

    /// Until when the answer has to be there; none while the request is not complete.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        deadline(&self.request, &self.patience)
    }

    /// Resolves at the deadline; none for a route that waits for ever.
    pub(crate) fn too_late(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let (request, patience) = (self.request.clone(), self.patience);
        let limited = patience.iter().any(Option::is_some);
        limited.then_some(async move {
            request.complete().await;
            if let Some(end) = deadline(&request, &patience) {
                tokio::time::sleep_until(end).await;
            }
        })
    }

    /// The answer was read to its end: its connection may serve another request.
    pub(crate) fn finish(self, body: Raw, now: std::time::Instant) {
        if let (Some(terms), Raw::Answer(reading)) = (self.terms, body)
            && let Some(wire) = reading.reclaim()
        {
            let connection = Http1 { wire, terms };
            self.endpoint
                .0
                .pool
                .give_back(connection, self.cluster.lifetimes, now);
            self.cluster.limits.came_back(&self.endpoint.0.pool);
        }
    }
}

fn deadline(request: &Incoming, patience: &[Option<(Instant, Duration)>; 2]) -> Option<Instant> {
    let limits = patience.iter().flatten();
    let ends = limits.filter_map(|(since, timeout)| Some(request.completed_since(*since)? + *timeout));
    ends.min()
}

impl Busy {
    fn new(endpoint: Arc<Endpoint>) -> Busy {
        endpoint.active.fetch_add(1, Ordering::Relaxed);
        Busy(endpoint, None)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the connection must be like.
fn key(cluster: &Cluster, call: &Call) -> (Key, Option<Arc<Originator>>) {
    let http2 = match cluster.spec.protocol {
        Protocol::Http1 => false,
        Protocol::Http2 => true,
        Protocol::AsClient => call.version == Version::HTTP_2,
    };
    let originator = cluster.tls.as_ref().map(crate::tls::reload::Rotating::current);
    let name = match (&cluster.spec.tls, &cluster.fixed_name) {
        (None, _) => None,
        (Some(_), Some(fixed)) => Some(fixed.clone()),
        (Some(_), None) => call.server_name(),
    };
    let key = Key {
        http2,
        name,
        certificates: originator.as_ref().map_or(0, |originator| originator.generation),
    };
    (key, originator)
}

async fn acquire(
    cluster: &Arc<Cluster>,
    Busy(endpoint, first): &Busy,
    key: &Key,
    originator: Option<Arc<Originator>>,
    now: std::time::Instant,
) -> Result<Connection, Failure> {
    if key.http2 {
        let _waiting = cluster.limits.waiting()?;
        let (cluster, at, wanted) = (cluster.clone(), endpoint.clone(), key.clone());
        let lifetimes = cluster.lifetimes;
        let make = move || async move {
            let stream = dial(&cluster, &at, &wanted, originator).await?;
            pool::http2(stream).await
        };
        return endpoint
            .pool
            .share(key, lifetimes, make)
            .await
            .map(Connection::Http2);
    }
    if let Some(connection) = endpoint.pool.take(key, cluster.lifetimes, now) {
        return Ok(Connection::Http1(connection));
    }
    let _waiting = cluster.limits.waiting()?;
    let proven = cluster.proven.load(Ordering::Relaxed);
    if first.is_none() && !proven && endpoint.pool.warming(key).is_some() {
        Box::pin(endpoint.pool.warmed(key)).await;
        let now = std::time::Instant::now();
        if let Some(connection) = endpoint.pool.take(key, cluster.lifetimes, now) {
            return Ok(Connection::Http1(connection));
        }
    }
    let place = match cluster.limits.connection() {
        Some(permit) => (permit, endpoint.pool.one()),
        None => match Box::pin(wait(cluster, endpoint, key)).await {
            Ok(connection) => return Ok(Connection::Http1(connection)),
            Err(place) => place,
        },
    };
    // on the heap: a handshake's state is large, and most requests make none
    let dialing = endpoint.pool.dial();
    let stream = Box::pin(dial(cluster, endpoint, key, originator)).await?;
    drop(dialing);
    Ok(Connection::Http1(Http1::new(stream, key.clone(), place)))
}

/// Waits until a connection comes back, or else for a place to make one.
///
/// A connection that waits here for another name or with an old certificate makes room, or it would keep its place
/// until it is too old. Those of other endpoints make room for the first to this one, which Envoy makes whatever the
/// bound: where there is one it comes back, or it is in use for so long that others' need not idle meanwhile.
async fn wait(cluster: &Cluster, endpoint: &Endpoint, key: &Key) -> Result<Http1, (Permit, Counted)> {
    let (pool, limits) = (&endpoint.pool, &cluster.limits);
    let (mut first, mut waited) = (None, false);
    // runs on whatever is told meanwhile: it may be of other endpoints alone
    let mut soon = pin!(tokio::time::sleep(COMES_BACK));
    loop {
        // in the queues before anything is looked for, or what comes between is missed; who leaves them hands on
        // what it was told
        let (mut back, mut freed) = (pin!(pool.back()), pin!(limits.freed()));
        back.as_mut().enable();
        freed.as_mut().enable();
        if let Some(connection) = pool.take(key, cluster.lifetimes, std::time::Instant::now()) {
            return Ok(connection);
        }
        if let Some(permit) = limits.connection() {
            return Err((permit, first.unwrap_or_else(|| pool.one())));
        }
        first = first.or_else(|| pool.first());
        let elsewhere = first.is_some() || std::mem::take(&mut waited) && !pool.is_dialing();
        if pool.close_idle(Some(key)) || elsewhere && cluster.close_idle() {
            continue;
        }
        tokio::select! {
            () = back => {}
            () = freed => {}
            () = soon.as_mut() => {
                waited = true;
                soon.as_mut().reset(Instant::now() + COMES_BACK);
            }
        }
    }
}

async fn dial(
    cluster: &Cluster,
    endpoint: &Endpoint,
    key: &Key,
    originator: Option<Arc<Originator>>,
) -> Result<connect::Stream, Failure> {
    let handshake = originator.map(|originator| Handshake {
        config: match key.http2 {
            true => originator.http2.clone(),
            false => originator.http1.clone(),
        },
        name: server_name(key.name.as_deref()),
    });
    let keepalive = cluster.spec.limits.keepalive;
    let deadline = cluster.spec.connect_timeout;
    let connected = connect::connect(&endpoint.address, keepalive, handshake, deadline, &cluster.name).await;
    cluster.metrics.connected(connected.is_ok());
    connected
}

/// Refuses what no upstream may answer over HTTP/2: a switch of protocols, and lengths that two readers could
/// understand differently.
fn expected<B>(response: Response<B>) -> Result<Response<B>, Failure> {
    let headers = response.headers();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    let clear = match (codings.next(), codings.next()) {
        (None, _) => lengths < 2,
        (Some(one), None) => lengths == 0 && one.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    match clear && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        true => Ok(response),
        false => Err(Failure::Protocol),
    }
}

/// A connection that has not come back after this may be in use for long.
const COMES_BACK: Duration = Duration::from_millis(250);
