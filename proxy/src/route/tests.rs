//! Hosts, routes and destinations, as Istio's gateway finds them.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use serde_json::json;

use super::*;
use crate::head::Scheme;
use crate::plan::DocumentId;
use crate::plan::route::{Action, Headers};
use crate::plan::text::TextMatch;
use crate::re2::Re2;

fn document() -> DocumentId {
    DocumentId {
        kind: "VirtualService",
        namespace: "istio-ingress".into(),
        name: "web".into(),
        file: "web.yaml".into(),
    }
}

fn route(name: &str, matches: RequestMatch) -> Route {
    Route {
        document: document(),
        name: name.into(),
        matches,
        action: Arc::new(Action::Forward(Box::new(forward(&[1])))),
    }
}

fn forward(weights: &[u32]) -> Forward {
    let destinations = weights.iter().enumerate().map(|(place, weight)| Destination {
        weight: *weight,
        upstream: Some(place),
        name: "a.test:80".into(),
        headers: Headers::default(),
        authority: None,
        hash: None,
    });
    Forward {
        destinations: destinations.collect(),
        timeout: None,
        retry: None,
        path_rewrite: None,
        authority_rewrite: None,
        headers: Headers::default(),
        cors: None,
        fault: None,
        mirrors: Vec::new(),
    }
}

fn host(name: &str) -> Arc<VirtualHost> {
    Arc::new(VirtualHost {
        https_redirect: false,
        routes: vec![route(name, RequestMatch::default())],
    })
}

fn exact(text: &str) -> TextMatch {
    TextMatch::Exact(text.into())
}

fn regex(text: &str) -> TextMatch {
    TextMatch::Regex(Re2::compile(text).unwrap())
}

fn name(name: &str) -> HeaderKey {
    HeaderKey::Name(name.parse().unwrap())
}

#[test]
fn a_host_is_found_without_case_and_port_exact_first_then_the_longest_ending() {
    let suffixes = [
        (".eu.shop.test", "c"),
        ("-admin.shop.test", "d"),
        (".shop.test", "b"),
    ];
    let exact = [("shop.test", "a"), ("10.1.2.3", "a"), ("api.eu.shop.test", "e")];
    let mut hosts = VirtualHosts {
        exact: exact
            .map(|(key, name)| (key.into(), host(name)))
            .into_iter()
            .collect::<HashMap<_, _>>(),
        suffixes: suffixes.map(|(key, name)| (key.into(), host(name))).to_vec(),
        any: None,
    };
    for (sent, expected) in [
        ("shop.test", "a"),
        ("SHOP.Test", "a"),
        ("shop.test:9", "a"),
        ("shop.test:", "a"),
        ("shop.test:abc", "a"),
        ("shop.test.", ""),
        ("shop.test.:80", ""),
        ("me@shop.test", ""),
        ("shop.test:1:2", ""),
        ("10.1.2.3:31080", "a"),
        ("[::1]:31080", ""),
        ("a.b.shop.test", "b"),
        ("WWW.Shop.TEST:8443", "b"),
        (".shop.test", ""),
        ("xshop.test", ""),
        ("www.shop.test.evil.test", ""),
        ("x.y.eu.shop.test", "c"),
        ("eu.shop.test", "b"),
        ("API.EU.SHOP.TEST", "e"),
        ("v1.api.eu.shop.test", "c"),
        ("x.super-admin.shop.test", "d"),
        ("-admin.shop.test", "b"),
        ("admin.shop.test", "b"),
        ("", ""),
    ] {
        let head = Head::example(sent, "/", &[]);
        match find(&hosts, &head) {
            Found::Route(route) => assert_eq!(&*route.name, expected, "{sent}"),
            found => assert!(
                expected.is_empty() && matches!(found, Found::NoHost),
                "{sent}: {found:?}"
            ),
        }
    }
    hosts.any = Some(host("any"));
    for sent in ["other.test", "", "shop.test."] {
        assert!(
            matches!(find(&hosts, &Head::example(sent, "/", &[])), Found::Route(route) if &*route.name == "any")
        );
    }
}

