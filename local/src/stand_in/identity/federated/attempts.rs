//! Sign-ins at a provider that are under way, in memory: begun, chosen on the provider's page, and what was
//! said about whom until it is known whose account it is. A restart forgets them, and one begins again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::Url;

use super::assertion::Assertion;

/// Seconds for a sign-in at a provider.
const LIFE: u64 = 600;
/// Seconds for which a provider's word may be linked to an account.
const PENDING_LIFE: u64 = 3600;
/// How many of each are kept; when there are more, whoever was at it begins again.
const MOST: usize = 1000;

/// How the provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// With a code in the query.
    Code,
    /// With an ID token in the fragment.
    IdToken,
}

impl Flow {
    /// As OAuth 2.0 has it.
    pub(super) fn response_type(self) -> &'static str {
        match self {
            Flow::Code => "code",
            Flow::IdToken => "id_token",
        }
    }
}

/// What `createAuthUri` was asked.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) provider: String,
    /// Where the browser returns to.
    pub(super) back: Url,
    /// Ties the return to the browser that began.
    pub(super) session: String,
    pub(super) tenant: Option<String>,
    pub(super) context: Option<String>,
    pub(super) flow: Flow,
}

/// Everything that is under way.
#[derive(Default)]
pub(crate) struct Attempts {
    begun: Bounded<Attempt>,
    /// By state and code or token: somebody was chosen.
    chosen: Bounded<Assertion>,
    pending: Bounded<(Assertion, Option<String>)>,
}

impl Attempts {
    /// A browser is sent away with this state.
    pub(super) fn begin(&self, state: String, attempt: Attempt, now: u64) {
        self.begun.put(state, attempt, now + LIFE);
    }

    /// The attempt that a state is of.
    pub(super) fn get(&self, state: &str, now: u64) -> Option<Attempt> {
        self.begun.get(state, now)
    }

    /// It came to its end.
    pub(super) fn end(&self, state: &str) {
        self.begun.take(state, 0);
    }

    /// On the provider's page somebody was chosen; the code is good once.
    pub(super) fn choose(&self, code: String, who: Assertion, now: u64) {
        self.chosen.put(code, who, now + LIFE);
    }

    /// Who was chosen.
    pub(super) fn redeem(&self, code: &str, now: u64) -> Option<Assertion> {
        self.chosen.take(code, now)
    }

    /// Keeps a provider's word, to be linked when it is known to whom.
    pub(super) fn keep(&self, token: String, who: Assertion, tenant: Option<String>, now: u64) {
        self.pending.put(token, (who, tenant), now + PENDING_LIFE);
    }

    /// A word that was kept for the accounts of this tenant.
    pub(super) fn kept(&self, token: &str, tenant: Option<&str>, now: u64) -> Option<Assertion> {
        let (who, of) = self.pending.get(token, now)?;
        (of.as_deref() == tenant).then_some(who)
    }
}

/// Values that end, and not too many of them.
struct Bounded<T>(Mutex<HashMap<String, (T, u64)>>);

impl<T> Default for Bounded<T> {
    fn default() -> Bounded<T> {
        Bounded(Mutex::default())
    }
}

impl<T: Clone> Bounded<T> {
    fn put(&self, key: String, value: T, until: u64) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MOST {
            map.clear();
        }
        map.insert(key, (value, until));
    }

    fn get(&self, key: &str, now: u64) -> Option<T> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(key)
            .filter(|(_, until)| *until > now)
            .map(|(value, _)| value.clone())
    }

    fn take(&self, key: &str, now: u64) -> Option<T> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.remove(key)
            .filter(|(_, until)| *until > now)
            .map(|(value, _)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_are_taken_once_and_are_bounded() {
        let map = Bounded::default();
        map.put("a".to_owned(), 1, 10);
        assert_eq!((map.get("a", 9), map.get("a", 10)), (Some(1), None));
        assert_eq!((map.take("a", 9), map.take("a", 9)), (Some(1), None));
        for key in 0..=MOST {
            map.put(key.to_string(), key, 10);
        }
        assert_eq!((map.get("0", 9), map.get("1000", 9)), (None, Some(MOST)));
    }
}
