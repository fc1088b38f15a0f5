//! A line of a request table. README.md says what each key means.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// What to send and how.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) name: String,
    #[serde(default = "first_plain_listener")]
    pub(crate) to: u16,
    #[serde(default = "http_1_1")]
    pub(crate) http: String,
    #[serde(default = "get")]
    pub(crate) method: String,
    #[serde(default = "root")]
    pub(crate) path: String,
    #[serde(default = "web_test")]
    pub(crate) host: Option<String>,
    #[serde(default)]
    pub(crate) headers: Headers,
    #[serde(default)]
    pub(crate) body: Body,
    pub(crate) jwt: Option<String>,
    pub(crate) tls: Option<Tls>,
    pub(crate) raw: Option<OneOrMany>,
    /// How long a raw request waits for more, in seconds.
    #[serde(default = "one_and_a_half")]
    pub(crate) wait: f64,
    pub(crate) up: Option<String>,
    pub(crate) repeat: Option<usize>,
    pub(crate) parallel: Option<usize>,
    #[serde(default)]
    pub(crate) stagger_ms: u64,
    #[serde(default)]
    pub(crate) exact: bool,
    #[serde(default)]
    pub(crate) sleep_ms: u64,
    #[serde(default)]
    pub(crate) settle_ms: u64,
    /// In seconds.
    #[serde(default = "ten")]
    pub(crate) timeout: f64,
    #[serde(default)]
    pub(crate) time: bool,
    #[serde(default)]
    pub(crate) unordered: bool,
    #[serde(default = "loopback_2")]
    pub(crate) from: IpAddr,
}

impl Request {
    /// Whether its line of the access log can be told: it is sent once, as HTTP, and one more header
    /// changes nothing.
    pub(crate) fn is_logged(&self) -> bool {
        let once = self.repeat.or(self.parallel).is_none();
        let size: usize = self
            .headers
            .0
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        once && self.raw.is_none() && self.headers.0.len() < 50 && size < 10_000
    }
}

/// How the client does TLS.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) sni: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) alpn: Option<Vec<String>>,
    pub(crate) min: Option<String>,
    pub(crate) max: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Body {
    Text(String),
    Size { size: usize },
}

impl Body {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Size { size } => vec![b'y'; *size],
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// Header lines in the order of the table: a map, whose values may be lists, or a list of pairs.
#[derive(Clone, Default)]
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;
        impl<'de> Visitor<'de> for Lines {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of headers or a list of pairs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut lines = Vec::new();
                while let Some((name, values)) = map.next_entry::<String, OneOrMany>()? {
                    lines.extend(values.into_vec().into_iter().map(|value| (name.clone(), value)));
                }
                Ok(Headers(lines))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Headers, A::Error> {
                let mut lines = Vec::new();
                while let Some(pair) = pairs.next_element()? {
                    lines.push(pair);
                }
                Ok(Headers(lines))
            }
        }
        deserializer.deserialize_any(Lines)
    }
}

fn first_plain_listener() -> u16 {
    FIRST_PLAIN_LISTENER
}

fn http_1_1() -> String {
    "1.1".into()
}

fn get() -> String {
    "GET".into()
}

fn root() -> String {
    "/".into()
}

#[expect(clippy::unnecessary_wraps, reason = "`null` is another value than none given")]
fn web_test() -> Option<String> {
    Some("web.test".into())
}

fn one_and_a_half() -> f64 {
    1.5
}

fn ten() -> f64 {
    10.0
}

fn loopback_2() -> IpAddr {
    Ipv4Addr::new(127, 0, 0, 2).into()
}

/// Where a request goes that does not say where.
pub(crate) const FIRST_PLAIN_LISTENER: u16 = 31080;
