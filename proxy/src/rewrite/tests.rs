//! Paths, Hosts and locations, as Istio's gateway writes them.

use super::*;
use crate::head::Scheme;
use crate::plan::route::Headers;
use crate::plan::text::TextMatch;
use crate::re2::Re2;

#[test]
fn paths_are_rewritten_as_text_and_the_query_stays() {
    let prefix = |text: &str| {
        Some(PathMatch::Prefix(
            TextMatch::PrefixNoCase(text.into()),
            text.len(),
        ))
    };
    let whole = |text: &str| Some(PathMatch::Exact(TextMatch::Exact(text.into())));
    let to = |text: &str| PathRewrite::Prefix(text.into());
    let regex = |from: &str, to: &str| PathRewrite::Regex(Re2::compile(from).unwrap(), to.into());
    for (matched, rewrite, asked, expected) in [
        (prefix("/api/"), to("/"), "/api/x/y", "/x/y"),
        (prefix("/api/"), to("/"), "/api/", "/"),
        (prefix("/api"), to("/"), "/api/x", "//x"),
        (prefix("/api"), to("/"), "/apix", "/x"),
        (prefix("/bare/"), to("/v1"), "/bare/x", "/v1x"),
        (prefix("/none"), to("/v1"), "/none?a=1", "/v1?a=1"),
        (prefix("/slash"), to("/v1/"), "/slash/x", "/v1//x"),
        (
            prefix("/both/"),
            to("/v1/"),
            "/both/x?a=1&b=%2F?c",
            "/v1/x?a=1&b=%2F?c",
        ),
        (prefix("/both/"), to("/v1/"), "/both/x?", "/v1/x?"),
        (prefix("/both/"), to("/v1/"), "/both/both/a%2Fb", "/v1/both/a%2Fb"),
        (prefix("/Case/"), to("/Small/"), "/cASE/Thing", "/Small/Thing"),
        (
            whole("/exact"),
            to("/new/place"),
            "/exact?q=/exact",
            "/new/place?q=/exact",
        ),
        (
            whole("/asks"),
            PathRewrite::Whole("/asked?fixed=1".into()),
            "/asks?own=2",
            "/asked?fixed=1?own=2",
        ),
        (None, to("/moved"), "/some/path", "/movedsome/path"),
        (None, to("/moved"), "/", "/moved"),
        (
            prefix("/relative/"),
            to("no-slash/"),
            "/relative/x",
            "/no-slash/x",
        ),
        (None, regex("/([0-9]+)", r"/n\1"), "/1/2?/3", "/n1/n2?/3"),
        (None, regex("x", "y"), "/a", "/a"),
    ] {
        let matched = RequestMatch {
            path: matched,
            ..RequestMatch::default()
        };
        let head = Head::example("web.test", asked, &[]);
        assert_eq!(path(&rewrite, &matched, &head), expected, "{rewrite:?} {asked}");
    }
}

/// Host by the route, by the destination, number of destinations: what is sent and what it replaced.
#[test]
fn the_host_is_the_routes_then_the_destinations_then_the_clients() {
    for (route, first, count, sent, replaced) in [
        (None, None, 1, "web.test:80", None),
        (Some("new.test"), None, 1, "new.test", Some("web.test:80")),
        (
            Some("New.Test:8443"),
            None,
            2,
            "New.Test:8443",
            Some("web.test:80"),
        ),
        (None, Some("d.test"), 1, "d.test", Some("web.test:80")),
        (Some("r.test"), Some("d.test"), 1, "r.test", Some("web.test:80")),
        (None, Some("d.test"), 2, "d.test", None),
        (Some("r.test"), Some("d.test"), 2, "r.test", Some("d.test")),
    ] {
        let destination = Destination {
            weight: 1,
            upstream: None,
            name: "a".into(),
            headers: Headers::default(),
            authority: first.map(Into::into),
            hash: None,
        };
        let forward = Forward {
            destinations: vec![destination; count],
            timeout: None,
            retry: None,
            path_rewrite: None,
            authority_rewrite: route.map(Into::into),
            headers: Headers::default(),
            cors: None,
            fault: None,
            mirrors: Vec::new(),
        };
        let head = Head::example("web.test:80", "/", &[]);
        let found = authority(&forward, &forward.destinations[0], &head);
        let replaced = replaced.map(HeaderValue::from_static);
        assert_eq!(
            found,
            (HeaderValue::from_static(sent), replaced),
            "{route:?} {first:?} {count}"
        );
    }
}

