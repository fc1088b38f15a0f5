//! Header values, made and refused.

use super::*;
use crate::downstream::Peer;

fn head() -> Head {
    let headers = [("x-in", "inside"), ("x-in", "second"), ("x-second", "other")];
    let mut head = Head::example("web.test", "/request/x?q=1", &headers);
    head.client = [9, 9, 9, 9].into();
    head
}

fn downstream() -> Downstream {
    let peer = Peer {
        uris: vec!["spiffe://a/b".into(), "spiffe://c".into()],
        subject: "CN=proxy,O=Acme".into(),
        issuer: "CN=ca".into(),
        ..Peer::default()
    };
    Downstream::example(Some(("web.test", Some(peer))))
}

#[test]
fn commands_are_answered_from_the_request_and_the_connection() {
    let (head, downstream) = (head(), downstream());
    for (format, expected) in [
        ("plain", Some("plain")),
        ("", None),
        ("100%%", Some("100%")),
        ("%%REQ(x-in)%%", Some("%REQ(x-in)%")),
        ("%%%%", Some("%%")),
        ("%REQ(x-in)%", Some("inside")),
        ("%REQ(X-IN)%", Some("inside")),
        ("a %REQ(x-in)% b %REQ(x-in)%", Some("a inside b inside")),
        ("a %REQ(x-no)% b", Some("a  b")),
        ("%REQ(x-no)%", None),
        ("%REQ(x-no?x-second)%", Some("other")),
        ("%REQ(:METHOD)%", Some("GET")),
        ("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", Some("/request/x?q=1")),
        ("%REQ(:AUTHORITY)%", Some("web.test")),
        ("%REQ(:SCHEME)%", Some("http")),
        ("%PROTOCOL%", Some("HTTP/1.1")),
        ("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", Some("9.9.9.9")),
        (
            "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
            Some("127.0.0.2"),
        ),
        ("%DOWNSTREAM_LOCAL_ADDRESS%", Some("127.0.0.1:31080")),
        ("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%", Some("127.0.0.1")),
        ("%DOWNSTREAM_LOCAL_PORT%", Some("31080")),
        ("%REQUESTED_SERVER_NAME%", Some("web.test")),
        ("%DOWNSTREAM_TLS_VERSION%", Some("TLSv1.3")),
        ("%DOWNSTREAM_PEER_SUBJECT%", Some("CN=proxy,O=Acme")),
        ("%DOWNSTREAM_PEER_ISSUER%", Some("CN=ca")),
        ("%DOWNSTREAM_PEER_URI_SAN%", Some("spiffe://a/b,spiffe://c")),
        ("%RESPONSE_CODE%", Some("0")),
        ("%RESPONSE_FLAGS%", Some("-")),
        ("%RESP(content-type)%", None),
        ("%UPSTREAM_HOST%", None),
    ] {
        let value = HeaderFormat::parse(format)
            .unwrap()
            .render(&FormatContext::of(&head, &downstream));
        assert_eq!(
            value.as_ref().map(|value| value.to_str().unwrap()),
            expected,
            "{format}"
        );
    }
}

#[test]
fn commands_are_answered_from_the_answer() {
    let (head, downstream) = (head(), downstream());
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    let mut context = FormatContext::of(&head, &downstream);
    context.answer = Some(Answer {
        status: Some(StatusCode::SERVICE_UNAVAILABLE),
        headers: &headers,
        flags: "UF",
        upstream: Some("127.0.0.1:31901".parse().unwrap()),
    });
    let format = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESP(content-type)% %UPSTREAM_HOST%";
    let value = HeaderFormat::parse(format).unwrap().render(&context).unwrap();
    assert_eq!(value, "503 UF text/plain 127.0.0.1:31901");
}

#[test]
fn what_cannot_be_answered_is_refused_by_name() {
    for (format, part) in [
        ("50% off", "lone `%`"),
        ("%", "lone `%`"),
        ("%START_TIME%", "%START_TIME%"),
        ("%REQ(x-a):5%", "%REQ(x-a):5%"),
        ("%REQ(x a)%", "`x a`"),
        ("%REQ%", "%REQ%"),
        ("%FOO(x)%", "%FOO(x)%"),
        ("a\nb", "control character"),
    ] {
        let error = HeaderFormat::parse(format).unwrap_err();
        assert!(error.contains(part), "{format}: {error}");
    }
}
