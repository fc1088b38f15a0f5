//! `headers.{request,response}` of a route and its destination.
//!
//! With one destination both levels are one set of operations; with several, the destination's are done
//! first and the route's on top. A value that comes out empty does nothing.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::inline;
use crate::format::{FormatContext, HeaderFormat};
use crate::plan::route::{Action, Destination, Forward, HeaderOperations};

/// The operations that apply to a request, once its route and destination are known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selected<'p> {
    /// None at all.
    Nothing,
    /// Those of a redirect or a direct response.
    One(&'p HeaderOperations),
    /// Both levels pooled: route, destination.
    Pooled(&'p HeaderOperations, &'p HeaderOperations),
    /// One level after the other: destination, route.
    InTurn(&'p HeaderOperations, &'p HeaderOperations),
}

impl<'p> Selected<'p> {
    /// What changes the request.
    pub(crate) fn request(forward: &'p Forward, destination: &'p Destination) -> Selected<'p> {
        select(&forward.headers.request, &destination.headers.request, forward)
    }

    /// What changes the answer, whoever made it.
    pub(crate) fn response(action: &'p Action, destination: Option<&'p Destination>) -> Selected<'p> {
        match (action, destination) {
            (Action::Forward(forward), Some(destination)) => {
                select(&forward.headers.response, &destination.headers.response, forward)
            }
            (Action::Forward(forward), None) => one(&forward.headers.response),
            (Action::Redirect(redirect), _) => one(&redirect.response),
            (Action::DirectResponse(answer), _) => one(&answer.response),
        }
    }

    /// Whether nothing is to be done: then no context needs to be kept.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Selected::Nothing)
    }
}

/// Changes a response's headers: an upstream's, or those of an answer that the proxy made.
pub(crate) fn respond(selected: Selected<'_>, headers: &mut HeaderMap, context: &FormatContext<'_>) {
    // values are read from the headers as they are when their turn comes
    let render = |format: &HeaderFormat, headers: &HeaderMap| {
        let answer = context
            .answer
            .map(|answer| crate::format::Answer { headers, ..answer });
        format.render(&FormatContext { answer, ..*context })
    };
    run(selected, headers, &render, inline::is_joined_in_response);
}

/// Changes a request's headers.
pub(super) fn ask(selected: Selected<'_>, headers: &mut HeaderMap, context: &FormatContext<'_>) {
    let render = |format: &HeaderFormat, headers: &HeaderMap| {
        format.render(&FormatContext {
            request: headers,
            ..*context
        })
    };
    run(selected, headers, &render, inline::is_joined_in_request);
}

fn select<'p>(
    route: &'p HeaderOperations,
    destination: &'p HeaderOperations,
    forward: &Forward,
) -> Selected<'p> {
    match (is_empty(route), is_empty(destination)) {
        (true, true) => Selected::Nothing,
        (false, true) => Selected::One(route),
        (true, false) => Selected::One(destination),
        (false, false) if forward.destinations.len() == 1 => Selected::Pooled(route, destination),
        (false, false) => Selected::InTurn(destination, route),
    }
}

fn one(operations: &HeaderOperations) -> Selected<'_> {
    if is_empty(operations) {
        Selected::Nothing
    } else {
        Selected::One(operations)
    }
}

fn is_empty(operations: &HeaderOperations) -> bool {
    operations.remove.is_empty() && operations.set.is_empty() && operations.add.is_empty()
}

type Render<'f> = &'f dyn Fn(&HeaderFormat, &HeaderMap) -> Option<HeaderValue>;

fn run(selected: Selected<'_>, headers: &mut HeaderMap, render: Render<'_>, joins: fn(&HeaderName) -> bool) {
    match selected {
        Selected::Nothing => {}
        Selected::One(operations) => apply(&[operations], headers, render, joins),
        Selected::Pooled(route, destination) => apply(&[route, destination], headers, render, joins),
        Selected::InTurn(destination, route) => {
            apply(&[destination], headers, render, joins);
            apply(&[route], headers, render, joins);
        }
    }
}

/// All removes, then all sets, then all adds.
fn apply(
    pool: &[&HeaderOperations],
    headers: &mut HeaderMap,
    render: Render<'_>,
    joins: fn(&HeaderName) -> bool,
) {
    for name in pool.iter().flat_map(|operations| &operations.remove) {
        headers.remove(name);
    }
    for (name, format) in pool.iter().flat_map(|operations| &operations.set) {
        if let Some(value) = render(format, headers) {
            headers.insert(name, value);
        }
    }
    for (name, format) in pool.iter().flat_map(|operations| &operations.add) {
        if let Some(value) = render(format, headers) {
            headers.append(name, value);
            if joins(name)
                && let Some(joined) = inline::joined(headers, name.as_str(), b",")
            {
                headers.insert(name, joined);
            }
        }
    }
}
