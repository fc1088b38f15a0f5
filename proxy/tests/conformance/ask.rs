//! Sends a line of a request table, once or many times, and makes an answer of what came and what was seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::answer::{Answer, Outcome, Seen, body, masked};
use crate::client::{NoHttp, Reply, exchange};
use crate::material::Material;
use crate::request::Request;
use crate::upstream::Upstreams;
use crate::wire::to_text;

/// The answer to `request`, which the upstreams know as `key`.
pub(crate) async fn ask(
    request: &Request,
    key: &str,
    upstreams: &Upstreams,
    material: &Arc<Material>,
) -> Answer {
    sleep(Duration::from_millis(request.sleep_ms)).await;
    if request.repeat.or(request.parallel).is_some() {
        return ask_often(request, key, material).await;
    }
    let began = Instant::now();
    let result = ask_once(request, key, None, material).await;
    let elapsed = began.elapsed();
    sleep(Duration::from_millis(request.settle_ms)).await;

    let mut answer = match result {
        Ok(reply) => Answer::from(reply),
        Err(NoHttp(detail)) => Answer {
            detail: Some(detail),
            ..Answer::default()
        },
    };
    answer.elapsed_ms = request.time.then_some(elapsed.as_millis() as u64);
    answer.seen = upstreams.take(key).into_iter().map(Seen::masked).collect();
    if request.unordered {
        // at one upstream a request may be overtaken by its own copy
        let place = |seen: &Seen| (seen.upstream.clone(), seen.is_copy());
        answer.seen.sort_by_key(place);
    }
    answer
}

/// Counts the answers to `repeat` requests one after the other, or to `parallel` ones side by side.
async fn ask_often(request: &Request, key: &str, material: &Arc<Material>) -> Answer {
    let mut counts = BTreeMap::new();
    let mut count = |result: String| *counts.entry(result).or_default() += 1;
    for i in 0..request.repeat.unwrap_or(0) {
        count(summary(
            ask_once(request, &format!("{key}#{i}"), Some(i), material).await,
        ));
    }
    let mut running = JoinSet::new();
    for i in 0..request.parallel.unwrap_or(0) {
        let (request, key, material) = (request.clone(), format!("{key}#{i}"), Arc::clone(material));
        running.spawn(async move {
            sleep(Duration::from_millis(request.stagger_ms * i as u64)).await;
            summary(ask_once(&request, &key, Some(i), &material).await)
        });
    }
    while let Some(result) = running.join_next().await {
        count(result.unwrap_or_else(|panic| panic.to_string()));
    }
    Answer {
        counts: Some(counts),
        exact: request.exact,
        ..Answer::default()
    }
}

async fn ask_once(
    request: &Request,
    key: &str,
    number: Option<usize>,
    material: &Material,
) -> Result<Reply, NoHttp> {
    let exchange = Box::pin(exchange(request, key, number, material));
    let in_time = timeout(Duration::from_secs_f64(request.timeout), exchange).await;
    in_time.unwrap_or_else(|_| Err(NoHttp("timeout".into())))
}

fn summary(result: Result<Reply, NoHttp>) -> String {
    match result {
        Ok(reply) => format!(
            "{} {}",
            reply.status,
            to_text(&reply.body[..reply.body.len().min(100)])
        ),
        Err(_) => "no-http".into(),
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let (statuses, closed) = reply.raw.unzip();
        let (server_cert, alpn, tls) = reply
            .tls
            .map_or((None, None, None), |t| (t.server_cert, t.alpn, t.version));
        Self {
            outcome: Outcome::Response,
            status: Some(reply.status),
            headers: masked(reply.headers),
            body: Some(body(&reply.body, LONGEST_BODY_RECORDED)),
            truncated: reply.truncated,
            trailers: reply.trailers,
            interim: (!reply.interim.is_empty()).then_some(reply.interim),
            statuses,
            closed,
            server_cert,
            alpn,
            tls,
            ..Self::default()
        }
    }
}

const LONGEST_BODY_RECORDED: usize = 400;