#[test]
fn ports_are_told_from_addresses() {
    for (host, expected) in [
        ("web.test:80", "web.test"),
        ("web.test", "web.test"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("::1", ":"),
        ("2001:db8::1:80", "2001:db8::1"),
        ("a:1:2", "a:1"),
        (":80", ""),
    ] {
        assert_eq!(without_port(host), expected, "{host}");
    }
}

#[test]
fn the_host_that_is_found_is_final_and_may_send_everyone_to_https() {
    let never = RequestMatch {
        method: Some(exact("PUT")),
        ..RequestMatch::default()
    };
    let narrow = VirtualHost {
        https_redirect: false,
        routes: vec![route("never", never)],
    };
    let secure = VirtualHost {
        https_redirect: true,
        routes: Vec::new(),
    };
    let hosts = VirtualHosts {
        exact: HashMap::from([
            ("narrow".into(), Arc::new(narrow)),
            ("secure".into(), Arc::new(secure)),
        ]),
        suffixes: Vec::new(),
        any: Some(host("any")),
    };
    assert!(matches!(
        find(&hosts, &Head::example("narrow", "/", &[])),
        Found::NoRoute
    ));
    let mut head = Head::example("secure", "/", &[]);
    assert!(matches!(find(&hosts, &head), Found::HttpsRedirect));
    head.headers
        .insert("x-forwarded-proto", http::HeaderValue::from_static("https"));
    assert!(matches!(find(&hosts, &head), Found::NoRoute));
}

#[test]
fn query_parameters_are_compared_raw_and_the_first_counts() {
    for (expected, target, fits) in [
        (exact("yes"), "/?q=yes", true),
        (exact("yes"), "/?q=Yes", false),
        (exact("yes"), "/?Q=yes", false),
        (exact("yes"), "/?a=1&q=yes", true),
        (exact("yes"), "/", false),
        (exact("yes"), "/?", false),
        (exact("yes"), "/?q=yes&q=no", true),
        (exact("yes"), "/?q=no&q=yes", false),
        (exact("yes"), "/?q&q=yes", false),
        (exact("yes"), "/?&&q=yes", true),
        (exact("yes"), "/?q=%79es", false),
        (exact("yes"), "/?%71=yes", false),
        (exact("yes"), "/?a=1%26q=yes", false),
        (TextMatch::Any, "/?q", true),
        (TextMatch::Any, "/?q=", true),
        (TextMatch::Any, "/?qq=1", false),
        (exact(""), "/?q", true),
        (exact(""), "/?q=1", false),
        (exact(""), "/?a=1", false),
        (regex("[0-9]+"), "/?q=123", true),
        (regex("[0-9]+"), "/?q=123a", false),
        (exact("a=b"), "/?q=a=b", true),
        (exact("1;r=2"), "/?q=1;r=2", true),
        (exact("1?r=2"), "/?q=1?r=2", true),
        (exact("a+b"), "/?q=a+b", true),
    ] {
        let conditions = RequestMatch {
            query: vec![("q".into(), expected)],
            ..RequestMatch::default()
        };
        assert_eq!(
            matches(&conditions, &Head::example("a", target, &[])),
            fits,
            "{conditions:?} {target}"
        );
    }
}

/// A condition on `x-h`, the lines sent, and whether it holds with `headers` and with `withoutHeaders`.
#[test]
fn lines_of_a_header_are_one_value_and_a_missing_one_is_empty_only_without() {
    for (expected, lines, with, without) in [
        (exact("no"), &[][..], false, true),
        (exact("no"), &["no"], true, false),
        (exact("no"), &["No"], false, true),
        (exact("no"), &["no", "yes"], false, true),
        (exact("no"), &["no", "no"], false, true),
        (exact("a,b"), &["a", "b"], true, false),
        (TextMatch::Prefix("no".into()), &["none"], true, false),
        (TextMatch::Prefix("no".into()), &["yes", "no"], false, true),
        (regex("no+"), &["nope"], false, true),
        (regex(".*"), &[], false, false),
        (regex(".*"), &["a"], true, false),
        (regex(".+"), &[], false, true),
        (regex(".+"), &[""], false, true),
        (exact(""), &[], false, false),
        (exact(""), &[""], true, false),
        (exact(""), &["a"], false, true),
        (TextMatch::Any, &[""], true, false),
        (TextMatch::Any, &[], false, false),
    ] {
        let headers: Vec<_> = lines.iter().map(|line| ("x-h", *line)).collect();
        let head = Head::example("a", "/", &headers);
        let conditions = RequestMatch {
            headers: vec![(name("x-h"), expected.clone())],
            ..RequestMatch::default()
        };
        assert_eq!(matches(&conditions, &head), with, "{expected:?} {lines:?}");
        let conditions = RequestMatch {
            without_headers: vec![(name("x-h"), expected.clone())],
            ..RequestMatch::default()
        };
        assert_eq!(
            matches(&conditions, &head),
            without,
            "without {expected:?} {lines:?}"
        );
    }
    let absent = RequestMatch {
        absent_headers: vec![name("x-h")],
        ..RequestMatch::default()
    };
    assert!(matches(&absent, &Head::example("a", "/", &[])));
    assert!(!matches(&absent, &Head::example("a", "/", &[("x-h", "")])));
}

#[test]
fn the_rest_of_a_request_is_compared_as_it_is() {
    let all = RequestMatch {
        path: Some(PathMatch::Prefix(TextMatch::PrefixNoCase("/API/".into()), 5)),
        scheme: Some(exact("https")),
        method: Some(exact("POST")),
        authority: Some(exact("Web.Test:8443")),
        headers: vec![
            (HeaderKey::Path, exact("/api/x?q")),
            (HeaderKey::Method, exact("POST")),
            (HeaderKey::Authority, exact("Web.Test:8443")),
            (HeaderKey::Scheme, exact("https")),
        ],
        ..RequestMatch::default()
    };
    let mut head = Head::example("Web.Test:8443", "/api/x?q", &[]);
    head.method = Method::POST;
    assert!(!matches(&all, &head));
    head.scheme = Scheme::Https;
    assert!(matches(&all, &head));
    head.authority = http::HeaderValue::from_static("web.test:8443");
    assert!(!matches(&all, &head));
}

#[test]
fn claims_choose_routes_only_when_there_is_a_user() {
    let group = vec![(vec!["groups".into(), "list".into()], exact("a"))];
    let with = RequestMatch {
        claims: group.clone(),
        ..RequestMatch::default()
    };
    let without = RequestMatch {
        without_claims: group,
        ..RequestMatch::default()
    };
    let anonymous = || Head::example("a", "/", &[]);
    for (head, fits) in [
        (anonymous(), false),
        (
            anonymous().with_claims(json!({ "groups": { "list": ["b", "a"] } })),
            true,
        ),
        (
            anonymous().with_claims(json!({ "groups": { "list": "a" } })),
            true,
        ),
        (anonymous().with_claims(json!({ "groups": { "list": 1 } })), false),
        (anonymous().with_claims(json!({ "groups": "a" })), false),
    ] {
        assert_eq!((matches(&with, &head), matches(&without, &head)), (fits, !fits));
    }
}

#[test]
fn destinations_are_drawn_by_weight() {
    let drawn = |weights: &[u32]| {
        let forward = forward(weights);
        let draws = (0..10).map(|draw| choose(&forward, draw).and_then(|one| one.upstream));
        draws.map(|place| place.unwrap_or(9)).collect::<Vec<_>>()
    };
    assert_eq!(drawn(&[3, 0, 2]), [0, 0, 0, 2, 2, 0, 0, 0, 2, 2]);
    assert_eq!(drawn(&[0]), [0; 10], "the only one takes all");
    assert_eq!(drawn(&[0, 0]), [9; 10]);
}
