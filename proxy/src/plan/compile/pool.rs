//! `connectionPool`, `loadBalancer`, `outlierDetection` and `retryBudget` of a DestinationRule.

use std::sync::Arc;
use std::time::Duration;

use crate::istio::destination_rule as raw;
use crate::istio::report::{At, Report};
use crate::plan::upstream::{Balance, HashKey, Keepalive, OutlierDetection, PoolLimits, Protocol};

use super::value::{NOT_IN_SUBSET, any_duration, count, duration, header_name, one_of, refuse};

/// Envoy's own bound on a ring.
const MAX_RING: u64 = 8_388_608;

/// Envoy's own bound on a Maglev table.
const MAX_TABLE: u64 = 5_000_011;

/// What `connectionPool` says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    /// TCP and TLS handshake.
    pub(crate) connect_timeout: Option<Duration>,
    /// Bounds.
    pub(crate) limits: PoolLimits,
    /// HTTP version, when it is not the port's.
    pub(crate) protocol: Option<Protocol>,
}

/// Reads `connectionPool`. 0 is no bound.
pub(crate) fn connections(pool: &raw::ConnectionPool, at: &At<'_>, report: &mut Report) -> Connections {
    if pool.tcp.is_none() && pool.http.is_none() {
        report.error(at, "tcp or http is needed");
    }
    let mut connections = Connections::default();
    if let Some(tcp) = &pool.tcp {
        tcp_settings(tcp, &mut connections, &at.key("tcp"), report);
    }
    if let Some(http) = &pool.http {
        http_settings(http, &mut connections, &at.key("http"), report);
    }
    connections
}

fn tcp_settings(tcp: &raw::TcpSettings, into: &mut Connections, at: &At<'_>, report: &mut Report) {
    into.connect_timeout = duration(tcp.connect_timeout.as_ref(), &at.key("connectTimeout"), report);
    let limits = &mut into.limits;
    limits.max_connections = bound(tcp.max_connections, &at.key("maxConnections"), report);
    let key = at.key("idleTimeout");
    limits.idle_timeout = any_duration(tcp.idle_timeout.as_ref(), &key, report);
    let key = at.key("maxConnectionDuration");
    limits.max_connection_duration = duration(tcp.max_connection_duration.as_ref(), &key, report);
    if let Some(raw) = &tcp.tcp_keepalive {
        limits.keepalive = keepalive(raw, &at.key("tcpKeepalive"), report);
    }
}

/// Istio hands whole seconds to Envoy, for which a time or an interval of 0 switches keep-alive off; 0
/// probes are those of the system.
fn keepalive(raw: &raw::TcpKeepalive, at: &At<'_>, report: &mut Report) -> Option<Keepalive> {
    let seconds = |given: Option<Duration>| given.map(|given| Duration::from_secs(given.as_secs()));
    let keepalive = Keepalive {
        time: seconds(duration(raw.time.as_ref(), &at.key("time"), report)),
        interval: seconds(duration(raw.interval.as_ref(), &at.key("interval"), report)),
        probes: count(raw.probes, &at.key("probes"), report).filter(|probes| *probes > 0),
    };
    let off = [keepalive.time, keepalive.interval].contains(&Some(Duration::ZERO));
    (!off).then_some(keepalive)
}

fn http_settings(http: &raw::HttpSettings, into: &mut Connections, at: &At<'_>, report: &mut Report) {
    let limits = &mut into.limits;
    limits.max_pending = bound(
        http.http1_max_pending_requests,
        &at.key("http1MaxPendingRequests"),
        report,
    );
    limits.max_requests = bound(http.http2_max_requests, &at.key("http2MaxRequests"), report);
    let key = at.key("maxRequestsPerConnection");
    limits.max_requests_per_connection = bound(http.max_requests_per_connection, &key, report);
    limits.max_retries = bound(http.max_retries, &at.key("maxRetries"), report);
    limits.max_streams = bound(
        http.max_concurrent_streams,
        &at.key("maxConcurrentStreams"),
        report,
    );
    let key = at.key("idleTimeout");
    if let Some(timeout) = duration(http.idle_timeout.as_ref(), &key, report) {
        // wins over the one of tcp
        limits.idle_timeout = Some(timeout);
    }
    const POLICIES: [(&str, bool); 3] = [("DEFAULT", false), ("DO_NOT_UPGRADE", false), ("UPGRADE", true)];
    let policy = http.h2_upgrade_policy.as_ref();
    let upgrade = policy.and_then(|policy| one_of(policy, &POLICIES, &at.key("h2UpgradePolicy"), report));
    let as_client = http.use_client_protocol == Some(true);
    if upgrade == Some(true) && as_client {
        report.error(at, "h2UpgradePolicy: UPGRADE contradicts useClientProtocol");
    }
    if as_client {
        into.protocol = Some(Protocol::AsClient);
    } else if upgrade == Some(true) {
        into.protocol = Some(Protocol::Http2);
    }
}

