//! The bounds of `connectionPool`, over all endpoints of an upstream, and the guards that count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::failure::Failure;
use super::pool::Pool;
use crate::plan::upstream::PoolLimits;

/// Counts what an upstream has, and says when it is enough.
pub(crate) struct Limits {
    requests: Arc<AtomicU32>,
    retries: Arc<AtomicU32>,
    pending: Arc<AtomicU32>,
    most: PoolLimits,
    connections: Option<Arc<Semaphore>>,
    freed: Arc<Notify>,
}

/// Leave to have one HTTP/1.1 connection.
#[derive(Debug)]
pub(crate) struct Permit {
    permit: Option<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        // given back first, or whoever is woken finds nothing
        if self.permit.take().is_some() {
            self.freed.notify_one();
        }
    }
}

/// Counts one while it lives.
#[derive(Debug)]
pub(crate) struct Counted(Arc<AtomicU32>);

impl Counted {
    /// One more, if that is below the bound.
    pub(crate) fn below(counter: &Arc<AtomicU32>, most: Option<u32>) -> Option<Counted> {
        let now = counter.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(counter.clone());
        most.is_none_or(|most| now < most).then_some(counted)
    }
}

impl Counted {
    /// One more.
    pub(crate) fn one(counter: &Arc<AtomicU32>) -> Counted {
        counter.fetch_add(1, Ordering::Relaxed);
        Counted(counter.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limits {
    /// No count yet.
    pub(crate) fn new(most: &PoolLimits) -> Limits {
        let permits = most.max_connections.and_then(|most| usize::try_from(most).ok());
        let semaphore = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Limits {
            requests: Arc::default(),
            retries: Arc::default(),
            pending: Arc::default(),
            most: most.clone(),
            connections: permits.map(semaphore),
            freed: Arc::default(),
        }
    }

    /// One more active request.
    pub(crate) fn request(&self) -> Result<Counted, Failure> {
        Counted::below(&self.requests, self.most.max_requests).ok_or(Failure::Overflow)
    }

    /// One more request that waits for a connection.
    pub(crate) fn waiting(&self) -> Result<Counted, Failure> {
        Counted::below(&self.pending, self.most.max_pending).ok_or(Failure::Overflow)
    }

    /// One more retry: from its pause to its end.
    pub(crate) fn retry(&self) -> Option<Counted> {
        let most = match self.most.retry_budget {
            Some((percent, least)) => {
                let busy = self.active() + u64::from(self.pending.load(Ordering::Relaxed));
                let share = u64::from(percent) * busy / 100;
                Some(u32::try_from(share).unwrap_or(u32::MAX).max(least))
            }
            None => self.most.max_retries,
        };
        Counted::below(&self.retries, most)
    }

    /// Requests that are being worked on.
    pub(crate) fn active(&self) -> u64 {
        self.requests.load(Ordering::Relaxed).into()
    }

    /// Leave to make one more HTTP/1.1 connection: none = not now.
    pub(crate) fn connection(&self) -> Option<Permit> {
        let permit = match &self.connections {
            None => None,
            Some(semaphore) => Some(semaphore.clone().try_acquire_owned().ok()?),
        };
        Some(Permit {
            permit,
            freed: self.freed.clone(),
        })
    }

    /// Resolves when a connection of the upstream went, or came back: to one of those who wait for that.
    pub(crate) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// Says that a connection came back. Without a bound nobody waits for that.
    pub(crate) fn came_back(&self, pool: &Pool) {
        if self.connections.is_some() {
            pool.came_back();
            self.freed.notify_one();
        }
    }
}
