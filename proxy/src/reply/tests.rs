//! The replies of the table in the README, to the byte.

use http_body_util::BodyExt;

use super::*;

fn plain_get() -> Asked {
    Asked {
        head: false,
        http1: true,
        grpc: false,
        unread: false,
        upgrade: false,
    }
}

/// Status, headers in order of their names, body.
async fn written(reply: Reply, asked: Asked) -> (u16, Vec<String>, String) {
    let (parts, body) = reply.into_response(asked, |_| {}).into_parts();
    let mut headers: Vec<String> = parts
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let body = body.collect().await.unwrap().to_bytes();
    (
        parts.status.as_u16(),
        headers,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn a_connection_failure_is_told_in_98_bytes() {
    let (status, headers, body) = written(Reply::unavailable(Failure::Connect, false), plain_get()).await;
    assert_eq!((status, body.len()), (503, 98));
    assert_eq!(
        headers,
        [
            "content-length: 98",
            "content-type: text/plain",
            "server: istio-envoy"
        ]
    );
    assert!(
        body.ends_with("reset reason: remote connection failure"),
        "{body}"
    );
}

#[tokio::test]
async fn each_failure_has_its_status() {
    for (failure, status, end) in [
        (Failure::ConnectTimeout, 503, "connection timeout"),
        (Failure::Termination, 503, "connection termination"),
        (Failure::RemoteReset, 503, "remote reset"),
        (Failure::Refused, 503, "remote refused stream reset"),
        (Failure::Protocol, 502, "protocol error"),
        (Failure::Overflow, 503, "overflow"),
        (Failure::NoEndpoint, 503, "no healthy upstream"),
        (Failure::Timeout, 504, "upstream request timeout"),
    ] {
        let (found, _, body) = written(Reply::unavailable(failure, false), plain_get()).await;
        assert_eq!(found, status, "{failure:?}");
        assert!(body.ends_with(end), "{body}");
    }
    let (_, _, body) = written(Reply::unavailable(Failure::Connect, true), plain_get()).await;
    assert!(body.contains("retried and the latest reset reason: "), "{body}");
}

#[tokio::test]
async fn grpc_clients_get_a_grpc_answer() {
    let asked = Asked {
        grpc: true,
        ..plain_get()
    };
    let (status, headers, body) = written(Reply::unavailable(Failure::Timeout, false), asked).await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(
        headers,
        [
            "content-type: application/grpc",
            "grpc-message: upstream request timeout",
            "grpc-status: 14",
            "server: istio-envoy"
        ]
    );
}

#[tokio::test]
async fn head_gets_the_headers_of_get() {
    let asked = Asked {
        head: true,
        ..plain_get()
    };
    let (_, headers, body) = written(Reply::unavailable(Failure::NoEndpoint, false), asked).await;
    assert!(headers.contains(&"content-length: 19".to_owned()), "{headers:?}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn a_body_that_was_not_read_costs_the_connection() {
    let asked = Asked {
        unread: true,
        ..plain_get()
    };
    let (_, headers, _) = written(Reply::not_found("no route"), asked).await;
    assert_eq!(headers, ["connection: close", "server: istio-envoy"]);
}