/// A bound; 0 is none.
fn bound(number: Option<i64>, at: &At<'_>, report: &mut Report) -> Option<u32> {
    count(number, at, report).filter(|bound| *bound != 0)
}

/// Reads `loadBalancer`: how an endpoint is chosen, and by what if by a hash.
pub(crate) fn balance(
    raw: &raw::LoadBalancer,
    at: &At<'_>,
    report: &mut Report,
) -> (Balance, Option<Arc<HashKey>>) {
    refuse(
        raw.locality_lb_setting.as_ref(),
        &at.key("localityLbSetting"),
        NOT_IN_SUBSET,
        report,
    );
    refuse(raw.warmup.as_ref(), &at.key("warmup"), NOT_IN_SUBSET, report);
    refuse(
        raw.warmup_duration_secs.as_ref(),
        &at.key("warmupDurationSecs"),
        NOT_IN_SUBSET,
        report,
    );
    const WORDS: [(&str, Balance); 5] = [
        ("UNSPECIFIED", Balance::LeastRequest),
        ("LEAST_REQUEST", Balance::LeastRequest),
        ("LEAST_CONN", Balance::LeastRequest),
        ("ROUND_ROBIN", Balance::RoundRobin),
        ("RANDOM", Balance::Random),
    ];
    match (&raw.simple, &raw.consistent_hash) {
        (Some(_), Some(_)) => {
            report.error(at, "simple and consistentHash at the same time: one of them only");
            (Balance::default(), None)
        }
        (Some(simple), None) => {
            let words = WORDS.each_ref().map(|(word, balance)| (*word, balance));
            let balance = one_of(simple, &words, &at.key("simple"), report);
            (balance.cloned().unwrap_or_default(), None)
        }
        (None, Some(hash)) => consistent_hash(hash, &at.key("consistentHash"), report),
        (None, None) => (Balance::default(), None),
    }
}

fn consistent_hash(
    raw: &raw::ConsistentHash,
    at: &At<'_>,
    report: &mut Report,
) -> (Balance, Option<Arc<HashKey>>) {
    refuse(
        raw.minimum_ring_size.as_ref(),
        &at.key("minimumRingSize"),
        "deprecated; use ringHash",
        report,
    );
    let key = hash_key(raw, at, report).map(Arc::new);
    if raw.ring_hash.is_some() && raw.maglev.is_some() {
        report.error(at, "ringHash and maglev at the same time: one of them only");
    }
    let balance = match (&raw.maglev, &raw.ring_hash) {
        (Some(maglev), _) => {
            let at = at.key("maglev.tableSize");
            let size = maglev
                .table_size
                .map_or(Some(65_537), |size| u64::try_from(size).ok());
            let size = size.filter(|size| is_prime(*size));
            if size.is_none() {
                let size = maglev.table_size.unwrap_or(0);
                report.error(
                    &at,
                    format!("{size} is not possible: a prime up to {MAX_TABLE} is needed"),
                );
            }
            Balance::Maglev(size.unwrap_or(65_537))
        }
        (None, ring) => {
            let size = ring.as_ref().and_then(|ring| ring.minimum_ring_size);
            let size = count(size, &at.key("ringHash.minimumRingSize"), report).map_or(1024, u64::from);
            Balance::RingHash(size.min(MAX_RING))
        }
    };
    (balance, key)
}

fn hash_key(raw: &raw::ConsistentHash, at: &At<'_>, report: &mut Report) -> Option<HashKey> {
    let given = [
        raw.http_header_name.is_some(),
        raw.http_cookie.is_some(),
        raw.use_source_ip.is_some(),
        raw.http_query_parameter_name.is_some(),
    ];
    if given.iter().filter(|given| **given).count() > 1 {
        report.error(
            at,
            "one key only: httpHeaderName, httpCookie, useSourceIp or httpQueryParameterName",
        );
    }
    if let Some(name) = &raw.http_header_name {
        return header_name(name, &at.key("httpHeaderName"), report).map(HashKey::Header);
    }
    if let Some(cookie) = &raw.http_cookie {
        return cookie_key(cookie, &at.key("httpCookie"), report);
    }
    if let Some(name) = raw
        .http_query_parameter_name
        .as_ref()
        .filter(|name| !name.is_empty())
    {
        return Some(HashKey::Query(name.as_str().into()));
    }
    if raw.use_source_ip == Some(true) {
        return Some(HashKey::SourceIp);
    }
    report.error(
        at,
        "no key, so endpoints would be drawn at random; httpHeaderName, httpCookie, useSourceIp or httpQueryParameterName is needed",
    );
    None
}

