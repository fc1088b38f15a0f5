//! What is made of a request on receipt; hygiene and operations in files of their own.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version};

use super::*;
use crate::downstream::{Downstream, Peer};
use crate::format::{Answer, FormatContext, HeaderFormat};
use crate::head::{Head, Scheme};
use crate::plan::PathNormalization;
use crate::plan::route::{Action, Destination, Forward, HeaderOperations, Headers, RequestMatch};

mod hygiene;
mod operations;

fn downstream(tls: bool) -> Downstream {
    let peer = Peer {
        forwarded: "Hash=00;Subject=\"CN=proxy\";URI=spiffe://acme.internal/ns/x/sa/proxy".into(),
        ..Peer::default()
    };
    Downstream::example(tls.then_some(("web.test", Some(peer))))
}

/// A request as the codec reads it. `;` separates the lines of one header.
fn request(version: Version, method: &str, target: &str, headers: &[(&str, &str)]) -> http::request::Parts {
    let mut request = Request::builder().version(version).method(method).uri(target);
    for (name, value) in headers {
        for line in value.split(';') {
            request = request.header(*name, line.as_bytes());
        }
    }
    request.body(()).unwrap().into_parts().0
}

fn got(headers: &[(&str, &str)], hops: usize) -> Result<Received, Refused> {
    let mut all = vec![("host", "web.test")];
    all.extend(headers);
    let parts = request(Version::HTTP_11, "GET", "/", &all);
    receive(parts, &downstream(false), hops, PathNormalization::Base)
}

fn head(headers: &[(&str, &str)]) -> Head {
    got(headers, 0).unwrap().head
}

fn lines(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect()
}

