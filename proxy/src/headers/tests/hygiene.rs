//! What must not pass, in either direction.

use super::*;

/// Headers as sent, and what is left of them; a status where the request is refused.
#[test]
fn hop_by_hop_headers_end_here() {
    for (sent, expected) in [
        (
            &[
                ("connection", "x-secret, keep-alive"),
                ("x-secret", "1"),
                ("keep-alive", "timeout=5"),
                ("x-o", "2"),
            ][..],
            Ok(&["x-o: 2"][..]),
        ),
        (
            &[("connection", "x-one;x-TWO"), ("x-one", "1"), ("x-two", "2")],
            Ok(&[]),
        ),
        (&[("connection", "x-a,, ,x b"), ("x-a", "1")], Ok(&[])),
        (
            &[
                ("connection", "authorization, Cookie"),
                ("authorization", "Basic x"),
                ("cookie", "a=b"),
            ],
            Ok(&[]),
        ),
        (&[("connection", "x-forwarded-for")], Err(400)),
        (&[("connection", "x-forwarded-Host, close")], Err(400)),
        (&[("connection", "x-request-id, x-forwarded-proto")], Err(400)),
        (&[("connection", "host, content-length")], Err(400)),
        (
            &[("connection", "content-length"), ("content-length", "5")],
            Ok(&[]),
        ),
        (
            &[
                ("proxy-connection", "keep-alive"),
                ("proxy-authorization", "Basic x"),
                ("proxy-authenticate", "y"),
            ],
            Ok(&["proxy-authenticate: y", "proxy-authorization: Basic x"]),
        ),
        (&[("te", "trailers")], Ok(&["te: trailers"])),
        (&[("te", "trailers"), ("connection", "te")], Ok(&["te: trailers"])),
        (
            &[("te", "gzip, trailers"), ("connection", "te, close")],
            Ok(&["te: trailers"]),
        ),
        (&[("te", "gzip;trailers")], Ok(&["te: trailers"])),
        (&[("te", "trailers, gzip")], Ok(&["te: trailers"])),
        (&[("te", "gzip"), ("connection", "te, x-a")], Ok(&[])),
        (&[("te", "Trailers")], Ok(&[])),
        (
            &[("trailer", "x-checksum"), ("expect", "100-continue")],
            Ok(&["expect: 100-continue", "trailer: x-checksum"]),
        ),
        (&[("upgrade", "foo/2")], Ok(&[])),
        (&[("connection", "upgrade"), ("upgrade", "foo/2")], Err(403)),
        (
            &[("connection", "Upgrade"), ("upgrade", "websocket/13")],
            Err(403),
        ),
        (
            &[("connection", "Upgrade"), ("upgrade", "h2c, websocket")],
            Err(403),
        ),
        (
            &[
                ("connection", "Upgrade, HTTP2-Settings"),
                ("upgrade", "h2c"),
                ("http2-settings", "AAM"),
            ],
            Ok(&[]),
        ),
        (&[("referer", "about:blank")], Ok(&[])),
        (
            &[("referer", "https://one.test/;https://two.test/")],
            Ok(&["referer: https://one.test/,https://two.test/"]),
        ),
        (
            &[("forwarded", "for=1.2.3.4"), ("x-real-ip", "1.2.3.4")],
            Ok(&["forwarded: for=1.2.3.4", "x-real-ip: 1.2.3.4"]),
        ),
    ] {
        let found = got(sent, 0);
        let found = found.map(|found| {
            assert!(!found.websocket);
            rest(&found.head.headers)
        });
        let expected = expected.map(|left| left.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            found.map_err(|refused| refused.status.as_u16()),
            expected,
            "{sent:?}"
        );
    }
}

#[test]
fn a_websocket_keeps_what_its_connection_names() {
    let sent = [
        ("connection", "keep-alive, UPGRADE, x-a"),
        ("upgrade", "WebSocket"),
        ("x-a", "1"),
    ];
    let found = got(&sent, 0).unwrap();
    assert!(found.websocket);
    assert_eq!(
        rest(&found.head.headers),
        [
            "connection: keep-alive, UPGRADE, x-a",
            "upgrade: WebSocket",
            "x-a: 1"
        ]
    );
}

#[test]
fn clients_do_not_steer_envoy() {
    for name in [
        "x-envoy-retry-on",
        "x-envoy-upstream-rq-timeout-ms",
        "x-envoy-internal",
        "x-envoy-original-path",
        "x-envoy-decorator-operation",
        "x-envoy-upstream-stream-duration-ms",
    ] {
        assert_eq!(
            rest(&head(&[(name, "1")]).headers),
            Vec::<String>::new(),
            "{name}"
        );
    }
    for name in [
        "x-envoy-made-up",
        "x-envoy-overloaded",
        "x-envoy-original-dst-host",
        "x-istio-attributes",
    ] {
        assert_eq!(rest(&head(&[(name, "1")]).headers), [format!("{name}: 1")]);
    }
    let head = head(&[
        ("x-request-id", "one;two"),
        ("x-envoy-external-address", "1.2.3.4"),
    ]);
    assert_eq!(head.headers["x-envoy-external-address"], "127.0.0.2");
    assert_eq!(lines(&head.headers, "x-request-id").len(), 1);
    assert_ne!(head.headers["x-request-id"], "one");
}

