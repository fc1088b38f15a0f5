//! What routes and destinations change.

use super::*;

/// `-name` removes, `name=value` sets, `name+value` adds.
fn operations(written: &str) -> HeaderOperations {
    let mut operations = HeaderOperations::default();
    let parsed = |name: &str, value| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderFormat::parse(value).unwrap())
    };
    for one in written.split_whitespace() {
        if let Some(name) = one.strip_prefix('-') {
            operations.remove.push(name.parse().unwrap());
        } else if let Some((name, value)) = one.split_once('=') {
            operations.set.push(parsed(name, value));
        } else if let Some((name, value)) = one.split_once('+') {
            operations.add.push(parsed(name, value));
        }
    }
    operations
}

/// Both directions, so that one table serves both.
fn both(written: &str) -> Headers {
    Headers {
        request: operations(written),
        response: operations(written),
    }
}

fn run(route: &str, first: &str, destinations: usize, sent: &[(&str, &str)]) -> [Vec<String>; 2] {
    let mut all = vec![destination(both(first))];
    all.resize(destinations, destination(Headers::default()));
    let forward = forward(all, both(route));
    let mut head = head(sent);
    let connection = downstream(false);
    let to = &forward.destinations[0];
    let timeouts = Timeouts::of(&head, &forward);
    let mut answer = HeaderMap::new();
    for (name, value) in sent {
        for line in value.split(';') {
            answer.append(name.parse::<HeaderName>().unwrap(), line.parse().unwrap());
        }
    }
    towards_upstream(
        &mut head,
        &connection,
        &RequestMatch::default(),
        &forward,
        to,
        timeouts,
    );
    let action = Action::Forward(Box::new(forward.clone()));
    let selected = Selected::response(&action, Some(to));
    let context = FormatContext::of(&head, &connection);
    towards_client(&mut answer, StatusCode::OK, None, selected, &context);
    answer.remove("server");
    [rest(&head.headers), rest(&answer)]
}

#[test]
fn one_destination_pools_both_levels_and_several_take_turns() {
    let old = [("x-both", "old")];
    for (route, first, destinations, sent, expected) in [
        (
            "x-set=new",
            "",
            1,
            &[("x-set", "one;two")][..],
            &["x-set: new"][..],
        ),
        (
            "x-add+new",
            "",
            1,
            &[("x-add", "one;two,three")],
            &["x-add: new", "x-add: one", "x-add: two,three"],
        ),
        (
            "-x-gone",
            "",
            1,
            &[("X-Gone", "one;two"), ("x-kept", "1")],
            &["x-kept: 1"],
        ),
        (
            "-x-both x-both=set x-both+added",
            "",
            1,
            &old,
            &["x-both: added", "x-both: set"],
        ),
        (
            "x-empty= x-none+",
            "",
            1,
            &[("x-empty", "old")],
            &["x-empty: old"],
        ),
        (
            "",
            "x-set=d x-add+d -x-gone",
            1,
            &[("x-set", "old"), ("x-gone", "1")],
            &["x-add: d", "x-set: d"],
        ),
        (
            "x-both=route",
            "x-both=destination",
            1,
            &old,
            &["x-both: destination"],
        ),
        (
            "x-both+route",
            "x-both=destination",
            1,
            &old,
            &["x-both: destination", "x-both: route"],
        ),
        ("x-both=route", "-x-both", 1, &old, &["x-both: route"]),
        ("x-both=route", "x-both=destination", 2, &old, &["x-both: route"]),
        (
            "x-both+route",
            "x-both+destination",
            2,
            &old,
            &["x-both: destination", "x-both: old", "x-both: route"],
        ),
        ("x-both=route", "x-both+destination", 2, &old, &["x-both: route"]),
        (
            "x-both+route",
            "x-both=destination",
            2,
            &old,
            &["x-both: destination", "x-both: route"],
        ),
        ("-x-both", "x-both=destination", 2, &old, &[]),
        ("x-both=route", "-x-both", 2, &old, &["x-both: route"]),
    ] {
        let [request, response] = run(route, first, destinations, sent);
        assert_eq!(request, expected, "request: {route} / {first}");
        assert_eq!(response, expected, "response: {route} / {first}");
    }
}

#[test]
fn what_is_added_to_a_known_header_joins_it() {
    let [request, response] = run(
        "accept+text/html accept-language+de cookie+c=d cache-control+private vary+Origin",
        "",
        1,
        &[
            ("accept", "*/*"),
            ("accept-language", "en"),
            ("cookie", "a=b"),
            ("cache-control", "x"),
            ("vary", "y"),
        ],
    );
    let common = ["accept-language: de", "accept-language: en"];
    for line in common.iter().chain(&[
        "accept: */*,text/html",
        "cache-control: x,private",
        "vary: Origin",
        "vary: y",
    ]) {
        assert!(request.contains(&(*line).to_owned()), "{line} in {request:?}");
    }
    for line in common.iter().chain(&[
        "accept: */*",
        "accept: text/html",
        "cache-control: x,private",
        "vary: y,Origin",
    ]) {
        assert!(response.contains(&(*line).to_owned()), "{line} in {response:?}");
    }
}

