//! Documents in, plan or message out.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::{Workload, compile};
use crate::istio::Documents;
use crate::istio::report::Report;
use crate::plan::Plan;
use crate::plan::authorization::Pattern;
use crate::plan::describe::describe;
use crate::plan::listener::ListenerKind;
use crate::plan::text::TextMatch;
use crate::plan::upstream::VerifyName;

/// A Gateway on port 80 for every host, and an upstream `a.test`.
const BASE: &str = "
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: istio-ingress}
spec:
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a, namespace: istio-ingress}
spec:
  hosts: [a.test]
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  resolution: STATIC
  endpoints:
  - {address: 127.0.0.1, labels: {version: one}}
  - {address: 127.0.0.2, labels: {version: two}, ports: {http: 9000}, weight: 3}
";

fn document(kind: &str, name: &str, spec: &str) -> String {
    let group = if kind.ends_with("Policy") || kind.ends_with("Authentication") {
        "security"
    } else {
        "networking"
    };
    let spec = spec.replace('\n', "\n  ");
    format!(
        "---\napiVersion: {group}.istio.io/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: istio-ingress}}\nspec:\n  {spec}\n"
    )
}

fn virtual_service(name: &str, http: &str) -> String {
    document(
        "VirtualService",
        name,
        &format!("hosts: ['*']\ngateways: [web]\nhttp:\n{http}"),
    )
}

fn build(text: &str) -> (Plan, Report) {
    let mut report = Report::default();
    let mut documents = Documents::default();
    documents.add_text("f.yaml", text, &mut report);
    documents.sort();
    let workload = Workload {
        namespace: "istio-ingress",
        labels: &BTreeMap::new(),
        bind: Ipv4Addr::LOCALHOST.into(),
        ports: &BTreeMap::from([(80, 8080)]),
    };
    let plan = compile(&documents, &workload, &mut report);
    (plan, report)
}

/// The plan of documents that are right.
fn plan(text: &str) -> Plan {
    let (plan, report) = build(text);
    assert_eq!(report.errors, Vec::<String>::new());
    plan
}

/// The routes of the virtual host `*`, by document and name.
fn routes(text: &str) -> Vec<String> {
    let plan = plan(text);
    let ListenerKind::Plain(hosts) = &plan.listeners[0].kind else {
        panic!("TLS")
    };
    let routes = hosts.any.iter().flat_map(|host| &host.routes);
    routes
        .map(|route| format!("{}/{}", route.document.name, route.name))
        .collect()
}

const TO_A: &str = "route: [{destination: {host: a.test}}]";

#[test]
fn catch_alls_go_last_and_hide_what_follows_them_in_their_document() {
    let text = format!(
        "{BASE}{}{}",
        virtual_service(
            "one",
            &format!("- {TO_A}\n- match: [{{uri: {{prefix: /never}}}}]\n  {TO_A}")
        ),
        virtual_service(
            "two",
            &format!(
                "- match: [{{uri: {{prefix: /two}}}}]\n  {TO_A}\n- match: [{{uri: {{prefix: ''}}}}]\n  {TO_A}"
            )
        ),
    );
    assert_eq!(routes(&text), ["two/http[0]", "two/http[1]", "one/http[0]"]);
    let (_, report) = build(&text);
    assert!(
        report
            .warnings
            .iter()
            .any(|line| line.contains("one.istio-ingress: spec.http[1]: never reached"))
    );
}

#[test]
fn documents_are_asked_by_age_then_by_name() {
    let rule = |path: &str| format!("- match: [{{uri: {{prefix: {path}}}}}]\n  {TO_A}");
    let old = virtual_service("z", &rule("/z"))
        .replace("name: z,", "name: z, creationTimestamp: '2020-01-01T00:00:00Z',");
    let text = format!(
        "{BASE}{}{}{old}",
        virtual_service("d10", &rule("/d")),
        virtual_service("d1", &rule("/c"))
    );
    assert_eq!(routes(&text), ["z/http[0]", "d1/http[0]", "d10/http[0]"]);
}

#[test]
fn endpoints_have_the_most_specific_port() {
    let text = format!("{BASE}{}", virtual_service("web", &format!("- {TO_A}")));
    let described = describe(&plan(&text));
    assert!(described.contains("127.0.0.1:8080 127.0.0.2:9000"), "{described}");
    assert!(
        described.contains("listener 127.0.0.1:8080 (port 80) HTTP"),
        "{described}"
    );
}

#[test]
fn the_tls_rules_of_an_upstream_are_istios() {
    let cases = [
        ("mode: SIMPLE", "Host"),
        ("mode: SIMPLE, sni: x.test", "ChainOnly"),
        ("mode: SIMPLE, sni: x.test, subjectAltNames: [y.test]", "AnyOf"),
        ("mode: SIMPLE, subjectAltNames: [y.test]", "AnyOf"),
        ("mode: DISABLE", "plain"),
    ];
    for (tls, expected) in cases {
        let rule = document(
            "DestinationRule",
            "a",
            &format!("host: a.test\ntrafficPolicy: {{tls: {{{tls}}}}}"),
        );
        let plan = plan(&format!(
            "{BASE}{rule}{}",
            virtual_service("web", &format!("- {TO_A}"))
        ));
        let found = match plan.upstreams[0].tls.as_ref().map(|tls| &tls.verify) {
            None => "plain",
            Some(VerifyName::Host) => "Host",
            Some(VerifyName::ChainOnly) => "ChainOnly",
            Some(VerifyName::AnyOf { and_host: false, .. }) => "AnyOf",
            Some(VerifyName::AnyOf { .. }) => "AnyOf and Host",
        };
        assert_eq!(found, expected, "{tls}");
    }
}

