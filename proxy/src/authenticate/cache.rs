//! Verified tokens, remembered: a signature costs more than everything else about a request.
//!
//! Keyed by digest, so no token is kept; bounded; in shards, so that cores do not wait for each other. Each
//! shard has two generations: what is used is in the young one, and when that is full the old one goes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::digest::{SHA256, digest};

use super::verify::Accepted;

/// Tokens that were accepted. One lives as long as a plan; an entry counts only under the keys that
/// accepted it.
pub(crate) struct TokenCache {
    shards: [Mutex<Generations>; SHARDS],
}

/// A rule's place and a token's digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    rule: usize,
    digest: [u8; 32],
}

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Arc<Accepted>>,
    old: HashMap<Key, Arc<Accepted>>,
}

impl TokenCache {
    /// An empty one.
    pub(crate) fn new() -> TokenCache {
        TokenCache {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Forgets everything: memory is freed at once when keys change, where entries would otherwise only
    /// grow out.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            *lock(shard) = Generations::default();
        }
    }

    /// One entry more, the same every time.
    #[cfg(test)]
    pub(crate) fn remember_for_tests(&self) {
        let key = Key {
            rule: 0,
            digest: [0; 32],
        };
        self.insert(key, super::verify::accepted_for_tests());
    }

    /// How many tokens are remembered.
    pub(crate) fn len(&self) -> usize {
        let sizes = self.shards.iter().map(|shard| {
            let shard = lock(shard);
            shard.young.len() + shard.old.len()
        });
        sizes.sum()
    }

    /// The key of a token; none for one that is too long to be remembered.
    pub(super) fn key(&self, rule: usize, token: &str) -> Option<Key> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let digest = digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()?;
        Some(Key { rule, digest })
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Accepted>> {
        let mut shard = self.shard(key);
        if let Some(known) = shard.young.get(key) {
            return Some(known.clone());
        }
        let known = shard.old.remove(key)?;
        shard.insert(*key, known.clone());
        Some(known)
    }

    pub(super) fn insert(&self, key: Key, accepted: Arc<Accepted>) {
        self.shard(&key).insert(key, accepted);
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Generations> {
        let place = usize::from(key.digest[0]) % SHARDS;
        lock(&self.shards[place])
    }
}

impl Generations {
    fn insert(&mut self, key: Key, accepted: Arc<Accepted>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, accepted);
    }
}

/// A map is whole between two operations, so a panic elsewhere does not spoil it.
fn lock(shard: &Mutex<Generations>) -> MutexGuard<'_, Generations> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says how many and nothing else.
impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCache").field("len", &self.len()).finish()
    }
}

const SHARDS: usize = 16;
/// Entries of one generation of one shard: 16 384 to 32 768 tokens in all.
const GENERATION: usize = 1024;
/// Bytes; a user's token has 1 to 2 KiB.
const LONGEST_TOKEN: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticate::verify::accepted_for_tests;

    #[test]
    fn it_grows_to_its_bound_and_keeps_what_is_used() {
        let cache = TokenCache::new();
        let hot = cache.key(0, "hot").unwrap();
        cache.insert(hot, accepted_for_tests());
        for number in 0..50_000 {
            let key = cache.key(0, &number.to_string()).unwrap();
            cache.insert(key, accepted_for_tests());
            if number % 100 == 0 {
                assert!(cache.get(&hot).is_some(), "{number}");
            }
        }
        assert!(cache.len() <= 2 * SHARDS * GENERATION);
        assert!(cache.len() >= SHARDS * GENERATION);
    }

    #[test]
    fn each_rule_has_its_own_entries_and_long_tokens_have_none() {
        let cache = TokenCache::new();
        cache.insert(cache.key(0, "token").unwrap(), accepted_for_tests());
        assert!(cache.get(&cache.key(1, "token").unwrap()).is_none());
        assert!(cache.key(0, &"x".repeat(LONGEST_TOKEN + 1)).is_none());
    }
}