/// The fields of a redirect as `uri authority scheme port`, `-` where not set.
#[test]
fn locations_are_put_together_as_envoy_does() {
    let tls = Downstream::example(Some(("web.test", None)));
    let plain = Downstream::example(None);
    for (fields, over_tls, host, asked, expected) in [
        ("/new - - -", false, "web.test", "/uri/x/y", "http://web.test/new"),
        (
            "/new - - -",
            false,
            "web.test",
            "/uri/x?a=1&b=%2F",
            "http://web.test/new?a=1&b=%2F",
        ),
        ("/new - - -", false, "web.test", "/uri/x?", "http://web.test/new?"),
        (
            "/new?fixed=1 - - -",
            false,
            "web.test",
            "/x?a=1",
            "http://web.test/new?fixed=1",
        ),
        (
            "/new#part - - -",
            false,
            "web.test",
            "/x?a=1",
            "http://web.test/new#part?a=1",
        ),
        ("new - - -", false, "web.test", "/x", "http://web.test/new"),
        (
            "- other.test - -",
            false,
            "web.test:31080",
            "/x?a=1",
            "http://other.test/x?a=1",
        ),
        (
            "- other.test:8443 - -",
            false,
            "web.test",
            "/x",
            "http://other.test:8443/x",
        ),
        ("/new - - -", false, "Web.Test:80", "/x", "http://Web.Test:80/new"),
        ("/new - - -", false, "[::1]:31080", "/x", "http://[::1]:31080/new"),
        (
            "- - https -",
            false,
            "web.test:31080",
            "/x?a=1",
            "https://web.test:31080/x?a=1",
        ),
        ("- - https -", false, "web.test:80", "/x", "https://web.test/x"),
        (
            "- - https -",
            false,
            "web.test:443",
            "/x",
            "https://web.test:443/x",
        ),
        ("- - http -", false, "web.test:80", "/x", "http://web.test:80/x"),
        (
            "- - - 8443",
            false,
            "web.test:31080",
            "/x?a=1",
            "http://web.test:8443/x?a=1",
        ),
        ("- - - 8443", false, "[::1]:31080", "/x", "http://[::1]:8443/x"),
        (
            "- - - 80",
            false,
            "web.test:31080",
            "/x",
            "http://web.test:31080/x",
        ),
        ("- - - 443", false, "web.test", "/x", "http://web.test:443/x"),
        (
            "- - https 443",
            false,
            "web.test:31080",
            "/x",
            "https://web.test:31080/x",
        ),
        ("- - https 80", false, "web.test", "/x", "https://web.test:80/x"),
        ("- - http 443", false, "web.test", "/x", "http://web.test:443/x"),
        (
            "- - - server",
            false,
            "web.test:99",
            "/x",
            "http://web.test:31080/x",
        ),
        (
            "- - https server",
            false,
            "web.test",
            "/x",
            "https://web.test:31080/x",
        ),
        (
            "- other.test:1111 - 2222",
            false,
            "web.test",
            "/x",
            "http://other.test:1111:2222/x",
        ),
        (
            "- other.test - server",
            false,
            "web.test",
            "/x",
            "http://other.test:31080/x",
        ),
        (
            "/new other.test https 8443",
            false,
            "web.test",
            "/x?a=1",
            "https://other.test:8443/new?a=1",
        ),
        (
            "/new - - -",
            true,
            "web.test",
            "/x?a=1",
            "https://web.test/new?a=1",
        ),
        ("- - http -", true, "web.test:443", "/x", "http://web.test/x"),
        ("- - - 443", true, "web.test", "/x", "https://web.test/x"),
        ("- - - 80", true, "web.test", "/x", "https://web.test:80/x"),
        ("- - - server", true, "web.test", "/x", "https://web.test:31080/x"),
    ] {
        let set: Vec<Option<&str>> = fields
            .split(' ')
            .map(|field| Some(field).filter(|field| *field != "-"))
            .collect();
        let redirect = Redirect {
            code: http::StatusCode::MOVED_PERMANENTLY,
            path: set[0].map(Into::into),
            authority: set[1].map(Into::into),
            scheme: set[2].map(Into::into),
            port: match set[3] {
                None => RedirectPort::AsSent,
                Some("server") => RedirectPort::OfServer,
                Some(number) => RedirectPort::Number(number.parse().unwrap()),
            },
            response: crate::plan::route::HeaderOperations::default(),
        };
        let mut head = Head::example(host, asked, &[]);
        if over_tls {
            head.scheme = Scheme::Https;
        }
        let downstream = if over_tls { &tls } else { &plain };
        assert_eq!(
            location(&redirect, &head, downstream),
            expected,
            "{fields} {host}{asked}"
        );
    }
}

#[test]
fn https_redirects_keep_host_and_target() {
    let head = Head::example("Web.test:8080", "/a?b=%41", &[]);
    assert_eq!(https_redirect(&head), "https://Web.test:8080/a?b=%41");
    assert_eq!(own_location(&head), "http://Web.test:8080/a?b=%41");
}