fn cookie_key(raw: &raw::HttpCookie, at: &At<'_>, report: &mut Report) -> Option<HashKey> {
    refuse(
        raw.attributes.as_ref(),
        &at.key("attributes"),
        NOT_IN_SUBSET,
        report,
    );
    let name = raw.name.as_deref().unwrap_or("");
    let path = raw.path.as_deref().unwrap_or("");
    let is_clean = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_graphic() && !b";,\"\\".contains(&b))
    };
    if name.is_empty() || !is_clean(name) || name.contains('=') {
        report.error(
            &at.key("name"),
            format!("{name:?} is no name of a cookie (RFC 6265)"),
        );
        return None;
    }
    if !is_clean(path) {
        report.error(
            &at.key("path"),
            format!("{path:?} is no path of a cookie (RFC 6265)"),
        );
    }
    Some(HashKey::Cookie {
        name: name.into(),
        path: path.into(),
        ttl: any_duration(raw.ttl.as_ref(), &at.key("ttl"), report),
    })
}

fn is_prime(number: u64) -> bool {
    number > 2
        && number <= MAX_TABLE
        && number % 2 == 1
        && (3..)
            .step_by(2)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}

/// Reads `outlierDetection`.
pub(crate) fn outlier(raw: &raw::OutlierDetection, at: &At<'_>, report: &mut Report) -> OutlierDetection {
    refuse(
        raw.consecutive_errors.as_ref(),
        &at.key("consecutiveErrors"),
        "deprecated and without effect in Istio; use consecutive5xxErrors or consecutiveGatewayErrors",
        report,
    );
    let split = raw.split_external_local_origin_errors == Some(true);
    let local = count(
        raw.consecutive_local_origin_failures,
        &at.key("consecutiveLocalOriginFailures"),
        report,
    );
    if local.is_some() && !split {
        let at = at.key("consecutiveLocalOriginFailures");
        report.error(
            &at,
            "has an effect only with splitExternalLocalOriginErrors: true",
        );
    }
    if raw.max_ejection_percent.is_none() {
        report.warn(
            &at.key("maxEjectionPercent"),
            "missing, so 10: with fewer than ten endpoints none is ever ejected",
        );
    }
    OutlierDetection {
        consecutive_5xx: count(
            raw.consecutive_5xx_errors,
            &at.key("consecutive5xxErrors"),
            report,
        )
        .unwrap_or(5),
        consecutive_gateway: count(
            raw.consecutive_gateway_errors,
            &at.key("consecutiveGatewayErrors"),
            report,
        )
        .unwrap_or(0),
        consecutive_local: split.then_some(local.unwrap_or(5)),
        interval: duration(raw.interval.as_ref(), &at.key("interval"), report)
            .unwrap_or(Duration::from_secs(10)),
        base_ejection: duration(
            raw.base_ejection_time.as_ref(),
            &at.key("baseEjectionTime"),
            report,
        )
        .unwrap_or(Duration::from_secs(30)),
        max_ejection_percent: percent(raw.max_ejection_percent, &at.key("maxEjectionPercent"), report)
            .unwrap_or(10),
        min_health_percent: percent(raw.min_health_percent, &at.key("minHealthPercent"), report).unwrap_or(0),
    }
}

fn percent(number: Option<i64>, at: &At<'_>, report: &mut Report) -> Option<u32> {
    let number = number?;
    let percent = u32::try_from(number).ok().filter(|percent| *percent <= 100);
    if percent.is_none() {
        report.error(at, format!("{number} is no percentage; 0 to 100 are"));
    }
    percent
}

/// Reads `retryBudget`: per cent of the active requests, and the least number.
pub(crate) fn retry_budget(raw: &raw::RetryBudget, at: &At<'_>, report: &mut Report) -> (u32, u32) {
    let percent = raw.percent.unwrap_or(20.0);
    if !(0.0..=100.0).contains(&percent) {
        report.error(
            &at.key("percent"),
            format!("{percent} is no percentage; 0 to 100 are"),
        );
    }
    let least = count(raw.min_retry_concurrency, &at.key("minRetryConcurrency"), report);
    let least = least.filter(|least| *least != 0).unwrap_or(3);
    // a fraction of one per cent of the requests at a time is no meaningful bound
    (percent.clamp(0.0, 100.0).round() as u32, least)
}
