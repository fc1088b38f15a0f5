//! Records in, lines out.

use super::*;

fn record(service: &str, status: u16, micros: u64) -> Record {
    Record {
        service: service.into(),
        method: "GET".into(),
        path: "/".into(),
        status,
        micros,
        ..Record::default()
    }
}

#[test]
fn hops_stand_from_the_outside_in() {
    let records = ["backend", "gateway", "proxy", "front-door", "frontend"];
    let records = records.iter().map(|name| record(name, 200, 12_345)).collect();
    let text = line(&in_order(records, Topology::Private));
    assert_eq!(
        text,
        "GET / 200 12 ms  frontend › front-door › proxy › gateway › backend"
    );
}

#[test]
fn a_page_of_gke_passes_the_gateway_twice() {
    let records = vec![
        record("backend", 200, 10),
        record("gateway", 200, 20),
        record("frontend", 200, 30),
        record("gateway", 200, 1040),
    ];
    let text = line(&in_order(records, Topology::Gke));
    assert_eq!(text, "GET / 200 1.0 ms  gateway › frontend › gateway › backend");
}

#[test]
fn who_refused_is_named_once_and_cannot_steer_the_terminal() {
    let mut gateway = record("gateway", 403, 900);
    gateway.refused_by = Some("istio/private/policy.yaml\u{1b}: users".into());
    let text = line(&in_order(
        vec![gateway, record("proxy", 403, 1500)],
        Topology::Private,
    ));
    assert_eq!(
        text,
        "GET / 403 1.5 ms  proxy › gateway  refused by istio/private/policy.yaml: users"
    );
}

#[test]
fn stand_ins_are_shown_beside_others_and_never_alone() {
    let mut requests = Requests::new(Topology::Private);
    requests.add(record("identity", 200, 1));
    let later = |requests: &mut Requests| {
        for pending in requests.pending.values_mut() {
            pending.last -= QUIET;
        }
        requests.due()
    };
    assert_eq!(later(&mut requests), Vec::<String>::new());
    requests.add(record("identity", 200, 1));
    requests.add(record("frontend", 303, 60_000));
    assert_eq!(later(&mut requests), ["GET / 303 60 ms  frontend + identity"]);
}
