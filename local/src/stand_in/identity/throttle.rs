//! Wrong passwords, counted per e-mail address, known or not: a lock that is only on real accounts
//! would tell which are.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords within [`WINDOW`] that lock an address.
const ATTEMPTS: u32 = 10;
/// From the first wrong password on; afterwards counting starts anew.
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Addresses that are counted at a time.
const ADDRESSES: usize = 10_000;

/// The tenant, if there is one, and the address.
type Key = (Option<String>, String);

/// Counts wrong passwords.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<Key, (u32, Instant)>>);

impl Throttle {
    /// Whether the address has had too many.
    pub(super) fn is_locked(&self, tenant: Option<&str>, email: &str) -> bool {
        let key = key(tenant, email);
        self.with(|counts| counts.get(&key).is_some_and(|(count, _)| *count >= ATTEMPTS))
    }

    /// One more.
    pub(super) fn wrong(&self, tenant: Option<&str>, email: &str) {
        let key = key(tenant, email);
        self.with(|counts| {
            if counts.len() < ADDRESSES || counts.contains_key(&key) {
                counts.entry(key).or_insert((0, Instant::now())).0 += 1;
            }
        });
    }

    /// The right password, or a reset, starts anew.
    pub(super) fn forgive(&self, tenant: Option<&str>, email: &str) {
        self.with(|counts| counts.remove(&key(tenant, email)));
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Key, (u32, Instant)>) -> T) -> T {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, (_, since)| since.elapsed() < WINDOW);
        act(&mut counts)
    }
}

fn key(tenant: Option<&str>, email: &str) -> Key {
    (tenant.map(str::to_owned), email.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_passwords_lock_one_address_until_it_is_forgiven() {
        let throttle = Throttle::default();
        for _ in 0..ATTEMPTS {
            assert!(!throttle.is_locked(None, "a@x"));
            throttle.wrong(None, "a@x");
        }
        assert!(!throttle.is_locked(Some("t"), "a@x"), "another account");
        assert!(throttle.is_locked(None, "a@x") && !throttle.is_locked(None, "b@x"));
        throttle.forgive(None, "a@x");
        assert!(!throttle.is_locked(None, "a@x"));
    }
}
