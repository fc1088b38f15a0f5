//! `/clusters`: every upstream and its endpoints as they are at this moment, as text line by line in the
//! manner of Envoy, or as JSON (`?format=json`).

use std::fmt::Write;

use serde_json::{Value, json};

use crate::runtime::Runtime;
use crate::upstream::{Cluster, Endpoint};

/// Lines of `upstream::key::value` and `upstream::endpoint::key::value`.
pub(super) fn text(runtime: &Runtime) -> String {
    let mut out = String::new();
    for cluster in &runtime.clusters {
        let name = &cluster.name;
        for (key, value) in facts(cluster) {
            // writing to a String cannot fail
            let _ = writeln!(out, "{name}::{key}::{value}");
        }
        for endpoint in cluster.known_endpoints().iter() {
            let address = &endpoint.text;
            for (key, value) in facts_of(endpoint) {
                let _ = writeln!(out, "{name}::{address}::{key}::{}", plain(&value));
            }
        }
    }
    out
}

/// The same as JSON.
pub(super) fn json(runtime: &Runtime) -> Value {
    let clusters = runtime.clusters.iter().map(|cluster| {
        let endpoints: Vec<Value> = cluster
            .known_endpoints()
            .iter()
            .map(|endpoint| {
                let facts = facts_of(endpoint).into_iter();
                let address = ("address".to_owned(), Value::from(&*endpoint.text));
                let facts = facts.map(|(key, value)| (key.to_owned(), value));
                Value::Object(std::iter::once(address).chain(facts).collect())
            })
            .collect();
        let facts = facts(cluster).into_iter();
        let facts = facts.map(|(key, value)| (key.to_owned(), Value::from(value)));
        let more = [
            ("name".to_owned(), Value::from(&*cluster.name)),
            ("endpoints".to_owned(), Value::from(endpoints)),
        ];
        Value::Object(more.into_iter().chain(facts).collect())
    });
    json!({"clusters": clusters.collect::<Vec<_>>()})
}

fn facts(cluster: &Cluster) -> Vec<(&'static str, String)> {
    let limits = &cluster.spec.limits;
    let bound = |bound: Option<u32>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
    let tls = match (&cluster.tls, cluster.is_mutual()) {
        (None, _) => "none",
        (Some(_), false) => "simple",
        (Some(_), true) => "mutual",
    };
    vec![
        ("tls", tls.to_owned()),
        ("rq_active", cluster.limits.active().to_string()),
        ("max_connections", bound(limits.max_connections)),
        ("max_pending_requests", bound(limits.max_pending)),
        ("max_requests", bound(limits.max_requests)),
        ("max_retries", bound(limits.max_retries)),
    ]
}

fn facts_of(endpoint: &Endpoint) -> Vec<(&'static str, Value)> {
    let (idle, shared) = endpoint.pool.counts();
    let ejected = endpoint.health.is_ejected();
    let health = if ejected {
        "/failed_outlier_check"
    } else {
        "healthy"
    };
    vec![
        ("health_flags", health.into()),
        ("weight", endpoint.weight.into()),
        ("rq_active", endpoint.active().into()),
        ("cx_idle_http1", idle.into()),
        ("cx_http2", shared.into()),
    ]
}

/// A text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
