//! One line per request: the access records of its hops, joined by the trace id.
//!
//! Hops report when their answer has ended, the innermost first. A request is printed when its
//! outermost hop has reported, or when nothing more came for a while.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chassis::access::Record;

use crate::topology::Topology;

/// How often [`Requests::due`] is asked.
pub(crate) const TICK: Duration = Duration::from_millis(20);
/// After the frontend's record: the other pipes may be a little behind.
const BEHIND: Duration = Duration::from_millis(30);
/// Without one: somebody asked a hop directly, or the frontend is still at work.
const QUIET: Duration = Duration::from_millis(300);
/// Requests that are put together at a time; more push out the oldest.
const MOST: usize = 1000;

/// The parts from the outside in. The others, the stand-ins, are only shown beside these.
const INWARDS: [&str; 5] = ["frontend", "front-door", "proxy", "gateway", "backend"];

/// Puts requests together.
pub(crate) struct Requests {
    topology: Topology,
    pending: BTreeMap<String, Pending>,
}

struct Pending {
    records: Vec<Record>,
    last: Instant,
}

impl Requests {
    /// Nothing yet.
    pub(crate) fn new(topology: Topology) -> Requests {
        Requests {
            topology,
            pending: BTreeMap::new(),
        }
    }

    /// One hop's record.
    pub(crate) fn add(&mut self, record: Record) {
        if record.path.starts_with("/health/") {
            return;
        }
        if self.pending.len() >= MOST {
            self.give_up_oldest();
        }
        let now = Instant::now();
        let fresh = || Pending {
            records: Vec::new(),
            last: now,
        };
        let pending = self.pending.entry(record.trace.clone()).or_insert_with(fresh);
        pending.last = now;
        pending.records.push(record);
    }

    /// Whether a line may become due.
    pub(crate) fn are_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The lines of the requests that are complete, as far as one can know.
    pub(crate) fn due(&mut self) -> Vec<String> {
        let now = Instant::now();
        let topology = self.topology;
        let due = |pending: &Pending| {
            let whole = topology == Topology::Private && has(&pending.records, "frontend");
            now.duration_since(pending.last) >= if whole { BEHIND } else { QUIET }
        };
        let (complete, pending): (BTreeMap<_, _>, _) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(_, pending)| due(pending));
        self.pending = pending;
        let mut complete: Vec<Pending> = complete.into_values().collect();
        complete.sort_by_key(|pending| pending.last);
        let shown = complete
            .into_iter()
            .filter(|pending| pending.records.iter().any(is_hop));
        shown
            .map(|pending| line(&in_order(pending.records, topology)))
            .collect()
    }

    fn give_up_oldest(&mut self) {
        let oldest = self.pending.iter().min_by_key(|(_, pending)| pending.last);
        if let Some(trace) = oldest.map(|(trace, _)| trace.clone()) {
            self.pending.remove(&trace);
        }
    }
}

fn is_hop(record: &Record) -> bool {
    INWARDS.contains(&record.service.as_str())
}

fn has(records: &[Record], service: &str) -> bool {
    records.iter().any(|record| record.service == service)
}

/// From the outside in. In `gke` a page passes the gateway twice: its longer record is the outer one.
fn in_order(mut records: Vec<Record>, topology: Topology) -> Vec<Record> {
    let rank = |record: &Record| {
        INWARDS
            .iter()
            .position(|name| *name == record.service)
            .unwrap_or(INWARDS.len())
    };
    records.sort_by_key(|record| (rank(record), Reverse(record.micros)));
    if topology == Topology::Gke
        && has(&records, "frontend")
        && let Some(outer) = records.iter().position(|record| record.service == "gateway")
    {
        let outer = records.remove(outer);
        records.insert(0, outer);
    }
    records
}

/// `GET / 200 12 ms  frontend › front-door › proxy › gateway › backend`; and who refused, if anyone.
pub(crate) fn line(records: &[Record]) -> String {
    let Some(first) = records.first() else {
        return String::new();
    };
    let took = match first.micros {
        micros @ 0..10_000 => format!("{}.{}", micros / 1000, micros % 1000 / 100),
        micros => (micros / 1000).to_string(),
    };
    let path = shown(&first.path);
    let mut text = format!(
        "{} {path} {} {took} ms  {}",
        first.method,
        first.status,
        hops(records)
    );
    // the innermost hop that refused, or that knows why it failed, is the cause of all the others
    if let Some(refused) = records.iter().rev().find_map(|record| record.refused_by.as_ref()) {
        text += &format!("  refused by {}", shown(refused));
    }
    let mut failed = records
        .iter()
        .rev()
        .filter(|record| record.status == 0 || record.status >= 400);
    if let Some(detail) = failed.find_map(|record| record.detail.as_ref()) {
        text += &format!("  ({})", shown(detail));
    }
    text
}

/// Hops in order; the same one several times in a row is counted.
fn hops(records: &[Record]) -> String {
    let mut hops: Vec<(&str, usize)> = Vec::new();
    for record in records {
        match hops.last_mut() {
            Some((name, count)) if *name == record.service => *count += 1,
            _ => hops.push((&record.service, 1)),
        }
    }
    let (inwards, beside): (Vec<_>, Vec<_>) = hops.into_iter().partition(|(name, _)| INWARDS.contains(name));
    match (inwards.is_empty(), beside.is_empty()) {
        (_, true) => joined(inwards, " › "),
        (true, false) => joined(beside, ", "),
        (false, false) => format!("{} + {}", joined(inwards, " › "), joined(beside, ", ")),
    }
}

fn joined(hops: Vec<(&str, usize)>, between: &str) -> String {
    let names = hops.into_iter().map(|(name, count)| match count {
        1 => name.to_owned(),
        _ => format!("{name} ×{count}"),
    });
    names.collect::<Vec<_>>().join(between)
}

/// What came from outside must not steer the terminal, nor fill it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests;
