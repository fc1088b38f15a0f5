//! Who is left out, when, and until when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::Endpoint;
use super::{Detector, Outcome};
use crate::plan::upstream::{Address, OutlierDetection};

fn spec() -> OutlierDetection {
    OutlierDetection {
        consecutive_5xx: 3,
        consecutive_gateway: 0,
        consecutive_local: None,
        interval: Duration::from_secs(10),
        base_ejection: Duration::from_secs(30),
        max_ejection_percent: 100,
        min_health_percent: 0,
    }
}

fn endpoints(many: u16) -> Vec<Arc<Endpoint>> {
    let address = |port| Address::Ip(([127, 0, 0, 1], port).into());
    (1..=many)
        .map(|port| Endpoint::new(address(port), 1, &Arc::default()))
        .collect()
}

/// Whether each attempt in turn leaves the first endpoint out.
fn seen(spec: &OutlierDetection, outcomes: &[Outcome]) -> Vec<bool> {
    let (detector, all, now) = (Detector::new(spec), endpoints(1), Instant::now());
    let saw = |outcome: &Outcome| detector.saw(&all[0], &all, *outcome, now);
    outcomes.iter().map(saw).collect()
}

#[test]
fn errors_count_in_a_row_and_anything_below_500_forgives() {
    use Outcome::{Answer, Connected, Local};
    let gateway = OutlierDetection {
        consecutive_5xx: 0,
        consecutive_gateway: 2,
        ..spec()
    };
    let apart = OutlierDetection {
        consecutive_local: Some(2),
        ..spec()
    };
    for (spec, outcomes, out) in [
        (spec(), vec![Answer(500), Answer(503), Local(504)], true),
        (
            spec(),
            vec![Answer(500), Answer(500), Answer(404), Answer(500)],
            false,
        ),
        (
            spec(),
            vec![Answer(500), Answer(500), Connected, Answer(500)],
            true,
        ),
        (gateway.clone(), vec![Answer(502), Local(503)], true),
        (gateway, vec![Answer(502), Answer(500), Answer(504)], false),
        (apart.clone(), vec![Local(503), Local(503)], true),
        (apart.clone(), vec![Local(503), Connected, Local(504)], false),
        (
            apart,
            vec![Local(503), Answer(500), Answer(200), Local(503)],
            true,
        ),
    ] {
        assert_eq!(seen(&spec, &outcomes).contains(&true), out, "{outcomes:?}");
    }
}

#[test]
fn only_a_share_may_be_out_at_a_time() {
    for (hosts, percent, most) in [
        (9, 10, 0),
        (10, 10, 1),
        (3, 33, 0),
        (3, 34, 1),
        (3, 67, 2),
        (2, 100, 2),
    ] {
        let spec = OutlierDetection {
            consecutive_5xx: 1,
            max_ejection_percent: percent,
            ..spec()
        };
        let (detector, all, now) = (Detector::new(&spec), endpoints(hosts), Instant::now());
        let out = all
            .iter()
            .filter(|one| detector.saw(one, &all, Outcome::Answer(500), now));
        assert_eq!(out.count(), most, "{percent} % of {hosts}");
        assert_eq!(detector.healthy(&all).len(), usize::from(hosts) - most);
    }
}

#[test]
fn with_too_few_healthy_ones_nobody_is_left_out() {
    for (percent, left) in [(0, 1), (50, 1), (51, 2)] {
        let spec = OutlierDetection {
            consecutive_5xx: 1,
            min_health_percent: percent,
            ..spec()
        };
        let (detector, all) = (Detector::new(&spec), endpoints(2));
        detector.saw(&all[0], &all, Outcome::Answer(500), Instant::now());
        assert_eq!(detector.healthy(&all).len(), left, "{percent} %");
    }
}

#[test]
fn each_ejection_is_longer_and_health_makes_the_next_one_shorter() {
    let spec = OutlierDetection {
        consecutive_5xx: 1,
        ..spec()
    };
    let (detector, all, start) = (Detector::new(&spec), endpoints(1), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    let eject = |seconds| detector.saw(&all[0], &all, Outcome::Answer(500), at(seconds));
    assert!(eject(0));
    assert!(!detector.sweep(&all, at(29)));
    assert!(detector.sweep(&all, at(30)));
    assert!(eject(31));
    assert!(!detector.sweep(&all, at(90)), "twice as long");
    assert!(detector.sweep(&all, at(91)));
    for healthy in [100, 110] {
        assert!(!detector.sweep(&all, at(healthy)));
    }
    assert!(eject(120));
    assert!(detector.sweep(&all, at(150)), "forgiven");
    assert_eq!(detector.ejections(), 3);
}