#[test]
fn a_client_certificate_is_told_by_the_proxy_alone() {
    let forged = [
        ("host", "web.test"),
        ("x-forwarded-client-cert", "URI=spiffe://forged;By=x"),
    ];
    let take = |tls| {
        let parts = request(Version::HTTP_11, "GET", "/", &forged);
        let found = receive(parts, &downstream(tls), 0, PathNormalization::Base).unwrap();
        lines(&found.head.headers, "x-forwarded-client-cert")
    };
    assert_eq!(take(false), Vec::<String>::new());
    assert_eq!(
        take(true),
        ["Hash=00;Subject=\"CN=proxy\";URI=spiffe://acme.internal/ns/x/sa/proxy"]
    );
}

#[test]
fn whatever_is_sent_no_word_of_one_hop_and_no_forged_identity_reaches_the_upstream() {
    const NAMES: [&str; 18] = [
        "connection",
        "Keep-Alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
        "te",
        "x-forwarded-client-cert",
        "x-serverless-authorization",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-envoy-external-address",
        "x-envoy-internal",
        "x-request-id",
        "x-a",
        "x-b",
        "cookie",
        "accept",
        "x-envoy-retry-on",
    ];
    const VALUES: [&str; 14] = [
        "forged",
        "x-a",
        "x-a, X-B",
        "close",
        "te, x-serverless-authorization",
        "h2c",
        "trailers",
        "gzip, trailers",
        "",
        "chunked",
        ",,",
        "x-forwarded-client-cert",
        "\u{fc}",
        "upgrade",
    ];
    let random = |below: usize| usize::try_from(chassis::trace::random() % 1000).unwrap() % below;
    let mut passed = 0;
    for _ in 0..5000 {
        let version = [Version::HTTP_11, Version::HTTP_2][random(2)];
        let mut headers = vec![("host", "web.test")];
        headers.extend((0..random(8)).map(|_| (NAMES[random(18)], VALUES[random(14)])));
        let downstream = downstream(random(2) == 0);
        let parts = request(version, "GET", "/", &headers);
        let Ok(Received { mut head, websocket }) =
            receive(parts, &downstream, random(3), PathNormalization::Base)
        else {
            continue;
        };
        let forward = forward(vec![destination(Headers::default())], Headers::default());
        let timeouts = Timeouts::of(&head, &forward);
        let to = &forward.destinations[0];
        towards_upstream(
            &mut head,
            &downstream,
            &RequestMatch::default(),
            &forward,
            to,
            timeouts,
        );
        passed += 1;

        assert!(!websocket);
        for name in [
            "connection",
            "keep-alive",
            "proxy-connection",
            "transfer-encoding",
            "upgrade",
        ] {
            assert!(!head.headers.contains_key(name), "{name} of {headers:?}");
        }
        for name in [
            "x-serverless-authorization",
            "x-envoy-internal",
            "x-envoy-retry-on",
        ] {
            assert!(!head.headers.contains_key(name), "{name} of {headers:?}");
        }
        let certificate = lines(&head.headers, "x-forwarded-client-cert");
        assert_eq!(
            certificate.len(),
            usize::from(downstream.tls.is_some()),
            "{headers:?}"
        );
        assert!(
            !certificate.iter().any(|line| line.contains("forged")),
            "{headers:?}"
        );
        assert!(
            lines(&head.headers, "te").iter().all(|line| line == "trailers"),
            "{headers:?}"
        );
        assert!(
            lines(&head.headers, "x-forwarded-for")[0].ends_with("127.0.0.2"),
            "{headers:?}"
        );
        assert_eq!(lines(&head.headers, "x-request-id").len(), 1);
    }
    assert!(passed > 1000, "{passed}");
}

#[test]
fn an_answer_is_cleaned_and_signed() {
    let head = head(&[]);
    let connection = downstream(false);
    let context = FormatContext::of(&head, &connection);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "x"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "trailers"),
        ("trailer", "x-sum"),
        ("alt-svc", "h3=x"),
        ("server", "nginx"),
        ("server", "two"),
        ("x-envoy-upstream-service-time", "9999"),
        ("x-envoy-overloaded", "true"),
        ("vary", "a"),
        ("vary", "b"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("content-length", "0"),
    ] {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let took = Some(Duration::from_micros(12_999));
    towards_client(
        &mut headers,
        StatusCode::NO_CONTENT,
        took,
        Selected::Nothing,
        &context,
    );
    assert_eq!(
        rest(&headers),
        [
            "alt-svc: h3=x",
            "server: istio-envoy",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "te: trailers",
            "trailer: x-sum",
            "vary: a,b",
            "x-envoy-overloaded: true",
            "x-envoy-upstream-service-time: 12",
            "x-hop: 1",
        ]
    );
}

#[test]
fn an_accepted_upgrade_keeps_its_two_headers() {
    let head = head(&[]);
    let connection = downstream(false);
    let mut headers = HeaderMap::new();
    headers.insert("connection", HeaderValue::from_static("Upgrade, x-a"));
    headers.insert("upgrade", HeaderValue::from_static("websocket"));
    let context = FormatContext::of(&head, &connection);
    towards_client(
        &mut headers,
        StatusCode::SWITCHING_PROTOCOLS,
        None,
        Selected::Nothing,
        &context,
    );
    assert_eq!(
        rest(&headers),
        ["connection: upgrade", "server: istio-envoy", "upgrade: websocket"]
    );
}
