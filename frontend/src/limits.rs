//! Our own limits, before Identity Platform's: attempts per account and per client, counted in memory, per
//! instance. All of our calls come from one address, so its limits per address would stop everybody at once.
//!
//! An address of an account is counted whether anybody has it or not; a client is an IPv4 address or an
//! IPv6 network of 64 bits, as `TRUSTED_HOPS` tells them, never what a client can write.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use tokio::time::Instant;

use crate::identity::Refusal;

#[derive(Default)]
pub(crate) struct Limits {
    accounts: Counts<[u8; 32]>,
    clients: Counts<IpAddr>,
}

impl Limits {
    /// Counts an attempt on an account.
    ///
    /// # Errors
    /// When there were too many, and when it is worth trying again.
    pub(crate) fn attempt(&self, email: &str, client: IpAddr) -> Result<(), Refusal> {
        self.post(client)?;
        self.accounts.count(account(email), PER_ACCOUNT)
    }

    /// Counts a post that is about no address.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn post(&self, client: IpAddr) -> Result<(), Refusal> {
        self.clients.count(network(client), PER_CLIENT)
    }

    /// The right password: the account starts anew. The client does not, or its own account would be a
    /// key to guessing those of others.
    pub(crate) fn succeeded(&self, email: &str) {
        self.accounts.forget(&account(email));
    }
}

/// By digest: no list of addresses is kept.
fn account(email: &str) -> [u8; 32] {
    let hash = digest(&SHA256, email.to_lowercase().as_bytes());
    hash.as_ref().try_into().unwrap_or_default() // SHA-256 has 32 bytes
}

/// Whoever has one address of an IPv6 network has all of its last 64 bits.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

/// Attempts per key since the first of the current window.
struct Counts<K>(Mutex<HashMap<K, (u32, Instant)>>);

impl<K> Default for Counts<K> {
    fn default() -> Counts<K> {
        Counts(Mutex::default())
    }
}

impl<K: Hash + Eq + Copy> Counts<K> {
    fn count(&self, key: K, most: u32) -> Result<(), Refusal> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if counts.len() >= KEYS && !counts.contains_key(&key) {
            make_room(&mut counts, now);
        }
        let (count, since) = counts.entry(key).or_insert((0, now));
        if now.duration_since(*since) >= WINDOW {
            (*count, *since) = (0, now);
        }
        if *count >= most {
            let left = WINDOW.saturating_sub(now.duration_since(*since));
            return Err(Refusal::Paused(left.as_secs() + 1));
        }
        *count += 1;
        Ok(())
    }

    fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Those whose window has passed go; if there are none, the oldest tenth. A flood of addresses so buys
/// itself a fresh count, but no memory and no lock-out of anybody else.
fn make_room<K: Hash + Eq + Copy>(counts: &mut HashMap<K, (u32, Instant)>, now: Instant) {
    counts.retain(|_, (_, since)| now.duration_since(*since) < WINDOW);
    if counts.len() >= KEYS {
        let mut ages: Vec<Instant> = counts.values().map(|(_, since)| *since).collect();
        let (_, tenth, _) = ages.select_nth_unstable(KEYS / 10);
        let tenth = *tenth;
        counts.retain(|_, (_, since)| *since > tenth);
    }
}

/// From the first attempt on; then counting starts anew.
const WINDOW: Duration = Duration::from_secs(300);
/// Attempts on one account.
const PER_ACCOUNT: u32 = 20;
/// Posts of one client: an office behind one address still gets in.
const PER_CLIENT: u32 = 200;
/// Keys that are counted at a time, of each kind.
const KEYS: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    const OFFICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[tokio::test(start_paused = true)]
    async fn an_account_is_paused_for_everybody_until_its_window_ends() {
        let limits = Limits::default();
        for _ in 0..PER_ACCOUNT {
            assert_eq!(limits.attempt("A@x", OFFICE), Ok(()));
        }
        tokio::time::advance(Duration::from_secs(100)).await;
        let elsewhere = "2001:db8::1".parse().unwrap();
        assert_eq!(limits.attempt("a@X", elsewhere), Err(Refusal::Paused(201)));
        assert_eq!(limits.attempt("b@x", OFFICE), Ok(()));
        tokio::time::advance(Duration::from_secs(200)).await;
        assert_eq!(limits.attempt("a@x", OFFICE), Ok(()));
    }

    #[test]
    fn the_right_password_helps_the_account_and_not_the_client() {
        let limits = Limits::default();
        for _ in 0..PER_CLIENT {
            assert_eq!(limits.attempt("a@x", OFFICE), Ok(()));
            limits.succeeded("a@x");
        }
        assert!(limits.attempt("b@x", OFFICE).is_err());
        assert_eq!(limits.attempt("b@x", "192.0.2.2".parse().unwrap()), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        for (address, expected) in [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(
                network(address.parse().unwrap()),
                expected.parse::<IpAddr>().unwrap()
            );
        }
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let counts = Counts::<u32>::default();
        for key in 0..u32::try_from(KEYS).unwrap() + 500 {
            assert_eq!(counts.count(key, 1), Ok(()));
        }
        assert!(counts.0.lock().unwrap().len() <= KEYS);
    }
}
