//! What reads bytes from outside, an entrance for each: the tests with mutated input and `proxy/fuzz` go
//! in here. A panic is a finding. Not part of a build that anybody runs.

use bytes::BytesMut;
use http::Response;
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::body::Body;
use crate::codec;
use crate::downstream::Downstream;
use crate::headers::receive;
use crate::http1::server;
use crate::istio::Documents;
use crate::istio::report::Report;
use crate::path::normalize;
use crate::plan::PathNormalization::{self, Base, DecodeAndMergeSlashes, MergeSlashes};
use crate::plan::compile::{Workload, compile};
use crate::plan::describe::describe;
use crate::request::Arrived;

/// Documents are understood, or refused with a reason.
pub fn documents(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (mut documents, mut report) = (Documents::default(), Report::default());
    documents.add_text("fuzzed.yaml", text, &mut report);
    let workload = Workload {
        namespace: "istio-ingress",
        labels: &BTreeMap::from([("istio".to_owned(), "ingress".to_owned())]),
        bind: [127, 0, 0, 1].into(),
        ports: &BTreeMap::new(),
    };
    let plan = compile(&documents, &workload, &mut report);
    assert!(!describe(&plan).is_empty());
    let told = report.errors.iter().chain(&report.warnings);
    assert!(told.into_iter().all(|problem| !problem.is_empty()));
}

/// A path has one spelling, or none: what was made canonical once stays as it is.
pub fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // a NUL as it is, no codec lets through
    let raw = format!("/{}", text.replace('\0', ""));
    for mode in [Base, MergeSlashes, DecodeAndMergeSlashes] {
        if let Ok(once) = normalize(mode, &raw) {
            assert_eq!(normalize(mode, &once).as_deref(), Ok(&*once), "{mode:?} {raw}");
        }
    }
}

/// A token, behind it a line with keys: verified or refused.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (token, keys) = text.split_once('\n').unwrap_or((text, "{}"));
    let keys = jwt::Jwks::parse(keys);
    if let (Ok(token), Ok(keys)) = (jwt::Token::parse(token), keys) {
        let _ = keys.verify(&token);
        let _ = (token.audiences().count(), token.check_time(0, 60));
    }
}

/// Bytes on a connection: what the codec makes a request of is received or refused, and what was received
/// is received alike by the next one.
pub fn front(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let never = std::pin::pin!(std::future::pending());
        let serving = server::serve(server, BytesMut::new(), &Judge, never);
        let asking = async {
            let _ = client.write_all(data.get(..60_000).unwrap_or(data)).await;
            let _ = client.shutdown().await;
            let _ = client.read_to_end(&mut Vec::new()).await;
        };
        let _ = tokio::join!(serving, asking);
    });
}

/// Receives every request, and has the next proxy receive it again.
struct Judge;

impl server::Service for Judge {
    async fn answer(&self, arrived: Arrived) -> Response<Body> {
        judge(arrived);
        Response::new(Body::empty())
    }

    fn refuse(&self, _too_large: bool) -> Response<Body> {
        Response::new(Body::empty())
    }

    fn is_ending(&self) -> bool {
        false
    }
}

fn judge(Arrived { parts, refused, .. }: Arrived) {
    let mode = PathNormalization::MergeSlashes;
    let downstream = Downstream::new(([127, 0, 0, 2], 1).into(), ([127, 0, 0, 1], 80).into(), 80);
    if codec::examine(&parts, refused).is_err() {
        return;
    }
    let Ok(received) = receive(parts, &downstream, 0, mode) else {
        return;
    };
    let target = received.head.target.to_string();
    let path = normalize(mode, &target);
    assert_eq!(
        path.as_deref(),
        Ok(&*target),
        "the next proxy decides about another path"
    );
}
