//! The end of a process in good order: connections are told to finish, and get a little time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::shutdown::Shutdown;
use tokio::sync::watch;

/// Watches over all connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Drain {
    shutdown: Shutdown,
    /// None once the end has begun; its receivers are the connections.
    alive: Arc<Mutex<Option<watch::Sender<()>>>>,
}

/// A connection that the end waits for.
pub(crate) struct Alive(#[expect(dead_code, reason = "held, never read")] watch::Receiver<()>);

impl Drain {
    /// That begins when the shutdown is asked for.
    pub(crate) fn new(shutdown: Shutdown) -> Drain {
        Drain {
            shutdown,
            alive: Arc::new(Mutex::new(Some(watch::channel(()).0))),
        }
    }

    /// Resolves when it begins: then a connection says `Connection: close` or GOAWAY.
    pub(crate) async fn begun(&self) {
        self.shutdown.requested().await;
    }

    /// Whether it has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.shutdown.is_requested()
    }

    /// Counts a connection; none when it comes too late.
    pub(crate) fn alive(&self) -> Option<Alive> {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.as_ref().map(|alive| Alive(alive.subscribe()))
    }

    /// Waits for what is in flight, at most for the grace period.
    pub(crate) async fn finish(&self, grace: Duration) {
        let all = self.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(all) = all else { return };
        if tokio::time::timeout(grace, all.closed()).await.is_err() {
            tracing::warn!("requests were still in flight after {grace:?}; they are cut");
        }
    }
}
