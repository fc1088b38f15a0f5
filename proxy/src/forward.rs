//! A request whose route is found: sends it on and brings the answer, or replies with what the route
//! does to the headers of answers.

use http::{HeaderMap, Response, StatusCode, Version};

use crate::body::{self, Body};
use crate::downstream::Downstream;
use crate::format::{Answer, FormatContext};
use crate::head::Head;
use crate::headers::{self, Selected, Timeouts};
use crate::plan::route::{Action, Destination, Forward, Route};
use crate::reply::{Asked, Reply};
use crate::route;
use crate::runtime::Runtime;
use crate::telemetry::Observer;
use crate::upstream::attempt::Answer as Answered;
use crate::upstream::{self, Call, Rules};

/// A route, and the destination that was drawn for this request.
pub(crate) struct Chosen<'a> {
    runtime: &'a Runtime,
    downstream: &'a Downstream,
    route: &'a Route,
    destination: Option<&'a Destination>,
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
        }
    }

    /// Sends the request on and answers with what comes back.
    pub(crate) async fn forward(
        &self,
        forward: &Forward,
        mut head: Head,
        incoming: hyper::body::Incoming,
        asked: Asked,
        observer: &mut Observer,
    ) -> Response<Body> {
        let Some((destination, cluster)) = self.destination.and_then(|destination| {
            let cluster = self.runtime.clusters.get(destination.upstream?)?;
            Some((destination, cluster))
        }) else {
            return self.reply(Reply::no_cluster(), &head, asked, observer);
        };
        let rules = Rules {
            timeouts: Timeouts::of(&head, forward),
            retry: forward.retry.as_ref(),
        };
        let (matched, timeouts) = (&self.route.matches, rules.timeouts);
        let outgoing = headers::towards_upstream(
            &mut head,
            self.downstream,
            matched,
            forward,
            destination,
            timeouts,
        );
        head.headers
            .insert(chassis::trace::TRACEPARENT, observer.trace.header());

        let body = body::Incoming::new(incoming, rules.retry.is_some());
        let mut call = Call::new(&mut head, outgoing);
        let outcome = upstream::exchange(cluster, &mut call, &body, rules).await;
        call.restore(&mut head);
        observer.sent(&destination.name, outcome.attempts);
        match outcome.result {
            Ok(answered) => {
                let endpoint = outcome.endpoint.as_ref().and_then(|endpoint| endpoint.socket());
                self.answer(answered, &head, endpoint, outcome.began.elapsed())
            }
            Err(failure) => {
                let retried = outcome.attempts > 1 && failure.is_reset();
                body.catch_up().await;
                let asked = asked.later(!body.is_complete());
                self.reply(Reply::unavailable(failure, retried), &head, asked, observer)
            }
        }
    }

    /// The upstream's answer for the client; the body is streamed.
    fn answer(
        &self,
        (response, lease): Answered,
        head: &Head,
        endpoint: Option<std::net::SocketAddr>,
        took: std::time::Duration,
    ) -> Response<Body> {
        let (mut parts, source) = response.into_parts();
        let empty = HeaderMap::new();
        let context = self.context(head, Some(parts.status), "-", endpoint, &empty);
        headers::towards_client(
            &mut parts.headers,
            parts.status,
            Some(took),
            Selected::response(&self.route.action, self.destination),
            &context,
        );
        let mut answer = Response::new(Body::stream(source, lease, head.version == Version::HTTP_2));
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
