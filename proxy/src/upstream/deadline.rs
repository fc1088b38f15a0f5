//! Deadlines that mostly are not reached. A timer that is armed for an earlier moment is good for a later one,
//! too: when it ends too early it is armed again. So a request costs no place in the runtime's timers, only
//! the use of one.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// Timers that nobody waits for just now.
#[derive(Default)]
pub(crate) struct Timers(Mutex<Vec<Pin<Box<Sleep>>>>);

/// Resolves at its moment.
pub(crate) struct Deadline<'t> {
    timers: &'t Timers,
    timer: Option<Pin<Box<Sleep>>>,
    at: Instant,
}

impl Timers {
    /// A deadline. Takes a timer when it is first waited for.
    pub(crate) fn until(&self, at: Instant) -> Deadline<'_> {
        Deadline {
            timers: self,
            timer: None,
            at,
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Pin<Box<Sleep>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Deadline<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Deadline { timers, timer, at } = &mut *self;
        let timer = timer.get_or_insert_with(|| {
            let spare = timers.spare().pop();
            spare.unwrap_or_else(|| Box::pin(sleep_until(*at)))
        });
        if timer.deadline() > *at {
            timer.as_mut().reset(*at);
        }
        ready!(timer.as_mut().poll(cx));
        if timer.deadline() < *at {
            timer.as_mut().reset(*at);
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(())
    }
}

impl Drop for Deadline<'_> {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            let mut spare = self.timers.spare();
            if spare.len() < SPARES {
                spare.push(timer);
            }
        }
    }
}

/// Timers that an upstream keeps.
const SPARES: usize = 256;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_used_timer_ends_at_the_new_moment_not_before_and_not_behind() {
        let timers = Timers::default();
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        // armed, and given up
        let early = tokio::time::timeout(Duration::from_secs(1), timers.until(after(3))).await;
        assert!(early.is_err());
        assert_eq!(timers.spare().len(), 1);

        timers.until(after(10)).await; // the old moment comes first
        assert_eq!(begun.elapsed().as_secs(), 10);
        timers.until(after(12)).await; // it has ended
        assert_eq!(begun.elapsed().as_secs(), 12);
        let far = tokio::time::timeout(Duration::from_secs(1), timers.until(after(100))).await;
        assert!(far.is_err());
        timers.until(after(20)).await; // it is armed for later
        assert_eq!(begun.elapsed().as_secs(), 20);
        timers.until(after(5)).await; // long ago
        assert_eq!(begun.elapsed().as_secs(), 20);
        assert_eq!(timers.spare().len(), 1, "one timer for all");
    }
}
