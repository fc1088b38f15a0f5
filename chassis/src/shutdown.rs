//! From SIGTERM to an empty process.
//!
//! [`Shutdown`] is what everything that runs listens to; [`Trigger`] is what pulls it. Cloud Run and
//! Kubernetes send SIGTERM and kill after a grace period (10 s and 30 s by default), so whoever drains
//! bounds itself by [`GRACE`].

use std::time::Duration;

use tokio::sync::watch;

/// How long in-flight requests may go on after a stop was asked for; Cloud Run kills after 10 s.
pub const GRACE: Duration = Duration::from_secs(8);

/// Tells that the process should stop. Cheap to clone; every clone sees the same request.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// Asks for the stop, by [`Trigger::stop`] or by being dropped.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

impl Shutdown {
    /// A shutdown that the holder of the trigger decides: for tests and for parents.
    pub fn manual() -> (Trigger, Shutdown) {
        let (sender, receiver) = watch::channel(false);
        (Trigger(sender), Shutdown(receiver))
    }

    /// A shutdown on SIGTERM or SIGINT. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn on_signals() -> std::io::Result<Shutdown> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (trigger, shutdown) = Shutdown::manual();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            trigger.stop();
            // a second signal finds tokio's handler and does nothing: the grace period is already short
        });
        Ok(shutdown)
    }

    /// Resolves once the stop was asked for.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        // an error means that the trigger is gone, which is a request too
        let _ = receiver.wait_for(|stop| *stop).await;
    }

    /// Whether the stop was asked for already.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

impl Trigger {
    /// Asks everyone to stop. Asking twice is asking once.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::Shutdown;

    #[tokio::test]
    async fn a_dropped_trigger_is_a_request() {
        let (trigger, shutdown) = Shutdown::manual();
        assert!(!shutdown.is_requested());
        drop(trigger);
        shutdown.requested().await;
        assert!(shutdown.is_requested());
    }

    #[tokio::test]
    async fn every_clone_hears_the_request() {
        let (trigger, shutdown) = Shutdown::manual();
        let other = shutdown.clone();
        trigger.stop();
        shutdown.requested().await;
        other.requested().await;
        assert!(other.is_requested());
    }
}
