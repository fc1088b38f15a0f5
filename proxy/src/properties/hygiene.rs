//! Requests of a hostile client: what a policy saw is what is sent, and nothing of a client's hop or of
//! somebody else's word travels on.

use http::{HeaderMap, Method, Request, Version};

use super::hold;
use crate::downstream::Downstream;
use crate::headers::{Received, Timeouts, receive, towards_upstream};
use crate::plan::PathNormalization::{self, Base, DecodeAndMergeSlashes, MergeSlashes};
use crate::plan::route::{Destination, Forward, Headers, RequestMatch};

const SEGMENTS: [&str; 22] = [
    "/", "//", "/.", "/..", "/%2e", "/%2E%2e", "/.%2e", "%2f", "%2F", "%5c", "%5C", "\\", "/admin", "/ADMIN",
    "%61dmin", "/a", "%", "%4", ";x=..", "%25", "%252e", "?q=/../",
];

/// Whoever may not ask for `/admin` cannot ask for it by another spelling, nor by what is sent on.
#[test]
fn what_is_sent_upstream_is_what_was_decided_about() {
    hold(1_500, |draws| {
        let mode = [Base, MergeSlashes, DecodeAndMergeSlashes][draws.below(3)];
        let target = format!("/{}", draws.text(&SEGMENTS, 8));
        let Some((decided, sent)) = through(mode, &target, &[]) else {
            return;
        };
        assert_eq!(decided, sent.target, "{mode:?} {target}");
        let (again, _) = through(mode, &sent.target, &[]).expect("what was sent is fit to be received");
        assert_eq!(
            again, decided,
            "{mode:?} {target}: the next proxy decides about another path"
        );
    });
}

const NAMES: [&str; 34] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "trailer",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-client-cert",
    "x-forwarded-port",
    "x-request-id",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-retry-on",
    "x-envoy-max-retries",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-original-path",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-hedge-on-per-try-timeout",
    "x-serverless-authorization",
    "authorization",
    "cookie",
    "forwarded",
    "x-real-ip",
    "x-b",
    "x-c",
    "x-envoy-upstream-stream-duration-ms",
    "x-envoy-ip-tags",
    "expect",
];

const VALUES: [&str; 18] = [
    "close",
    "keep-alive",
    "x-b",
    "X-C",
    "te",
    "trailers",
    "gzip",
    "upgrade",
    "websocket",
    "h2c",
    "x-b, x-c",
    "cookie,authorization",
    "keep-alive, X-B ,",
    "1.2.3.4",
    "https",
    "URI=spiffe://forged",
    "100-continue",
    "7",
];

#[test]
fn no_header_of_a_hop_and_no_forged_word_goes_on() {
    hold(1_500, |draws| {
        let number = draws.below(7);
        let lines: Vec<_> = (0..number)
            .map(|_| (draws.one(&NAMES), draws.one(&VALUES)))
            .collect();
        let Some((_, sent)) = through(Base, "/", &lines) else {
            return;
        };
        check(&lines, &sent.headers, sent.websocket);
    });
}

fn check(lines: &[(&str, &str)], sent: &HeaderMap, websocket: bool) {
    let told = || format!("{lines:?} became {sent:?}");
    let hop = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ];
    for name in hop {
        let stays = websocket && ["connection", "upgrade"].contains(&name);
        assert!(stays || !sent.contains_key(name), "{name}: {}", told());
    }
    let te: Vec<_> = sent.get_all("te").iter().collect();
    assert!(te.iter().all(|te| *te == "trailers"), "{}", told());
    for (_, value) in lines.iter().filter(|(name, _)| *name == "connection") {
        for named in value
            .split(',')
            .map(str::trim)
            .filter(|name| name.starts_with(['x', 'X']))
        {
            assert!(
                !sent.contains_key(named.to_ascii_lowercase()),
                "{named}: {}",
                told()
            );
        }
    }
    for name in [
        "x-serverless-authorization",
        "x-envoy-internal",
        "x-envoy-retry-on",
        "x-envoy-max-retries",
        "x-envoy-upstream-rq-timeout-ms",
        "x-envoy-original-path",
        "x-envoy-decorator-operation",
        "x-envoy-hedge-on-per-try-timeout",
        "x-envoy-upstream-stream-duration-ms",
        "x-envoy-ip-tags",
    ] {
        assert!(!sent.contains_key(name), "{name}: {}", told());
    }
    // who is not behind a trusted proxy is its own client, over its own scheme, with its own certificate
    assert!(!sent.contains_key("x-forwarded-client-cert"), "{}", told());
    let scheme: Vec<_> = sent.get_all("x-forwarded-proto").iter().collect();
    assert_eq!(scheme, ["http"], "{}", told());
    let last = sent.get_all("x-forwarded-for").iter().next_back().unwrap();
    let last = last.to_str().unwrap().rsplit(',').next().unwrap();
    assert_eq!(last, "127.0.0.2", "{}", told());
    assert_eq!(sent["x-envoy-attempt-count"], "1", "{}", told());
}

/// A request as it leaves.
struct Sent {
    target: String,
    headers: HeaderMap,
    websocket: bool,
}

/// Receives a request and sends it on; the path that policies and routes see, and what goes upstream. None
/// if it is refused.
fn through(mode: PathNormalization, target: &str, lines: &[(&str, &str)]) -> Option<(String, Sent)> {
    let mut request = Request::builder()
        .method(Method::GET)
        .uri(target)
        .header("host", "web.test");
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let mut parts = request.body(()).ok()?.into_parts().0;
    parts.version = Version::HTTP_11;
    let downstream = Downstream::example(None); // plain: nobody has shown a certificate
    let Received { mut head, websocket } = receive(parts, &downstream, 0, mode).ok()?;
    let decided = head.target.to_string();
    let destination = Destination {
        weight: 1,
        upstream: Some(0),
        name: "a.test".into(),
        headers: Headers::default(),
        authority: None,
        hash: None,
    };
    let forward = Forward {
        destinations: vec![destination.clone()],
        timeout: None,
        retry: None,
        path_rewrite: None,
        authority_rewrite: None,
        headers: Headers::default(),
        cors: None,
        fault: None,
        mirrors: Vec::new(),
    };
    let matched = RequestMatch::default();
    let timeouts = Timeouts::of(&head, &forward);
    let outgoing = towards_upstream(&mut head, &downstream, &matched, &forward, &destination, timeouts);
    let sent = Sent {
        target: outgoing.target.to_string(),
        headers: head.headers,
        websocket,
    };
    Some((decided, sent))
}