#[test]
fn port_settings_replace_the_rule_and_a_subset_overrides_both() {
    let rule = document(
        "DestinationRule",
        "a",
        "host: a.test
trafficPolicy:
  tls: {mode: SIMPLE}
  loadBalancer: {simple: RANDOM}
  portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {connectTimeout: 2s}}}]
subsets:
- {name: one, labels: {version: one}}
- {name: two, labels: {version: two}, trafficPolicy: {tls: {mode: SIMPLE, sni: s.test, subjectAltNames: [s.test]}}}",
    );
    let http = "- route:
  - {destination: {host: a.test, subset: one}, weight: 1}
  - {destination: {host: a.test, subset: two}, weight: 1}";
    let plan = plan(&format!("{BASE}{rule}{}", virtual_service("web", http)));
    let [one, two] = plan.upstreams.as_slice() else {
        panic!("{:?}", plan.upstreams)
    };
    assert!(one.tls.is_none() && two.tls.is_some());
    assert_eq!(
        (one.connect_timeout.as_secs(), two.connect_timeout.as_secs()),
        (2, 2)
    );
    assert_eq!(format!("{:?}", one.balance), "LeastRequest");
    assert_eq!(one.name(), "a.test:80:one");
}

#[test]
fn token_rules_are_sorted_by_issuer_and_look_where_they_are_told() {
    let rules = "jwtRules:
- {issuer: 'https://b', jwksUri: 'https://b/keys', audiences: ['https://aud/'], fromCookies: [z, a], fromHeaders: [{name: x-b}, {name: X-A, prefix: 'p '}]}
- {issuer: 'https://a', jwksUri: 'https://a/keys'}";
    let plan = plan(&format!(
        "{BASE}{}",
        document("RequestAuthentication", "users", rules)
    ));
    let [a, b] = plan.jwt_rules.as_slice() else {
        panic!("{:?}", plan.jwt_rules)
    };
    assert_eq!(a.issuer.as_deref(), Some("https://a"));
    assert_eq!(b.audiences, ["aud".into()]);
    let places = format!("{:?}", b.places);
    assert_eq!(
        places,
        r#"[Header("x-a", "p "), Header("x-b", ""), Cookie("a"), Cookie("z")]"#
    );
    assert_eq!(a.places.len(), 2);
}

#[test]
fn request_principals_divide_at_the_last_slash() {
    let any = || TextMatch::NotEmpty;
    let exact = |text: &str| TextMatch::Exact(text.into());
    let cases = [
        ("*", any(), any()),
        ("https://i/s/sub", exact("https://i/s"), exact("sub")),
        ("https://i/*", exact("https://i"), any()),
        (
            "https://i/pre*",
            exact("https://i"),
            TextMatch::Prefix("pre".into()),
        ),
        ("*/sub", any(), exact("sub")),
        ("*x/sub", TextMatch::Suffix("x".into()), exact("sub")),
        ("*/*", any(), exact("*")),
        ("i*", TextMatch::Prefix("i".into()), any()),
        ("*s", any(), TextMatch::Suffix("s".into())),
        ("https://i*", exact("https:/"), TextMatch::Prefix("i".into())),
    ];
    for (value, issuer, subject) in cases {
        let Pattern::Principal {
            issuer: found,
            subject: of,
        } = super::principal::request_principal(value)
        else {
            panic!("{value}")
        };
        assert_eq!(
            (format!("{found:?}"), format!("{of:?}")),
            (format!("{issuer:?}"), format!("{subject:?}")),
            "{value}"
        );
    }
}

#[test]
fn principals_of_the_mesh_stand_for_its_aliases() {
    let domains = ["acme.internal".to_owned(), "old.internal".to_owned()];
    let both = ["acme.internal/ns/n/sa/s", "old.internal/ns/n/sa/s"].as_slice();
    for (value, expected) in [
        ("cluster.local/ns/n/sa/s", both),
        ("acme.internal/ns/n/sa/s", both),
        ("acme*/ns/n/sa/s", both),
        ("other/ns/n/sa/s", &["other/ns/n/sa/s"]),
    ] {
        assert_eq!(
            super::principal::in_every_domain(value, &domains),
            expected,
            "{value}"
        );
    }
}

/// A condition that cannot be compared is an error: left out, the rule would let everyone in.
#[test]
fn a_principal_that_is_too_long_to_compare_is_refused() {
    let policy = |value: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
             metadata: {{name: p, namespace: istio-ingress}}\n\
             spec:\n  action: ALLOW\n  rules:\n  - from:\n    - source:\n        principals: [\"{value}\"]\n"
        )
    };
    let (_, report) = build(&policy(&format!("*/{}", "a-".repeat(2000))));
    assert!(
        report.errors.iter().any(|line| line.contains("principals[0]")),
        "{report:?}"
    );
    let (plan, report) = build(&policy("*/sa/proxy"));
    assert_eq!(report.errors, Vec::<String>::new());
    assert_eq!(plan.policies.allow[0].rules[0].from[0][0].values.len(), 1);
}

#[test]
fn a_message_names_file_line_document_and_field() {
    let text = format!(
        "{BASE}{}",
        virtual_service(
            "web",
            &format!("- {TO_A}\n  timeout: soon\n  retries: {{attempts: 1, retryOn: 5xx, perTryTimout: 1s}}")
        )
    );
    let (_, report) = build(&text);
    assert_eq!(
        report.errors,
        [
            "f.yaml:28: VirtualService/web.istio-ingress: spec.http[0].retries.perTryTimout: unknown field",
            "f.yaml:27: VirtualService/web.istio-ingress: spec.http[0].timeout: \"soon\" is no duration; write 1.5s, 250ms or 1h30m",
        ]
    );
}
