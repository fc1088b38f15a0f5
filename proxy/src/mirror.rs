//! `mirror`: copies of requests for upstreams whose answers nobody waits for.
//!
//! A copy leaves once, when the request is complete, beside its first attempt; what becomes of it changes
//! nothing. Copies have bounds of their own: in number and bytes together ([`UNITS`]), and in time.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Semaphore;

use crate::body;
use crate::downstream::Downstream;
use crate::fault::hits;
use crate::headers::{self, Timeouts};
use crate::plan::route::Mirror;
use crate::upstream::{Call, Cluster, Rules, exchange};

/// How many copies may be under way, and how often there was no room for one.
#[derive(Clone)]
pub(crate) struct Room {
    units: Arc<Semaphore>,
    dropped: Counter,
}

/// The copies of one request, which is still being received.
pub(crate) struct Copies {
    calls: Vec<(Arc<Cluster>, Call)>,
    timeout: Duration,
    room: Room,
}

impl Room {
    /// All of it.
    pub(crate) fn new(dropped: &Counter) -> Room {
        Room {
            units: Arc::new(Semaphore::new(UNITS)),
            dropped: dropped.clone(),
        }
    }
}

impl Copies {
    /// Draws who gets a copy of a call; none if nobody does. A mirror that no document defines gets none.
    pub(crate) fn of(
        call: &Call,
        mirrors: &[Mirror],
        clusters: &[Arc<Cluster>],
        timeouts: Timeouts,
        downstream: &Downstream,
        room: &Room,
    ) -> Option<Copies> {
        let drawn = mirrors
            .iter()
            .filter(|mirror| hits(mirror.per_million, chassis::trace::random()));
        let found = drawn.filter_map(|mirror| clusters.get(mirror.upstream?));
        let calls: Vec<_> = found
            .map(|cluster| (cluster.clone(), copy(call, downstream)))
            .collect();
        (!calls.is_empty()).then(|| Copies {
            calls,
            timeout: timeouts.total.map_or(DEADLINE, |total| total.min(DEADLINE)),
            room: room.clone(),
        })
    }

    /// Runs an exchange, and sends the copies as soon as the client has sent all. If the exchange ends
    /// before that, there are none.
    pub(crate) async fn beside<F: Future>(self, exchange: F, body: &body::Incoming) -> F::Output {
        let mut exchange = std::pin::pin!(exchange);
        let complete = tokio::select! {
            biased;
            () = body.complete() => None,
            output = &mut exchange => Some(output),
        };
        match complete {
            Some(output) if !body.is_complete() => output,
            Some(output) => {
                self.send(body);
                output
            }
            None => {
                self.send(body);
                exchange.await
            }
        }
    }

    fn send(self, body: &body::Incoming) {
        let Some(body) = body.copied() else {
            self.room.dropped.inc_by(self.calls.len() as u64);
            return tracing::debug!(
                "a request of more than {} bytes is not mirrored",
                body::upload::REPLAY
            );
        };
        for (cluster, call) in self.calls {
            let units = u32::try_from(1 + body.len() / UNIT).unwrap_or(u32::MAX);
            let Ok(units) = self.room.units.clone().try_acquire_many_owned(units) else {
                self.room.dropped.inc();
                tracing::debug!("no copy for {}: too many are under way", cluster.name);
                continue;
            };
            let (body, timeout) = (body.incoming(), self.timeout);
            tokio::spawn(async move {
                let _ = tokio::time::timeout(timeout, deliver(&cluster, call, &body)).await;
                drop(units);
            });
        }
    }
}

/// Sends a copy and reads its answer to the end, so that the connection can serve again.
async fn deliver(cluster: &Arc<Cluster>, mut call: Call, body: &body::Incoming) {
    let outcome = exchange(cluster, &mut call, body, Rules::default()).await;
    match outcome.result {
        Ok((response, lease)) => {
            let mut answer = std::pin::pin!(body::Body::stream(response.into_body(), lease, true));
            while let Some(Ok(_)) = answer.frame().await {}
        }
        Err(failure) => tracing::debug!("the copy for {} failed: {failure}", cluster.name),
    }
}

/// The request as the destination gets it, marked as a copy in Envoy's way.
fn copy(call: &Call, downstream: &Downstream) -> Call {
    let mut copy = call.clone();
    headers::append_hop(&mut copy.headers, &downstream.local_address());
    copy.headers.insert(INTERNAL, HeaderValue::from_static("true"));
    copy
}

const INTERNAL: HeaderName = HeaderName::from_static("x-envoy-internal");

/// What the copies under way may hold together: a unit each, and one for each [`UNIT`] bytes of body.
const UNITS: usize = 1024;
const UNIT: usize = 16 * 1024;

/// A copy's time, where the route has no shorter one.
const DEADLINE: Duration = Duration::from_secs(60);