/// What is left of the headers, without those that every request gets.
fn rest(headers: &HeaderMap) -> Vec<String> {
    const EACH: [&str; 6] = [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-request-id",
        "x-envoy-external-address",
        "x-envoy-attempt-count",
        "x-forwarded-client-cert",
    ];
    let mut rest: Vec<String> = headers
        .iter()
        .filter(|(name, _)| !EACH.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    rest.sort();
    rest
}

fn forward(destinations: Vec<Destination>, headers: Headers) -> Forward {
    Forward {
        destinations,
        timeout: None,
        retry: None,
        path_rewrite: None,
        authority_rewrite: None,
        headers,
        cors: None,
        fault: None,
        mirrors: Vec::new(),
    }
}

fn destination(headers: Headers) -> Destination {
    Destination {
        weight: 1,
        upstream: Some(0),
        name: "a.test:80".into(),
        headers,
        authority: None,
        hash: None,
    }
}

#[test]
fn a_request_is_told_who_sent_it() {
    let head = head(&[]);
    assert_eq!(rest(&head.headers), Vec::<String>::new());
    assert_eq!(head.authority, "web.test");
    assert_eq!(head.headers["x-forwarded-for"], "127.0.0.2");
    assert_eq!(head.headers["x-forwarded-proto"], "http");
    assert_eq!(head.headers["x-envoy-external-address"], "127.0.0.2");
    assert_eq!(head.client.to_string(), "127.0.0.2");
    let id = head.headers["x-request-id"].to_str().unwrap();
    assert_eq!((id.len(), &id[14..15]), (36, "4"), "{id}");
    assert!("89ab".contains(&id[19..20]), "{id}");
}

/// `x-forwarded-for` as sent, what the upstream gets, and the client with 0, 1 and 2 trusted hops.
#[test]
fn the_client_is_counted_from_the_right_by_trusted_hops() {
    let peer = "127.0.0.2";
    for (sent, passed, clients) in [
        (
            "203.0.113.1",
            "203.0.113.1,127.0.0.2",
            [peer, "203.0.113.1", peer],
        ),
        (
            "203.0.113.1, 198.51.100.2",
            "203.0.113.1, 198.51.100.2,127.0.0.2",
            [peer, "198.51.100.2", "203.0.113.1"],
        ),
        (
            "203.0.113.1;198.51.100.2",
            "203.0.113.1,198.51.100.2,127.0.0.2",
            [peer, "198.51.100.2", "203.0.113.1"],
        ),
        (
            "203.0.113.1:5000",
            "203.0.113.1:5000,127.0.0.2",
            [peer, peer, peer],
        ),
        (
            "2001:db8::1, 2001:db8::2",
            "2001:db8::1, 2001:db8::2,127.0.0.2",
            [peer, "2001:db8::2", "2001:db8::1"],
        ),
        ("[2001:db8::1]", "[2001:db8::1],127.0.0.2", [peer, peer, peer]),
        ("unknown, ,x", "unknown, ,x,127.0.0.2", [peer, peer, peer]),
        ("203.0.113.1,,", "203.0.113.1,,,127.0.0.2", [peer, peer, peer]),
        ("", "127.0.0.2", [peer, peer, peer]),
        (
            "10.0.0.5, 10.0.0.6",
            "10.0.0.5, 10.0.0.6,127.0.0.2",
            [peer, "10.0.0.6", "10.0.0.5"],
        ),
    ] {
        for (hops, client) in clients.into_iter().enumerate() {
            let head = got(&[("x-forwarded-for", sent)], hops).unwrap().head;
            assert_eq!(lines(&head.headers, "x-forwarded-for"), [passed], "{sent}");
            assert_eq!(head.headers["x-envoy-external-address"], client, "{sent} {hops}");
            assert_eq!(head.client.to_string(), client, "{sent} {hops}");
        }
    }
}

#[test]
fn the_scheme_is_the_connections_or_a_trusted_proxys_word() {
    let claimed = |text: &str| Scheme::Claimed(text.into());
    for (sent, hops, passed, scheme) in [
        ("https", 0, "http", Scheme::Http),
        ("https", 1, "https", Scheme::Https),
        ("HTTPS", 1, "HTTPS", claimed("HTTPS")),
        ("gopher", 1, "gopher", claimed("gopher")),
        ("https;http", 1, "https,http", claimed("https,http")),
    ] {
        let head = got(&[("x-forwarded-proto", sent)], hops).unwrap().head;
        assert_eq!(lines(&head.headers, "x-forwarded-proto"), [passed]);
        assert_eq!(head.scheme, scheme, "{sent}");
    }
    assert_eq!(got(&[("x-forwarded-proto", "")], 1).unwrap_err().status, 404);
    let parts = request(
        Version::HTTP_2,
        "GET",
        "http://web.test/",
        &[("x-forwarded-proto", "https")],
    );
    let head = receive(parts, &downstream(false), 1, PathNormalization::Base)
        .unwrap()
        .head;
    assert_eq!(
        (head.scheme, lines(&head.headers, "x-forwarded-proto")),
        (Scheme::Http, vec!["https".into()])
    );
}

/// Target, Host lines, and the Host and target that are served, or status and body.
#[test]
fn host_and_target_are_read_as_rfc_9112_says() {
    let bad = Err((400, "Bad Request"));
    for (method, target, host, expected) in [
        ("GET", "/", Some("WEB.Test:31080"), Ok(("WEB.Test:31080", "/"))),
        ("GET", "/", Some(""), Ok(("", "/"))),
        ("GET", "/", None, Err((400, ""))),
        (
            "GET",
            "/",
            Some("other.test;web.test"),
            Ok(("other.test,web.test", "/")),
        ),
        ("GET", "/", Some("u@web.test"), Ok(("u@web.test", "/"))),
        ("GET", "/", Some("we_b%2etest"), Ok(("we_b%2etest", "/"))),
        ("GET", "/", Some("web test"), bad),
        ("GET", "/", Some("web.test/x"), bad),
        ("GET", "/", Some("web.test, other.test"), bad),
        ("GET", "/", Some("web.test#x?y"), bad),
        ("GET", "/", Some("<web\"test>"), bad),
        ("GET", "/", Some("wüb.test"), bad),
        (
            "GET",
            "http://web.test:99/x/../y?z",
            Some("other.test"),
            Ok(("web.test:99", "/y?z")),
        ),
        ("GET", "http://web.test/x", None, Ok(("web.test", "/x"))),
        ("GET", "http://web.test", Some(""), Ok(("web.test", "/"))),
        ("GET", "http://u:p@web.test/x", Some("a"), Ok(("web.test", "/x"))),
        ("GET", "HTTP://WEB.TEST/x", Some("a"), Ok(("WEB.TEST", "/x"))),
        ("GET", "http://web.test?x", Some("a"), Err((404, ""))),
        ("GET", "https://web.test/x", Some("a"), Err((403, "Forbidden"))),
        ("GET", "ftp://web.test/x", Some("a"), bad),
        ("GET", "//web.test/x", Some("a"), Ok(("a", "//web.test/x"))),
        ("OPTIONS", "*", Some("a"), Err((404, ""))),
        ("GET", "*", Some("a"), bad),
        ("CONNECT", "web.test:443", Some("a"), Err((404, ""))),
        ("CONNECT", "/", Some("a"), bad),
        ("GET", "/a%00b", Some("a"), Err((400, ""))),
    ] {
        let headers: Vec<_> = host.map(|host| ("host", host)).into_iter().collect();
        let parts = request(Version::HTTP_11, method, target, &headers);
        let found = receive(parts, &downstream(false), 0, PathNormalization::Base);
        let found = found.map(|found| (found.head.host().to_owned(), found.head.target.to_string()));
        let found = found.map_err(|refused| (refused.status.as_u16(), refused.body));
        let expected = expected.map(|(host, target)| (host.to_owned(), target.to_owned()));
        assert_eq!(found, expected, "{method} {target} {host:?}");
    }
    let old = request(Version::HTTP_10, "GET", "/", &[("host", "a")]);
    let refused = receive(old, &downstream(false), 0, PathNormalization::Base).unwrap_err();
    assert_eq!(
        (refused.status.as_u16(), refused.body, refused.close),
        (426, "Upgrade Required", true)
    );
}

#[test]
fn known_headers_have_one_value_and_others_keep_their_lines() {
    let head = head(&[
        ("accept", "a;b"),
        ("authorization", "Basic x;Bearer y"),
        ("accept-language", "en;de"),
        ("cookie", "a=1;b=2"),
        ("x-rep", "a;b, c;"),
    ]);
    assert_eq!(lines(&head.headers, "accept"), ["a,b"]);
    assert_eq!(lines(&head.headers, "authorization"), ["Basic x,Bearer y"]);
    assert_eq!(lines(&head.headers, "accept-language"), ["en", "de"]);
    assert_eq!(lines(&head.headers, "cookie"), ["a=1", "b=2"]);
    assert_eq!(lines(&head.headers, "x-rep"), ["a", "b, c", ""]);
    let parts = request(
        Version::HTTP_2,
        "GET",
        "http://web.test/",
        &[("cookie", "a=1;b=2")],
    );
    let head = receive(parts, &downstream(false), 0, PathNormalization::Base)
        .unwrap()
        .head;
    assert_eq!(lines(&head.headers, "cookie"), ["a=1; b=2"]);
}
