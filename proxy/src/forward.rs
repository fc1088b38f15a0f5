//! A request whose route is found: sends it on and brings the answer, or replies with what the route
//! does to the headers of answers.

use http::header::CONNECTION;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};

use crate::body::{self, Body, Raw};
use crate::cors::{self, Verdict};
use crate::downstream::Downstream;
use crate::fault;
use crate::format::{Answer, FormatContext};
use crate::head::Head;
use crate::headers::{self, Selected, Timeouts};
use crate::mirror::Copies;
use crate::plan::route::{Action, Destination, Forward, Route};
use crate::reply::{Asked, Reply};
use crate::route;
use crate::runtime::Runtime;
use crate::telemetry::Observer;
use crate::upgrade::Wanted;
use crate::upstream::attempt::Answer as Answered;
use crate::upstream::{self, Call, Rules};

/// A route, and the destination that was drawn for this request.
pub(crate) struct Chosen<'a> {
    runtime: &'a Runtime,
    downstream: &'a Downstream,
    route: &'a Route,
    destination: Option<&'a Destination>,
    /// What the client's browser is told about its origin.
    granted: HeaderMap,
}

impl<'a> Chosen<'a> {
    /// Draws the destination.
    pub(crate) fn new(runtime: &'a Runtime, downstream: &'a Downstream, route: &'a Route) -> Chosen<'a> {
        let destination = match &*route.action {
            Action::Forward(forward) => route::choose(forward, chassis::trace::random()),
            Action::Redirect(_) | Action::DirectResponse(_) => None,
        };
        Chosen {
            runtime,
            downstream,
            route,
            destination,
            granted: HeaderMap::new(),
        }
    }

    /// Does what the route does before anything is sent on: faults, then CORS.
    pub(crate) async fn forward(
        mut self,
        forward: &Forward,
        head: &mut Head,
        incoming: Raw,
        upgrade: Option<Wanted>,
        mut asked: Asked,
        observer: &mut Observer,
    ) -> Response<Body> {
        let kept = forward.retry.is_some() || !forward.mirrors.is_empty();
        let idle = (!head.grpc).then_some(body::upload::IDLE);
        let body = body::Incoming::new(incoming, kept, idle);
        let injected = forward.fault.as_ref().map(fault::draw).unwrap_or_default();
        if let Some(delay) = injected.delay {
            body.while_reading(tokio::time::sleep(delay)).await;
            asked = asked.later(!body.is_complete());
            observer.delayed();
        }
        if let Some(with) = injected.abort {
            let reply = Reply::fault(with);
            return self.reply(reply, head, asked, observer);
        }
        match forward.cors.as_ref().map(|policy| cors::judge(policy, head)) {
            Some(Verdict::Answered(headers)) => {
                return Reply::preflight(headers).into_response(asked, |_| {});
            }
            Some(Verdict::Goes(granted)) => self.granted = granted,
            None => {}
        }
        self.send(forward, head, body, upgrade, asked, observer).await
    }

    /// Sends the request on and answers with what comes back.
    async fn send(
        &self,
        forward: &Forward,
        head: &mut Head,
        body: body::Incoming,
        upgrade: Option<Wanted>,
        asked: Asked,
        observer: &mut Observer,
    ) -> Response<Body> {
        let Some((destination, cluster)) = self.destination.and_then(|destination| {
            let cluster = self.runtime.clusters.get(destination.upstream?)?;
            Some((destination, cluster))
        }) else {
            return self.reply(Reply::no_cluster(), head, asked, observer);
        };
        let mut rules = Rules {
            timeouts: Timeouts::of(head, forward),
            retry: forward.retry.as_ref(),
            hash: None,
        };
        let (matched, timeouts) = (&self.route.matches, rules.timeouts);
        let outgoing =
            headers::towards_upstream(head, self.downstream, matched, forward, destination, timeouts);
        head.headers
            .insert(chassis::trace::TRACEPARENT, observer.trace.header());

        let affinity = destination.hash.as_deref().map(|key| {
            let query = outgoing.target.query();
            upstream::affinity::of(key, &head.headers, query, self.downstream)
        });
        let affinity = affinity.unwrap_or_default();
        rules.hash = affinity.hash;
        let mut call = Call::new(head, outgoing, upgrade.is_some());
        let copies = self.copies(&call, forward, timeouts);
        let exchange = upstream::exchange(cluster, &mut call, &body, rules);
        let outcome = match copies {
            None => exchange.await,
            Some(copies) => Box::pin(copies.beside(exchange, &body)).await,
        };
        call.restore(head);
        observer.sent(cluster, &outcome);
        match outcome.result {
            Ok(answered) => {
                let endpoint = outcome.endpoint.as_ref().and_then(|endpoint| endpoint.socket());
                let mut answer = self.answer(answered, head, endpoint, outcome.took, upgrade);
                if let Some(cookie) = affinity.cookie {
                    answer.headers_mut().append(http::header::SET_COOKIE, cookie);
                }
                answer
            }
            Err(failure) => {
                let retried = outcome.attempts > 1 && failure.is_reset();
                body.catch_up().await;
                let asked = asked.later(!body.is_complete());
                self.reply(Reply::unavailable(failure, retried), head, asked, observer)
            }
        }
    }

    /// Copies for those mirrors that the draw hits.
    fn copies(&self, call: &Call, forward: &Forward, timeouts: Timeouts) -> Option<Copies> {
        if forward.mirrors.is_empty() {
            return None;
        }
        let Runtime { clusters, room, .. } = self.runtime;
        Copies::of(call, &forward.mirrors, clusters, timeouts, self.downstream, room)
    }

    /// The upstream's answer for the client; the body is streamed.
    fn answer(
        &self,
        (response, lease): Answered,
        head: &Head,
        endpoint: Option<std::net::SocketAddr>,
        took: std::time::Duration,
        upgrade: Option<Wanted>,
    ) -> Response<Body> {
        let (mut parts, source) = response.into_parts();
        let switched = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        let empty = HeaderMap::new();
        let context = self.context(head, Some(parts.status), "-", endpoint, &empty);
        headers::towards_client(
            &mut parts.headers,
            parts.status,
            (!switched).then_some(took),
            Selected::response(&self.route.action, self.destination),
            &context,
        );
        cors::apply(&self.granted, &mut parts.headers);
        let http1 = head.version < Version::HTTP_2;
        let content = match (upgrade, source) {
            (Some(wanted), Raw::Answer(upstream)) if switched => {
                Body::tunnel(wanted.accepted(upstream.switch(), lease))
            }
            (upgrade, source) => {
                if upgrade.is_some() {
                    // refused; the client may already speak the other protocol
                    parts
                        .headers
                        .insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Body::stream(source, lease, !http1)
            }
        };
        let mut answer = Response::new(content);
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = parts.headers;
        answer
    }

    /// An answer of our own on this route.
    pub(crate) fn reply(
        &self,
        reply: Reply,
        head: &Head,
        asked: Asked,
        observer: &mut Observer,
    ) -> Response<Body> {
        observer.replied(&reply);
        let selected = Selected::response(&self.route.action, self.destination);
        let flag = reply.flag;
        reply.into_response(asked, |headers| {
            let empty = HeaderMap::new();
            let context = self.context(head, None, flag, None, &empty);
            headers::respond(selected, headers, &context);
            cors::apply(&self.granted, headers);
        })
    }

    /// What `%…%` commands of response headers read.
    fn context<'c>(
        &'c self,
        head: &'c Head,
        status: Option<StatusCode>,
        flags: &'c str,
        upstream: Option<std::net::SocketAddr>,
        headers: &'c HeaderMap,
    ) -> FormatContext<'c> {
        let answer = Answer {
            status,
            headers,
            flags,
            upstream,
        };
        FormatContext {
            answer: Some(answer),
            ..FormatContext::of(head, self.downstream)
        }
    }
}
