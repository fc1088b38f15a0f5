//! Sessions that somebody signed out of, by their id: a refresh that was under way comes back after the
//! sign-out and must not bring the session back. Kept in memory, per instance, within a bound.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

#[derive(Default)]
pub(super) struct Over(Mutex<(HashSet<String>, VecDeque<String>)>);

impl Over {
    pub(super) fn add(&self, id: &str) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, order) = &mut *guard;
        if known.insert(id.to_owned()) {
            order.push_back(id.to_owned());
        }
        if order.len() > MOST
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.contains(id)
    }
}

/// Sign-outs that are remembered: the race lasts for seconds, this many of them for hours.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered() {
        let over = Over::default();
        for id in 0..=MOST {
            over.add(&id.to_string());
            over.add(&id.to_string());
        }
        assert!(!over.has("0") && over.has("1") && over.has(&MOST.to_string()));
    }
}
