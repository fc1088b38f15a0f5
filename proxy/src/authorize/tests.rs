//! Policies, each part of a condition by itself.

use serde_json::json;

use super::*;
use crate::downstream::Peer;
use crate::plan::text::TextMatch;
use crate::re2::Re2;

fn policy(name: &str, rules: Vec<Rule>) -> Policy {
    Policy {
        document: DocumentId {
            kind: "AuthorizationPolicy",
            namespace: "istio-ingress".into(),
            name: name.into(),
            file: "policy.yaml".into(),
        },
        rules,
    }
}

fn when(condition: Condition) -> Rule {
    Rule {
        when: vec![condition],
        ..Rule::default()
    }
}

fn condition(key: Key, values: Vec<Pattern>, not_values: Vec<Pattern>) -> Condition {
    Condition {
        key,
        values,
        not_values,
    }
}

fn text(value: &str) -> Pattern {
    Pattern::Text(TextMatch::Exact(value.into()))
}

fn path(value: &str) -> Rule {
    when(condition(Key::Path, vec![text(value)], vec![]))
}

fn plain() -> Downstream {
    Downstream::example(None)
}

fn mutual() -> Downstream {
    let peer = Peer {
        uris: vec!["spiffe://acme.internal/ns/a/sa/b".into()],
        dns: vec!["b.a".into()],
        subject: "CN=b".into(),
        ..Peer::default()
    };
    Downstream::example(Some(("web.test", Some(peer))))
}

/// Whether the one condition lets the request through: values, notValues.
fn holds(key: &Key, patterns: &[Pattern], head: &Head, downstream: &Downstream) -> (bool, bool) {
    let request = Request { head, downstream };
    let values = condition(key.clone(), patterns.to_vec(), vec![]);
    let not_values = condition(key.clone(), vec![], patterns.to_vec());
    (request.holds(&values), request.holds(&not_values))
}

#[test]
fn deny_comes_first_and_then_one_allow_must_match() {
    let head = Head::example("web.test", "/a", &[]);
    let ask = |deny, allow| check(&Policies { deny, allow }, &head, &plain());
    assert_eq!(ask(vec![], vec![]), Ok(()));
    assert_eq!(ask(vec![policy("d", vec![path("/b")])], vec![]), Ok(()));
    assert_eq!(
        ask(
            vec![],
            vec![policy("x", vec![]), policy("y", vec![path("/b"), path("/a")])]
        ),
        Ok(())
    );

    let denied = ask(
        vec![policy("d", vec![path("/b"), path("/a")])],
        vec![policy("y", vec![path("/a")])],
    );
    let text = denied.unwrap_err().to_string();
    assert_eq!(
        text,
        "AuthorizationPolicy/d.istio-ingress (policy.yaml) rules[1] denies it"
    );

    let denied = ask(vec![], vec![policy("x", vec![]), policy("y", vec![path("/b")])]).unwrap_err();
    let text = "AuthorizationPolicy/x.istio-ingress (policy.yaml) and 1 more have no rule that allows it";
    assert_eq!(denied.to_string(), text);
    assert!(
        ask(vec![], vec![policy("nothing", vec![])]).is_err(),
        "a policy without rules never matches"
    );
    assert_eq!(ask(vec![], vec![policy("all", vec![Rule::default()])]), Ok(()));
}

#[test]
fn from_and_to_are_any_of_and_inside_all_of() {
    let is = |key, value| condition(key, vec![text(value)], vec![]);
    let rule = Rule {
        from: vec![
            vec![is(Key::RequestPrincipal, "i/a")],
            vec![is(Key::RequestPrincipal, "i/b")],
        ],
        to: vec![
            vec![is(Key::Path, "/x"), is(Key::Method, "GET")],
            vec![is(Key::Path, "/y")],
        ],
        when: vec![condition(Key::Sni, vec![], vec![text("evil.test")])],
    };
    let policies = Policies {
        deny: vec![],
        allow: vec![policy("p", vec![rule])],
    };
    for (subject, path, method, expected) in [
        ("a", "/x", "GET", true),
        ("b", "/x", "GET", true),
        ("c", "/x", "GET", false),
        ("a", "/x", "POST", false),
        ("a", "/y", "POST", true),
        ("a", "/z", "GET", false),
    ] {
        let mut head = Head::example("h", path, &[]).with_claims(json!({ "iss": "i", "sub": subject }));
        head.method = method.parse().unwrap();
        assert_eq!(
            check(&policies, &head, &plain()).is_ok(),
            expected,
            "{subject} {method} {path}"
        );
    }
}

