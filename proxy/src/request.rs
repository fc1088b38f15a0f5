//! Answers one request: the spine. Every line is a file of the same name; start here.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response};

use crate::body::{Body, Raw};
use crate::codec::{self, Reset};
use crate::connection::Connection;
use crate::forward::Chosen;
use crate::headers::{self, Received, Refused};
use crate::http1::{self, OnSwitch};
use crate::plan::route::Action;
use crate::reply::{Asked, Reply};
use crate::route::{self, Found};
use crate::runtime::Runtime;
use crate::telemetry::{self, Observer};
use crate::upgrade::Wanted;
use crate::{authorize, rewrite};

/// A request as its codec hands it over.
pub(crate) struct Arrived {
    pub(crate) parts: Parts,
    pub(crate) body: Raw,
    /// What is wrong with it, if the codec knows; then there is no body.
    pub(crate) refused: Option<Refused>,
    /// The connection, once it has switched protocols, if that was asked for.
    pub(crate) switch: Option<OnSwitch>,
}

impl Arrived {
    /// Over HTTP/2, where nothing is switched.
    pub(crate) fn over_http2(request: Request<hyper::body::Incoming>) -> Arrived {
        let (parts, incoming) = request.into_parts();
        Arrived {
            parts,
            body: Raw::Http2(incoming),
            refused: None,
            switch: None,
        }
    }
}

/// Answers one request. The plan is loaded once: a reload takes effect with the next request, also on
/// this connection.
pub(crate) async fn handle(connection: Arc<Connection>, arrived: Arrived) -> Result<Response<Body>, Reset> {
    let runtime = connection.process.current();
    let Arrived {
        parts,
        body: incoming,
        refused,
        switch,
    } = arrived;
    let mut observer = connection
        .process
        .telemetry
        .observe(telemetry::trace_of(&parts.headers));
    let unread = !incoming.has_ended();
    let unfit = Asked::unfit(&parts, unread);
    let plan = &runtime.plan;
    let downstream = &connection.downstream;
    let version = parts.version;
    let received = codec::examine(&parts, refused)
        .and_then(|()| headers::receive(parts, downstream, plan.trusted_hops, plan.path));
    let response = match received {
        Ok(received) => {
            let switch = switch.filter(|_| received.websocket);
            let upgrade = switch.map(|switch| Wanted::new(switch, &connection.process.tunnels));
            answer(&runtime, &connection, received, incoming, upgrade, &mut observer).await
        }
        Err(refused) if codec::is_reset(refused, version) => return Err(Reset::malformed()),
        Err(refused) => bare(Reply::unfit(refused), unfit, &mut observer),
    };
    observer.status = response.status().as_u16();
    Ok(response.map(|body| body.observed(observer)))
}

/// From a fit request to its answer.
async fn answer(
    runtime: &Runtime,
    connection: &Connection,
    received: Received,
    incoming: Raw,
    upgrade: Option<Wanted>,
    observer: &mut Observer,
) -> Response<Body> {
    let Received { mut head, websocket } = received;
    let downstream = &connection.downstream;
    observer.asked(&head, downstream);
    let asked = Asked::by(&head, !incoming.has_ended(), websocket);
    let hosts = runtime.hosts(&connection.place, downstream);

    // a bad token is refused wherever it is sent, and before any route is looked at
    let admitted = match runtime.authenticate(&mut head).await {
        Ok(()) => authorize::check(&runtime.plan.policies, &head, downstream)
            .map_err(|denied| Reply::denied(&denied)),
        Err(refusal) => Err(Reply::unauthenticated(*refusal)),
    };
    observer.user(&head);
    let found = hosts.map_or(Found::NoHost, |hosts| route::find(hosts, &head));
    let route = match (&admitted, found) {
        (_, Found::Route(route)) => route,
        (Ok(()), Found::HttpsRedirect) => {
            return Reply::https_redirect(rewrite::https_redirect(&head)).into_response(asked, |_| {});
        }
        (Ok(()), Found::NoHost) => return bare(Reply::not_found("no such host"), asked, observer),
        (Ok(()), Found::NoRoute) => return bare(Reply::not_found("no route"), asked, observer),
        (Err(_), _) => return bare(admitted.err().unwrap_or_else(Reply::no_cluster), asked, observer),
    };
    observer.route(route, runtime.metrics(route));

    let chosen = Chosen::new(runtime, downstream, route);
    let response = match (&*route.action, admitted) {
        (Action::Forward(forward), Ok(())) => {
            chosen
                .forward(forward, &mut head, incoming, upgrade, asked, observer)
                .await
        }
        (Action::Forward(_), Err(reply)) => chosen.reply(reply, &head, asked, observer),
        (_, Err(reply)) => bare(reply, asked, observer),
        (Action::Redirect(redirect), Ok(())) => {
            let reply = Reply::redirect(redirect, rewrite::location(redirect, &head, downstream));
            chosen.reply(reply, &head, asked, observer)
        }
        (Action::DirectResponse(direct), Ok(())) => {
            let reply = Reply::direct(direct, || rewrite::own_location(&head));
            chosen.reply(reply, &head, asked, observer)
        }
    };
    http1::recycle(head.headers);
    response
}

/// A reply that no route has a say in.
fn bare(reply: Reply, asked: Asked, observer: &mut Observer) -> Response<Body> {
    observer.replied(&reply);
    reply.into_response(asked, |_| {})
}
