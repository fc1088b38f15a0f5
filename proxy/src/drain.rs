//! The end of a process in good order: connections are told to finish, and get a little time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::shutdown::Shutdown;
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown, Watcher};

/// Watches over all connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Drain {
    shutdown: Shutdown,
    watcher: Arc<Mutex<Option<GracefulShutdown>>>,
}

impl Drain {
    /// That begins when the shutdown is asked for.
    pub(crate) fn new(shutdown: Shutdown) -> Drain {
        Drain {
            shutdown,
            watcher: Arc::new(Mutex::new(Some(GracefulShutdown::new()))),
        }
    }

    /// Resolves when it begins.
    pub(crate) async fn begun(&self) {
        self.shutdown.requested().await;
    }

    /// Serves a connection; when the drain begins it gets `Connection: close` or GOAWAY.
    pub(crate) async fn watch<C: GracefulConnection>(&self, connection: C) -> Result<(), C::Error> {
        match self.watcher() {
            Some(watcher) => watcher.watch(connection).await,
            None => Ok(()), // accepted in the very moment of the end
        }
    }

    /// Waits for what is in flight, at most for the grace period.
    pub(crate) async fn finish(&self, grace: Duration) {
        let all = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(all) = all else { return };
        if tokio::time::timeout(grace, all.shutdown()).await.is_err() {
            tracing::warn!("requests were still in flight after {grace:?}; they are cut");
        }
    }

    fn watcher(&self) -> Option<Watcher> {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.as_ref().map(GracefulShutdown::watcher)
    }
}
