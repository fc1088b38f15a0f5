//! What a request got, and what the upstreams saw of it: the same shape recorded and now.

use std::collections::BTreeMap;
use std::net::{IpAddr, UdpSocket};

use serde::{Deserialize, Serialize};

use crate::material::{Material, sha256};
use crate::wire::to_text;

/// A line of `answers.json`; keys that are there for information only are not read.
#[derive(Default, Deserialize)]
pub(crate) struct Answer {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) headers: Headers,
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) truncated: bool,
    pub(crate) trailers: Option<Headers>,
    pub(crate) interim: Option<Vec<u16>>,
    pub(crate) server_cert: Option<String>,
    pub(crate) alpn: Option<String>,
    pub(crate) tls: Option<String>,
    pub(crate) statuses: Option<Vec<u16>>,
    pub(crate) closed: Option<bool>,
    pub(crate) elapsed_ms: Option<u64>,
    #[serde(default)]
    pub(crate) seen: Vec<Seen>,
    /// Envoy's response flags of the access log; none when no line was found.
    pub(crate) flags: Option<String>,
    /// How often each "status body" came, of a repeated request; nothing else is recorded then.
    pub(crate) counts: Option<BTreeMap<String, u64>>,
    /// The counts are no matter of chance.
    #[serde(skip)]
    pub(crate) exact: bool,
    /// Why there was no HTTP answer, for the reader.
    pub(crate) detail: Option<String>,
}

pub(crate) type Headers = Vec<(String, String)>;

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Response,
    #[default]
    NoHttp,
}

/// One attempt, as an upstream saw it.
#[derive(Clone, Deserialize)]
pub(crate) struct Seen {
    pub(crate) upstream: String,
    pub(crate) http: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Headers,
    pub(crate) body: Option<String>,
    pub(crate) tls: Option<SeenTls>,
}

/// The TLS connection an attempt came over.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct SeenTls {
    pub(crate) sni: Option<String>,
    pub(crate) alpn: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) client: Option<Vec<String>>,
}

impl Answer {
    /// With the tokens and certificates in place of their names.
    pub(crate) fn filled(mut self, material: &Material) -> Self {
        let fill = |headers: &mut Headers| {
            for (_, value) in headers {
                *value = material.fill(value);
            }
        };
        fill(&mut self.headers);
        for seen in &mut self.seen {
            seen.target = material.fill(&seen.target);
            fill(&mut seen.headers);
        }
        self
    }
}

impl Seen {
    /// Whether it is a mirrored copy.
    pub(crate) fn is_copy(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == "x-envoy-internal")
    }

    /// As it is compared: names in lower case, without what steers the upstream, masked.
    pub(crate) fn masked(mut self) -> Self {
        for (name, _) in &mut self.headers {
            name.make_ascii_lowercase();
        }
        self.headers
            .retain(|(name, _)| !STEERING.contains(&name.as_str()));
        // on a retry the rest of the timeout is announced, which depends on how long the first attempt took
        let attempt = self
            .headers
            .iter()
            .find(|(name, _)| name == "x-envoy-attempt-count");
        if attempt.is_some_and(|(_, count)| count != "1") {
            for (name, value) in &mut self.headers {
                if ["x-envoy-expected-rq-timeout-ms", "grpc-timeout"].contains(&name.as_str()) {
                    *value = "<ms>".into();
                }
            }
        }
        // a mirrored copy is forwarded for the gateway itself, whatever address that has here
        if self
            .headers
            .iter()
            .any(|(name, value)| name == "x-envoy-internal" && value == "true")
        {
            self.headers
                .iter_mut()
                .filter(|(name, _)| name == "x-forwarded-for")
                .for_each(|(_, value)| mask_own(value));
        }
        self.headers = masked(self.headers);
        self
    }
}

fn mask_own(forwarded_for: &mut String) {
    if let Some((before, last)) = forwarded_for.rsplit_once(',')
        && last
            .parse()
            .is_ok_and(|address: IpAddr| UdpSocket::bind((address, 0)).is_ok())
    {
        *forwarded_for = format!("{before},<own>");
    }
}

/// Headers sorted by name, with a mask for each value that differs from run to run.
pub(crate) fn masked(mut headers: Headers) -> Headers {
    for (name, value) in &mut headers {
        match name.as_str() {
            "date" => *value = "<date>".into(),
            "x-request-id" if is_uuid(value) => *value = "<uuid>".into(),
            "x-envoy-upstream-service-time" => *value = "<ms>".into(),
            "set-cookie" => mask_affinity(value),
            _ => {}
        }
    }
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers
}

/// A body as it is recorded: long ones by length and digest.
pub(crate) fn body(bytes: &[u8], limit: usize) -> String {
    if bytes.len() <= limit {
        to_text(bytes)
    } else {
        format!("<{} bytes, sha256 {}>", bytes.len(), &sha256(bytes)[..16])
    }
}

fn is_uuid(value: &str) -> bool {
    let lower_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<_> = value.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| lower_hex(part))
}

/// The value of a generated affinity cookie is a hash in quotes.
fn mask_affinity(value: &mut String) {
    let hash = value
        .split('"')
        .nth(1)
        .filter(|h| h.len() == 16 && h.bytes().all(|b| b.is_ascii_hexdigit()));
    if let Some(hash) = hash.map(str::to_owned) {
        *value = value.replace(&hash, "<hash>");
    }
}

/// Headers of the test itself: which case a request belongs to and what the upstream is to do.
const STEERING: [&str; 2] = ["x-case", "x-up"];