#[test]
fn each_key_reads_its_own_part_of_the_request() {
    let any = Pattern::Text(TextMatch::Any);
    let present = Pattern::Text(TextMatch::NotEmpty);
    let network = |address: &str, length| Pattern::Network(address.parse().unwrap(), length);
    let header = |name: &str| Key::Header(name.parse().unwrap());
    let mut head = Head::example(
        "Web.Test:8443",
        "/a/b?q",
        &[("x-h", "one"), ("x-h", "two, three"), ("x-e", "")],
    );
    head.client = [203, 0, 113, 7].into();
    for (key, pattern, tls, expected) in [
        (Key::Path, text("/a/b"), false, true),
        (Key::Path, text("/a/b?q"), false, false),
        (Key::PathWithQuery, text("/a/b?q"), false, true),
        (
            Key::Path,
            Pattern::Template(Re2::compile("/[^/]+/b").unwrap()),
            false,
            true,
        ),
        (Key::Method, text("GET"), false, true),
        (Key::Method, text("get"), false, false),
        (
            Key::Host,
            Pattern::Text(TextMatch::ExactNoCase("web.test:8443".into())),
            false,
            true,
        ),
        (
            Key::Host,
            Pattern::Text(TextMatch::ExactNoCase("web.test".into())),
            false,
            false,
        ),
        (Key::Authority, text("Web.Test:8443"), false, true),
        (Key::Authority, text("web.test:8443"), false, false),
        (Key::SourceIp, network("127.0.0.0", 8), false, true),
        (Key::SourceIp, network("127.9.9.9", 8), false, true),
        (Key::SourceIp, network("127.0.0.2", 32), false, true),
        (Key::SourceIp, network("127.0.0.3", 32), false, false),
        (Key::SourceIp, network("0.0.0.0", 0), false, true),
        (Key::SourceIp, network("::", 0), false, false),
        (Key::SourceIp, network("203.0.113.0", 24), false, false),
        (Key::RemoteIp, network("203.0.113.0", 24), false, true),
        (Key::DestinationIp, network("127.0.0.1", 32), false, true),
        (Key::DestinationPort, Pattern::Port(31080), false, true),
        (Key::DestinationPort, Pattern::Port(80), false, false),
        (Key::Sni, any.clone(), false, false),
        (Key::Sni, text("web.test"), true, true),
        (Key::Principal, any.clone(), false, false),
        (Key::Principal, present.clone(), true, true),
        (
            Key::Principal,
            text("spiffe://acme.internal/ns/a/sa/b"),
            true,
            true,
        ),
        (Key::Principal, text("b.a"), true, true),
        (header("x-h"), text("one"), false, true),
        (header("x-h"), text("two, three"), false, true),
        (header("x-h"), text("two"), false, false),
        (header("x-e"), any.clone(), false, true),
        (header("x-none"), any, false, false),
        (Key::RequestPrincipal, present, false, false),
    ] {
        let downstream = if tls { mutual() } else { plain() };
        let found = holds(&key, std::slice::from_ref(&pattern), &head, &downstream);
        assert_eq!(found, (expected, !expected), "{key:?} {pattern:?}");
    }
}

#[test]
fn claims_match_as_text_or_as_a_list_of_texts() {
    let claims = json!({
        "iss": "https://i", "sub": "s/t", "aud": ["one", "two"], "azp": "me",
        "group": "admin", "list": ["a", "", 1], "number": 7, "truth": true, "empty": "", "nested": { "k": "v" },
    });
    let head = Head::example("h", "/", &[]).with_claims(claims);
    let claim = |path: &str| Key::Claim(path.split('.').map(Into::into).collect());
    let present = Pattern::Text(TextMatch::NotEmpty);
    let any = Pattern::Text(TextMatch::Any);
    for (key, pattern, expected) in [
        (claim("group"), text("admin"), true),
        (claim("Group"), text("admin"), false),
        (claim("list"), text("a"), true),
        (claim("list"), text("b"), false),
        (claim("number"), present.clone(), false),
        (claim("truth"), any.clone(), false),
        (claim("empty"), any, false),
        (claim("nested"), present.clone(), false),
        (claim("nested.k"), text("v"), true),
        (claim("list.0"), text("a"), false),
        (claim("missing"), present.clone(), false),
        (Key::Audiences, text("two"), true),
        (Key::Presenter, text("me"), true),
        (Key::RequestPrincipal, text("https://i/s/t"), true),
        (Key::RequestPrincipal, present, true),
        (
            Key::RequestPrincipal,
            Pattern::Principal {
                issuer: TextMatch::Exact("https://i".into()),
                subject: TextMatch::NotEmpty,
            },
            true,
        ),
        (
            Key::RequestPrincipal,
            Pattern::Principal {
                issuer: TextMatch::Exact("https:/".into()),
                subject: TextMatch::NotEmpty,
            },
            false,
        ),
    ] {
        let found = holds(&key, std::slice::from_ref(&pattern), &head, &plain());
        assert_eq!(found, (expected, !expected), "{key:?} {pattern:?}");
    }
    let without_subject = Head::example("h", "/", &[]).with_claims(json!({ "iss": "i" }));
    let anyone = Pattern::Principal {
        issuer: TextMatch::NotEmpty,
        subject: TextMatch::NotEmpty,
    };
    assert_eq!(
        holds(&Key::RequestPrincipal, &[anyone], &without_subject, &plain()),
        (false, true)
    );
}
