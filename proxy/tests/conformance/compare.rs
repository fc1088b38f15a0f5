//! Whether an answer is the recorded one, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::answer::{Answer, Headers, Outcome};

/// One field in which the proxy differs from the recording.
pub(crate) struct Difference {
    pub(crate) field: String,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Every difference between the recorded answer and the one that came.
pub(crate) fn compare(expected: &Answer, got: &Answer) -> Vec<Difference> {
    let mut found = Differences::default();
    if let Some(counts) = &expected.counts {
        found.counts(counts, got.counts.as_ref().unwrap_or(&BTreeMap::new()), got.exact);
        return found.0;
    }
    if expected.outcome != got.outcome {
        found.0.push(Difference {
            field: "outcome".into(),
            expected: outcome(expected),
            got: outcome(got),
        });
    } else if is_codecs_400(expected) && got.status == Some(400) {
        found.field("statuses", &expected.statuses, &got.statuses);
        found.field("closed", &expected.closed, &got.closed);
    } else if expected.outcome == Outcome::Response {
        found.response(expected, got);
    }
    if let (Some(e), Some(g)) = (expected.elapsed_ms, got.elapsed_ms)
        && e.abs_diff(g) > (e / 2).max(250)
    {
        found.field("elapsed_ms", &e, &g);
    }
    // a request that a codec refuses may have no line, here or there
    if expected.flags.is_some() && (got.flags.is_some() || expected.flags.as_deref() != Some("-")) {
        found.field("flags", &expected.flags, &got.flags);
    }
    found.seen(expected, got);
    found.0
}

/// The words of the codec's own refusal are nobody's interface.
fn is_codecs_400(answer: &Answer) -> bool {
    answer.status == Some(400) && answer.body.as_deref() == Some("Bad Request")
}

fn outcome(answer: &Answer) -> String {
    match answer.outcome {
        Outcome::Response => {
            format!(
                "{} {}",
                answer.status.unwrap_or_default(),
                text(answer.body.as_deref().unwrap_or_default())
            )
        }
        Outcome::NoHttp => format!("no HTTP ({})", answer.detail.as_deref().unwrap_or("?")),
    }
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn response(&mut self, expected: &Answer, got: &Answer) {
        self.field("status", &expected.status, &got.status);
        self.field("statuses", &expected.statuses, &got.statuses);
        self.field("closed", &expected.closed, &got.closed);
        self.field("body", &expected.body, &got.body);
        self.field("truncated", &expected.truncated, &got.truncated);
        self.field("trailers", &expected.trailers, &got.trailers);
        self.field("interim", &expected.interim, &got.interim);
        self.field("alpn", &expected.alpn, &got.alpn);
        self.field("tls", &expected.tls, &got.tls);
        self.field("server_cert", &expected.server_cert, &got.server_cert);
        self.headers("headers", &expected.headers, &got.headers, &["date"]);
    }

    fn seen(&mut self, expected: &Answer, got: &Answer) {
        let upstreams = |answer: &Answer| answer.seen.iter().map(|s| s.upstream.clone()).collect::<Vec<_>>();
        self.field("seen (upstreams)", &upstreams(expected), &upstreams(got));
        for (i, (e, g)) in expected.seen.iter().zip(&got.seen).enumerate() {
            self.field(&format!("seen[{i}].http"), &e.http, &g.http);
            self.field(&format!("seen[{i}].method"), &e.method, &g.method);
            self.field(&format!("seen[{i}].target"), &e.target, &g.target);
            self.field(&format!("seen[{i}].body"), &e.body, &g.body);
            self.field(&format!("seen[{i}].tls"), &e.tls, &g.tls);
            self.headers(
                &format!("seen[{i}].headers"),
                &e.headers,
                &g.headers,
                &OF_TELEMETRY,
            );
        }
    }

    fn field<T: PartialEq + Serialize>(&mut self, field: &str, expected: &T, got: &T) {
        if expected != got {
            self.0.push(Difference {
                field: field.to_owned(),
                expected: text(expected),
                got: text(got),
            });
        }
    }

    /// The values of each name, in order; the order of different names is nobody's business (RFC 9110 §5.3).
    fn headers(&mut self, field: &str, expected: &Headers, got: &Headers, not_compared: &[&str]) {
        let names: BTreeSet<_> = expected
            .iter()
            .chain(got)
            .map(|(name, _)| name.as_str())
            .collect();
        for name in names.into_iter().filter(|name| !not_compared.contains(name)) {
            let values = |of: &Headers| -> Option<Vec<String>> {
                let values: Vec<_> = of
                    .iter()
                    .filter(|(n, _)| n == name)
                    .map(|(_, v)| v.clone())
                    .collect();
                (!values.is_empty()).then_some(values)
            };
            self.field(&format!("{field}.{name}"), &values(expected), &values(got));
        }
    }

    /// Shares of a random choice agree within 4.5 standard deviations; all, none and `exact` are no chance.
    fn counts(&mut self, expected: &BTreeMap<String, u64>, got: &BTreeMap<String, u64>, exact: bool) {
        let total = expected.values().sum::<u64>() as f64;
        for key in expected.keys().chain(got.keys()).collect::<BTreeSet<_>>() {
            let [e, g] = [expected, got].map(|counts| counts.get(key).copied().unwrap_or(0) as f64);
            let certain = exact || [e, g].iter().all(|n| *n == 0.0 || *n == total);
            let share = e.max(1.0) / total;
            let slack = if certain {
                0.0
            } else {
                4.5 * (2.0 * total * share * (1.0 - share)).sqrt() + 1.0
            };
            let never_on_one_side = (e == 0.0) != (g == 0.0) && e.max(g) > 4.0;
            if (e - g).abs() > slack || never_on_one_side {
                self.0.push(Difference {
                    field: format!("counts[{key}]"),
                    expected: e.to_string(),
                    got: g.to_string(),
                });
            }
        }
    }
}

/// As JSON, short enough for a terminal.
fn text<T: Serialize + ?Sized>(value: &T) -> String {
    let json = serde_json::to_string(value).unwrap_or_else(|e| format!("<{e}>"));
    match json.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", &json[..end], json.len()),
        None => json,
    }
}

const LONGEST_SHOWN: usize = 300;

/// What either side may add for tracing, and Istio's exchange of workload metadata.
const OF_TELEMETRY: [&str; 10] = [
    "traceparent",
    "tracestate",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-cloud-trace-context",
    "x-envoy-decorator-operation",
    "x-envoy-peer-metadata",
    "x-envoy-peer-metadata-id",
];
