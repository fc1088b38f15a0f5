//! `route` and `mirror`: where requests and their copies go.

use std::sync::Arc;

use crate::istio::report::{At, Report};
use crate::istio::virtual_service::{self as raw, HttpRoute, RouteDestination};
use crate::plan::route::{Destination, Mirror};

use super::headers;
use super::names::{check_host, expand};
use super::upstream::{Found, Missing, Upstreams};
use super::value::{count, per_million, port, refuse};

/// Copies go out in every case unless told otherwise.
const ALWAYS: u32 = 1_000_000;

/// Where destinations are named.
pub(crate) struct Place<'p, 'a> {
    /// The document's namespace, for short names.
    pub(crate) namespace: &'p str,
    /// The server's port, for destinations without one.
    pub(crate) server_port: u16,
    /// Where they are looked up.
    pub(crate) upstreams: &'p mut Upstreams<'a>,
}

/// Reads `route`.
pub(crate) fn all(
    raw: &[RouteDestination],
    place: &mut Place<'_, '_>,
    at: &At<'_>,
    report: &mut Report,
) -> Vec<Destination> {
    let only = raw.len() == 1;
    let mut destinations = Vec::new();
    for (index, raw) in raw.iter().enumerate() {
        let at = at.index(index);
        let weight = count(raw.weight, &at.key("weight"), report).unwrap_or(0);
        let (headers, authority) = headers::compile(raw.headers.as_ref(), &at.key("headers"), report);
        let (name, found) = find(raw.destination.as_ref(), place, &at.key("destination"), report);
        destinations.push(Destination {
            // the only one gets everything, whatever is written
            weight: if only { 1 } else { weight },
            upstream: found.as_ref().map(|found| found.index),
            name,
            headers,
            authority,
            hash: found.and_then(|found| found.hash),
        });
    }
    if !only && destinations.iter().all(|destination| destination.weight == 0) {
        report.error(at, "every weight is 0, also when left out: nobody gets anything");
    }
    destinations
}

/// Reads `mirror` and `mirrors`.
pub(crate) fn mirrors(
    rule: &HttpRoute,
    place: &mut Place<'_, '_>,
    at: &At<'_>,
    report: &mut Report,
) -> Vec<Mirror> {
    const OLD: &str = "the old spelling; use mirrorPercentage: {value: …}";
    refuse(
        rule.mirror_percent.as_ref(),
        &at.key("mirrorPercent"),
        OLD,
        report,
    );
    let mut mirrors = Vec::new();
    if let Some(raw) = &rule.mirror {
        if !rule.mirrors.is_empty() {
            report.error(
                &at.key("mirrors"),
                "mirror and mirrors at the same time: one of them only",
            );
        }
        let share = rule.mirror_percentage.as_ref();
        let share = share.map_or(Some(ALWAYS), |raw| {
            per_million(raw, &at.key("mirrorPercentage"), report)
        });
        mirrors.push(mirror(Some(raw), share, place, &at.key("mirror"), report));
    }
    for (index, raw) in rule.mirrors.iter().enumerate() {
        let at = at.key("mirrors").index(index);
        let share = raw.percentage.as_ref();
        let share = share.map_or(Some(ALWAYS), |raw| {
            per_million(raw, &at.key("percentage"), report)
        });
        mirrors.push(mirror(
            raw.destination.as_ref(),
            share,
            place,
            &at.key("destination"),
            report,
        ));
    }
    mirrors
}

fn mirror(
    raw: Option<&raw::Destination>,
    share: Option<u32>,
    place: &mut Place<'_, '_>,
    at: &At<'_>,
    report: &mut Report,
) -> Mirror {
    let (_, found) = find(raw, place, at, report);
    Mirror {
        upstream: found.map(|found| found.index),
        per_million: share.unwrap_or(ALWAYS),
    }
}

/// Looks a destination up. One that does not exist is a warning: Kubernetes services cannot be in the
/// documents, and one bad route must not hold back a reload.
fn find(
    raw: Option<&raw::Destination>,
    place: &mut Place<'_, '_>,
    at: &At<'_>,
    report: &mut Report,
) -> (Arc<str>, Option<Found>) {
    let Some(host) = raw
        .and_then(|raw| raw.host.as_deref())
        .filter(|host| !host.is_empty())
    else {
        report.error(&at.key("host"), "missing: where does this lead?");
        return ("".into(), None);
    };
    if host.contains('*') {
        report.error(&at.key("host"), format!("{host}: a destination is one host"));
        return (host.into(), None);
    }
    if let Err(problem) = check_host(host) {
        report.error(&at.key("host"), problem);
    }
    let host = expand(host, place.namespace);
    let raw_port = raw.and_then(|raw| raw.port.as_ref());
    let number = raw_port.and_then(|raw| port(raw.number, &at.key("port.number"), report));
    let subset = raw
        .and_then(|raw| raw.subset.as_deref())
        .filter(|subset| !subset.is_empty());
    let mut name = host.clone();
    for part in [
        number.map(|number| number.to_string()),
        subset.map(ToOwned::to_owned),
    ]
    .into_iter()
    .flatten()
    {
        name.push(':');
        name.push_str(&part);
    }
    let found = place
        .upstreams
        .find(&host, number, place.server_port, subset, report);
    match found {
        Err(Missing::Host) => report.warn(
            &at.key("host"),
            format!("{host}: no ServiceEntry defines it, so requests get 503; a Kubernetes Service needs a ServiceEntry here"),
        ),
        Err(Missing::Port(number)) => {
            report.warn(&at.key("port"), format!("{host} has no port {number}: requests get 503"));
        }
        Err(Missing::Subset) => report.warn(
            &at.key("subset"),
            format!("{}: no DestinationRule for {host} defines it, so requests get 503", subset.unwrap_or("")),
        ),
        Ok(_) => {}
    }
    (name.into(), found.ok())
}
