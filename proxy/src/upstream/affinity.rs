//! What consistent hashing goes by: a header, a cookie, the client's address, a query parameter. Pure.

use std::fmt::Write as _;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::hash::xxh64;
use crate::downstream::Downstream;
use crate::plan::upstream::HashKey;

/// A request's key, and the cookie that keeps it, if that had to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Affinity {
    /// None = any endpoint.
    pub(crate) hash: Option<u64>,
    /// For the answer.
    pub(crate) cookie: Option<HeaderValue>,
}

/// The key of a request as it is sent on; `query` is without its question mark.
pub(crate) fn of(
    key: &HashKey,
    headers: &HeaderMap,
    query: Option<&str>,
    downstream: &Downstream,
) -> Affinity {
    let hash = match key {
        HashKey::Header(name) => {
            let mut values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
            values.sort_unstable();
            let hash = values.iter().fold(0, |hash, value| xxh64(value, hash));
            (!values.is_empty()).then_some(hash)
        }
        HashKey::SourceIp => Some(xxh64(downstream.remote.ip().to_string().as_bytes(), 0)),
        HashKey::Query(name) => parameter(query, name).map(|value| xxh64(value.as_bytes(), 0)),
        HashKey::Cookie { name, path, ttl } => {
            let value = cookie(headers, name).filter(|value| !value.is_empty());
            match (value, ttl) {
                (Some(value), _) => Some(xxh64(value, 0)),
                (None, None) => None,
                (None, Some(ttl)) => {
                    let peers = format!("{}{}", downstream.remote, downstream.local);
                    let value = format!("{:016x}", xxh64(peers.as_bytes(), 0));
                    return Affinity {
                        hash: Some(xxh64(value.as_bytes(), 0)),
                        cookie: made(name, &value, ttl.as_secs(), path),
                    };
                }
            }
        }
    };
    Affinity { hash, cookie: None }
}

fn made(name: &str, value: &str, ttl: u64, path: &str) -> Option<HeaderValue> {
    let mut text = format!("{name}=\"{value}\"");
    if ttl > 0 {
        let _ = write!(text, "; Max-Age={ttl}");
    }
    if !path.is_empty() {
        let _ = write!(text, "; Path={path}");
    }
    text.push_str("; HttpOnly");
    text.parse().ok()
}

/// The first of that name, as it was sent; nothing is decoded.
fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    query?.split('&').find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        (key == name).then_some(value)
    })
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let pairs = headers.get_all(COOKIE).into_iter();
    let mut pairs = pairs.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let value = &pair[at + 1..];
        let value = value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""))
            .unwrap_or(value);
        (&pair[..at] == name.as_bytes()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::{Affinity, of};
    use crate::downstream::Downstream;
    use crate::plan::upstream::HashKey;
    use crate::upstream::hash::xxh64;

    fn asked(key: &HashKey, headers: &[(&'static str, &str)], query: Option<&str>) -> Affinity {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let downstream = Downstream::new(([127, 0, 0, 9], 4000).into(), ([127, 0, 0, 1], 80).into(), 80);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: http::HeaderName = name;
            map.append(name, value);
        }
        of(key, &map, query, &downstream)
    }

    #[test]
    fn each_kind_of_key_is_hashed_as_it_was_sent() {
        let header = HashKey::Header("x-user".parse().unwrap());
        let query = HashKey::Query("user".into());
        let cookie = HashKey::Cookie {
            name: "user".into(),
            path: "".into(),
            ttl: None,
        };
        let hash = |text: &str| Some(xxh64(text.as_bytes(), 0));
        let both = Some(xxh64(b"b", xxh64(b"a", 0)));
        type Case<'a> = (
            &'a HashKey,
            &'a [(&'static str, &'a str)],
            Option<&'a str>,
            Option<u64>,
        );
        let cases: [Case<'_>; 12] = [
            (&header, &[("x-user", "a")], None, hash("a")),
            (&header, &[("x-user", "")], None, hash("")),
            (&header, &[("x-user", "b"), ("x-user", "a")], None, both),
            (&header, &[], None, None),
            (&query, &[], Some("a=b&user=%41&user=c"), hash("%41")),
            (&query, &[], Some("user"), hash("")),
            (&query, &[], Some("users=a"), None),
            (&query, &[], None, None),
            (&cookie, &[("cookie", "a=b; user=\"c\"")], None, hash("c")),
            (&cookie, &[("cookie", "user=")], None, None),
            (&cookie, &[], None, None),
            (&HashKey::SourceIp, &[], None, hash("127.0.0.9")),
        ];
        for (key, headers, query, wanted) in cases {
            assert_eq!(
                asked(key, headers, query).hash,
                wanted,
                "{key:?} {headers:?} {query:?}"
            );
        }
    }

    #[test]
    fn a_cookie_is_made_where_one_may_be_and_none_is_there() {
        let value = format!("{:016x}", xxh64(b"127.0.0.9:4000127.0.0.1:80", 0));
        for (ttl, path, attributes) in [(0, "", ""), (60, "/shop", "; Max-Age=60; Path=/shop")] {
            let key = HashKey::Cookie {
                name: "user".into(),
                path: path.into(),
                ttl: Some(Duration::from_secs(ttl)),
            };
            let made = asked(&key, &[], None);
            assert_eq!(made.hash, Some(xxh64(value.as_bytes(), 0)));
            assert_eq!(
                made.cookie.unwrap(),
                format!("user=\"{value}\"{attributes}; HttpOnly")
            );
            let kept = asked(&key, &[("cookie", "user=x")], None);
            assert_eq!((kept.hash, kept.cookie), (Some(xxh64(b"x", 0)), None));
        }
    }
}
