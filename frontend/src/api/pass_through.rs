//! `/api/*` for scripts: the user's token is added on the way out, nothing of the browser's own identity
//! leaves, and bodies are streamed both ways.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep};

use super::{WAY, judge, path};
use crate::App;
use crate::arrival::Arrival;
use crate::error::Failure;
use crate::session::{Session, Visitor};

/// Any method on `/api/*`, for whoever is signed in.
pub(crate) async fn pass_through(
    State(app): State<App>,
    arrival: Arrival,
    visitor: Visitor,
    request: Request,
) -> Response {
    let user = match visitor {
        Visitor::SignedIn(user) => user,
        Visitor::SignedOut(out) => {
            return out.attach(&app, &arrival, Failure::SignedOut.json(&app, &arrival));
        }
        Visitor::Undecided(failure) => return failure.json(&app, &arrival),
    };
    let answer = relay(&app, &arrival, Some(&user.session), request).await;
    let answer = answer.unwrap_or_else(|failure| failure.json(&app, &arrival));
    user.attach(&app, &arrival, answer)
}

/// `/api/healthz`: the backend's own health, for everyone and in nobody's name.
pub(crate) async fn pass_anyone(State(app): State<App>, arrival: Arrival, request: Request) -> Response {
    let answer = relay(&app, &arrival, None, request).await;
    answer.unwrap_or_else(|failure| failure.json(&app, &arrival))
}

async fn relay(
    app: &App,
    arrival: &Arrival,
    user: Option<&Session>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    if !path::unambiguous(head.uri.path()) {
        return Err(Failure::AmbiguousPath);
    }
    if head.method == Method::CONNECT || head.method == Method::TRACE {
        return Err(Failure::WrongMethod);
    }
    let mut headers = app.api.identities(user, arrival).await?;
    headers.extend(allowed(&head.headers));
    let patience = Patience::new(arrival.at, app.config.page_deadline);
    let body = (!body.is_end_stream()).then(|| {
        let patience = patience.clone();
        let watched = body.map_frame(move |frame| {
            patience.renew();
            frame
        });
        reqwest::Body::wrap_stream(Body::new(watched).into_data_stream())
    });
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let answer = tokio::select! {
        answer = app.api.call(head.method, path, headers, body) => answer?,
        () = patience.lost() => return Err(Failure::TooSlow(WAY)),
    };
    if let Some(failure) = judge::front_door(answer.status(), answer.headers()) {
        return Err(failure);
    }
    Ok(towards_browser(answer, app.config.idle_body))
}

/// The headers of a browser's request that leave. A list of what may, so nothing that anybody invents
/// later, and no `Authorization`, `Cookie`, `Forwarded`, `X-*` or `Proxy-*` of a stranger, does.
fn allowed(headers: &HeaderMap) -> impl Iterator<Item = (HeaderName, axum::http::HeaderValue)> + '_ {
    let pairs = headers.iter().filter(|(name, _)| ALLOWED.contains(name));
    pairs.map(|(name, value)| (name.clone(), value.clone()))
}

/// The answer without what belongs to one connection, to the hops behind us, or to our own cookies.
fn towards_browser(answer: reqwest::Response, idle: Duration) -> Response {
    let answer = axum::http::Response::from(answer);
    let (head, body) = answer.into_parts();
    let named: Vec<String> = head
        .headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|name| name.trim().to_ascii_lowercase()))
        .collect();
    let mut response = (head.status, Body::new(Idle::new(Body::new(body), idle))).into_response();
    *response.headers_mut() = HeaderMap::new();
    for (name, value) in &head.headers {
        let dropped = DROPPED.contains(name)
            || name.as_str().starts_with("x-envoy-")
            || named.iter().any(|other| other == name.as_str());
        if !dropped {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    response
}

/// Waits for an answer as long as a page may take, and begins anew with every part of the request's body
/// that moves: an upload may take longer than a page.
#[derive(Clone)]
struct Patience {
    since: Arc<Mutex<Instant>>,
    limit: Duration,
}

impl Patience {
    fn new(since: Instant, limit: Duration) -> Patience {
        Patience {
            since: Arc::new(Mutex::new(since)),
            limit,
        }
    }

    fn renew(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn end(&self) -> Instant {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) + self.limit
    }

    async fn lost(&self) {
        loop {
            let end = self.end();
            tokio::time::sleep_until(end).await;
            if self.end() <= end {
                return;
            }
        }
    }
}

/// A body that may not stand still for ever.
struct Idle {
    body: Body,
    limit: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl Idle {
    fn new(body: Body, limit: Duration) -> Idle {
        let alarm = Box::pin(tokio::time::sleep(limit));
        Idle { body, limit, alarm }
    }
}

impl HttpBody for Idle {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let next = Instant::now() + self.limit;
            self.alarm.as_mut().reset(next);
            return Poll::Ready(frame);
        }
        ready!(self.alarm.as_mut().poll(context));
        Poll::Ready(Some(Err(axum::Error::new("the body stood still for too long"))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// `content-length` is kept so that an upload of known length stays one.
const ALLOWED: [HeaderName; 15] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
    header::USER_AGENT,
];

/// Hop by hop (RFC 9110 section 7.6.1), and what only we may say to our users' browsers.
const DROPPED: [HeaderName; 12] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::SET_COOKIE,
    header::ALT_SVC,
    header::SERVER,
    header::STRICT_TRANSPORT_SECURITY,
];
