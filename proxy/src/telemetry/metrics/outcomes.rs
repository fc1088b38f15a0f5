//! Requests by status and response flags: one counter for each outcome that a route or an upstream has
//! had, found again without building its labels.

use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::telemetry::flags::Flags;

/// The outcomes of all routes, or of all upstreams.
pub(super) type All<L> = Family<(L, Labels), Counter>;

/// Bounded by construction: codes are statuses, flags a handful.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct Labels {
    code: u16,
    flag: String,
}

/// Those of one.
pub(crate) struct Outcomes<L> {
    name: L,
    all: All<L>,
    known: RwLock<Vec<(u16, Flags, Counter)>>,
}

impl<L: Clone + Hash + Eq> Outcomes<L> {
    pub(super) fn new(name: &L, all: &All<L>) -> Outcomes<L> {
        Outcomes {
            name: name.clone(),
            all: all.clone(),
            known: RwLock::default(),
        }
    }

    /// Counts one.
    pub(crate) fn count(&self, code: u16, flags: Flags) {
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let same = known.iter().find(|one| one.0 == code && one.1 == flags);
            if let Some((_, _, counter)) = same {
                counter.inc();
                return;
            }
        }
        let flag = flags.to_string();
        let labels = (self.name.clone(), Labels { code, flag });
        let counter = self.all.get_or_create(&labels).clone();
        counter.inc();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.push((code, flags, counter));
    }
}
