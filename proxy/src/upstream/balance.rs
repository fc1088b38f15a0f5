//! Which endpoint gets the next request. Pure but for a counter.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Endpoint;
use super::hash::Table;
use crate::plan::upstream::Balance;

/// The endpoints of an upstream at one moment.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    all: Vec<Arc<Endpoint>>,
    /// Places in `all`, each as often as its weight says and well mixed; empty when all weigh the same.
    schedule: Vec<usize>,
    /// For consistent hashing.
    table: Option<Table>,
    next: AtomicUsize,
}

impl Endpoints {
    /// From a list. Round robin begins anywhere, or every instance would begin with the same one.
    pub(crate) fn new(all: Vec<Arc<Endpoint>>, balance: &Balance) -> Endpoints {
        let hosts = || -> Vec<(&str, u32)> { all.iter().map(|one| (&*one.text, one.weight)).collect() };
        let table = match balance {
            Balance::RingHash(least) => Some(Table::ring(&hosts(), *least)),
            Balance::Maglev(size) => Some(Table::maglev(&hosts(), *size)),
            Balance::LeastRequest | Balance::RoundRobin | Balance::Random => None,
        };
        let schedule = schedule(&all.iter().map(|endpoint| endpoint.weight).collect::<Vec<_>>());
        Endpoints {
            next: AtomicUsize::new(usize::try_from(chassis::trace::random() >> 33).unwrap_or(0)),
            all,
            schedule,
            table,
        }
    }

    /// The next one, by its hash where that decides; `avoid` are those already tried: up to five more
    /// draws go past them.
    pub(crate) fn choose(
        &self,
        balance: &Balance,
        hash: Option<u64>,
        avoid: &[Arc<Endpoint>],
    ) -> Option<Arc<Endpoint>> {
        let hash = hash.unwrap_or_else(chassis::trace::random);
        let draw = |attempt| match &self.table {
            Some(table) => self.all.get(table.pick(hash, attempt)?),
            None => self.draw(balance),
        };
        let mut chosen = draw(0)?;
        for attempt in 1..=REDRAWS {
            if !avoid.iter().any(|tried| Arc::ptr_eq(tried, chosen)) {
                break;
            }
            chosen = draw(attempt)?;
        }
        Some(chosen.clone())
    }

    fn draw(&self, balance: &Balance) -> Option<&Arc<Endpoint>> {
        match (balance, self.all.len()) {
            (_, 0) => None,
            (_, 1) => self.all.first(),
            (Balance::LeastRequest, many) if self.schedule.is_empty() => {
                let (one, other) = (&self.all[any(many)], &self.all[any(many)]);
                Some(if other.active() < one.active() { other } else { one })
            }
            (Balance::RoundRobin | Balance::LeastRequest, many) => {
                let turn = self.next.fetch_add(1, Ordering::Relaxed);
                match self.schedule.len() {
                    0 => self.all.get(turn % many),
                    length => self.all.get(self.schedule[turn % length]),
                }
            }
            (Balance::Random | Balance::RingHash(_) | Balance::Maglev(_), many) => self.all.get(any(many)),
        }
    }
}

fn any(length: usize) -> usize {
    usize::try_from(chassis::trace::random() % length as u64).unwrap_or(0)
}

/// Smooth weighted round robin, one whole period: the heaviest goes first and nobody goes twice in a
/// row for long. Very uneven weights are scaled down so that a period stays short.
fn schedule(weights: &[u32]) -> Vec<usize> {
    if weights.windows(2).all(|pair| pair[0] == pair[1]) {
        return Vec::new();
    }
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let scale = sum.div_ceil(LONGEST_PERIOD).max(1);
    let scaled: Vec<i64> = weights
        .iter()
        .map(|weight| i64::try_from(u64::from(*weight).div_ceil(scale)).unwrap_or(1))
        .collect();
    let total: i64 = scaled.iter().sum();
    let mut credit = vec![0; weights.len()];
    let mut order = Vec::new();
    for _ in 0..total {
        for (credit, weight) in credit.iter_mut().zip(&scaled) {
            *credit += weight;
        }
        let best = (0..credit.len()).max_by_key(|at| (credit[*at], std::cmp::Reverse(*at)));
        if let Some(best) = best {
            credit[best] -= total;
            order.push(best);
        }
    }
    order
}

const REDRAWS: u64 = 5;
const LONGEST_PERIOD: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::schedule;

    #[test]
    fn a_period_gives_each_its_share() {
        assert!(schedule(&[7, 7]).is_empty());
        let order = schedule(&[1, 3]);
        assert_eq!(order, [1, 0, 1, 1]);
        assert!(schedule(&[1, 4_000_000_000]).len() < 2000);
    }
}