#[test]
fn a_value_may_read_what_the_level_before_it_wrote() {
    let [request, _] = run(
        "x-seen=%REQ(x-both)%",
        "x-both=destination",
        2,
        &[("x-both", "old")],
    );
    assert_eq!(request, ["x-both: destination", "x-seen: destination"]);
}

#[test]
fn the_proxys_own_headers_can_be_changed_but_server_stays() {
    let written = "-x-envoy-external-address -x-envoy-attempt-count x-forwarded-proto=gopher x-request-id=mine \
                   x-forwarded-for+9.9.9.9";
    let forward = forward(vec![destination(Headers::default())], both(written));
    let mut head = head(&[]);
    let connection = downstream(false);
    let to = &forward.destinations[0];
    towards_upstream(
        &mut head,
        &connection,
        &RequestMatch::default(),
        &forward,
        to,
        Timeouts::default(),
    );
    let mut names: Vec<_> = head.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["x-forwarded-for", "x-forwarded-proto", "x-request-id"]);
    assert_eq!(head.headers["x-forwarded-for"], "127.0.0.2,9.9.9.9");
    assert_eq!(head.headers["x-forwarded-proto"], "gopher");

    let mut answer = HeaderMap::new();
    let set = operations("server=mine -x-envoy-upstream-service-time");
    let context = FormatContext::of(&head, &connection);
    let took = Some(Duration::ZERO);
    towards_client(&mut answer, StatusCode::OK, took, Selected::One(&set), &context);
    assert_eq!(rest(&answer), ["server: istio-envoy"]);
}

#[test]
fn response_values_read_the_answer() {
    let head = head(&[("x-in", "in")]);
    let connection = downstream(false);
    let mut answer = HeaderMap::new();
    answer.insert("content-type", HeaderValue::from_static("text/plain"));
    let none = HeaderMap::new();
    let mut context = FormatContext::of(&head, &connection);
    context.answer = Some(Answer {
        status: Some(StatusCode::OK),
        headers: &none,
        flags: "-",
        upstream: None,
    });
    let set = operations("x-code=%RESPONSE_CODE% x-type=%RESP(content-type)% x-from=%REQ(x-in)%");
    respond(Selected::One(&set), &mut answer, &context);
    assert_eq!(
        rest(&answer),
        [
            "content-type: text/plain",
            "x-code: 200",
            "x-from: in",
            "x-type: text/plain"
        ]
    );
}

#[test]
fn timeouts_are_told_and_a_grpc_client_may_ask_for_less() {
    let ms = Duration::from_millis;
    for (route, per_try, sent, expected, told) in [
        (None, None, &[][..], (None, None), [None, None]),
        (
            Some(ms(5000)),
            None,
            &[],
            (Some(ms(5000)), None),
            [Some("5000"), None],
        ),
        (
            Some(ms(5000)),
            Some(ms(2000)),
            &[],
            (Some(ms(5000)), Some(ms(2000))),
            [Some("2000"), None],
        ),
        (
            Some(ms(1000)),
            Some(ms(2000)),
            &[],
            (Some(ms(1000)), None),
            [Some("1000"), None],
        ),
        (
            Some(ms(1000)),
            None,
            &[("content-type", "application/grpc"), ("grpc-timeout", "5S")],
            (Some(ms(1000)), None),
            [Some("1000"), Some("1000m")],
        ),
        (
            None,
            None,
            &[
                ("content-type", "application/grpc+proto"),
                ("grpc-timeout", "50m"),
            ],
            (Some(ms(50)), None),
            [Some("50"), Some("50m")],
        ),
        (
            Some(ms(200)),
            None,
            &[("content-type", "application/grpc")],
            (Some(ms(200)), None),
            [Some("200"), Some("200m")],
        ),
        (
            None,
            None,
            &[("content-type", "application/grpc"), ("grpc-timeout", "5x")],
            (None, None),
            [None, Some("5x")],
        ),
        (
            None,
            None,
            &[("content-type", "text/plain"), ("grpc-timeout", "5S")],
            (None, None),
            [None, Some("5S")],
        ),
    ] {
        let mut forward = forward(vec![destination(Headers::default())], Headers::default());
        forward.timeout = route;
        forward.retry = Some(crate::plan::route::RetryPolicy {
            attempts: 2,
            per_try_timeout: per_try,
            on: crate::plan::route::RetryOn::default(),
            backoff: ms(25),
            avoid_previous_host: true,
        });
        let mut head = head(sent);
        let timeouts = Timeouts::of(&head, &forward);
        assert_eq!((timeouts.total, timeouts.per_try), expected, "{sent:?}");
        let to = &forward.destinations[0];
        let matched = RequestMatch::default();
        towards_upstream(&mut head, &downstream(false), &matched, &forward, to, timeouts);
        let found = ["x-envoy-expected-rq-timeout-ms", "grpc-timeout"].map(|name| head.headers.get(name));
        assert_eq!(
            found.map(|value| value.map(|value| value.to_str().unwrap())),
            told,
            "{sent:?}"
        );
    }
    let mut headers = HeaderMap::new();
    next_attempt(&mut headers, 3, Some(ms(120)), false);
    assert_eq!(
        (
            &headers["x-envoy-attempt-count"],
            &headers["x-envoy-expected-rq-timeout-ms"]
        ),
        (&HeaderValue::from(3), &HeaderValue::from(120))
    );
}
