//! Startup: over once an HTTP exchange over the plan's mutual TLS brought any status, for with TLS 1.3 a
//! finished handshake does not prove that our certificate was accepted. A plan without such an upstream
//! has started when it is bound.
//!
//! On Cloud Run a new instance has no route into the VPC for 20 to 80 seconds, so this asks again and
//! again, in the background; requests meanwhile get their usual 503 or 504. A request that gets through
//! proves as much.

use std::sync::Arc;
use std::time::Duration;

use chassis::health::Health;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Version, header};

use crate::body::Incoming;
use crate::headers::Timeouts;
use crate::plan::upstream::{UpstreamTls, VerifyName};
use crate::runtime::Process;
use crate::upstream::{Call, Cluster, Rules, exchange};

/// One question may take this long.
const DEADLINE: Duration = Duration::from_secs(5);
/// Between two questions, doubling ...
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// ... up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Asks until an upstream has answered, then says that startup is over.
pub(crate) async fn prove(process: Arc<Process>, health: Health) {
    let mut pause = FIRST_PAUSE;
    loop {
        let runtime = process.current();
        for cluster in runtime.clusters.iter().filter(|cluster| cluster.is_mutual()) {
            if runtime.is_proven() {
                break;
            }
            ask(cluster).await;
        }
        if runtime.is_proven() {
            health.started();
            return;
        }
        drop(runtime);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn ask(cluster: &Arc<Cluster>) {
    let host = host(cluster);
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static("acme-proxy-startup"));
    let mut call = Call {
        method: Method::HEAD,
        target: PathAndQuery::from_static("/"),
        authority: HeaderValue::from_str(&host).unwrap_or_else(|_| HeaderValue::from_static("localhost")),
        headers,
        https: true,
        version: Version::HTTP_11,
        upgrade: false,
        grpc: false,
        proves: true,
    };
    let rules = Rules {
        timeouts: Timeouts {
            total: Some(DEADLINE),
            per_try: None,
        },
        retry: None,
        hash: None,
    };
    let outcome = exchange(cluster, &mut call, &Incoming::empty(), rules).await;
    match outcome.result {
        Ok((response, lease)) => {
            let status = response.status();
            tracing::info!(
                "upstream {}: mutual TLS works, it answered {status}",
                cluster.name
            );
            lease.finish(response.into_body(), std::time::Instant::now());
        }
        Err(failure) => tracing::debug!("upstream {}: not reachable yet: {failure}", cluster.name),
    }
}

/// The name that the upstream is most likely to know.
fn host(cluster: &Cluster) -> String {
    let tls: Option<&UpstreamTls> = cluster.spec.tls.as_ref();
    let named = tls.and_then(|tls| match (&tls.sni, &tls.verify) {
        (Some(sni), _) => Some(sni.to_string()),
        (None, VerifyName::AnyOf { names, .. }) => names
            .iter()
            .find(|name| !name.contains(':'))
            .map(ToString::to_string),
        _ => None,
    });
    named.unwrap_or_else(|| cluster.spec.host.to_string())
}
