//! The command line, and the plan without documents.

use chassis::env::Env;
use clap::Parser;

use super::{Arguments, Config, Job, load};
use crate::plan::listener::ListenerKind;
use crate::plan::route::Action;
use crate::plan::upstream::{Trust, VerifyName};

fn arguments(line: &str) -> Arguments {
    Arguments::try_parse_from(line.split_whitespace()).unwrap()
}

fn config(line: &str, env: &Env) -> anyhow::Result<Config> {
    Config::new(&arguments(line), env)
}

#[test]
fn flags_say_whose_documents_are_read_and_where_they_listen() {
    let line = "proxy --config a --config b.yaml --labels app=proxy,tier=edge --namespace cloud-run \
                --bind 127.0.0.1 --admin 127.0.0.1:0 --port-map 80:8080,443:0";
    let config = config(line, &Env::default()).unwrap();
    assert_eq!(config.documents.len(), 2);
    assert_eq!(config.labels["tier"], "edge");
    assert_eq!(config.namespace, "cloud-run");
    assert_eq!(config.bind.to_string(), "127.0.0.1");
    assert_eq!(config.port_map[&443], 0);
    assert_eq!(config.service, "proxy");
}

#[test]
fn without_flags_probes_reach_the_admin_port() {
    let config = config("proxy --config a", &Env::default()).unwrap();
    assert_eq!(config.admin.to_string(), "0.0.0.0:9081");
    assert_eq!(config.bind.to_string(), "0.0.0.0");
    assert_eq!(config.namespace, "default");
    assert!(config.access_log.is_on());
}

#[test]
fn the_access_log_can_be_switched_off() {
    let config = config("proxy --config a --access-log off", &Env::default()).unwrap();
    assert!(!config.access_log.is_on());
}

#[test]
fn check_takes_the_same_flags_and_paths() {
    let arguments = arguments("proxy check --namespace shop --strict a b");
    assert!(matches!(arguments.job(), Job::Check { strict: true }));
    let config = Config::new(&arguments, &Env::default()).unwrap();
    assert_eq!((config.documents.len(), config.namespace.as_str()), (2, "shop"));
}

#[test]
fn an_upstream_is_the_usual_egress_plan() {
    let line =
        "proxy --upstream https://services.acme.internal --client-cert c.crt --client-key c.key --ca ca.crt";
    let plan = load(&config(line, &Env::from_iter([("PORT", "8084")])).unwrap()).unwrap();
    assert_eq!(plan.listeners[0].address.to_string(), "0.0.0.0:8084");
    let ListenerKind::Plain(hosts) = &plan.listeners[0].kind else {
        panic!("TLS")
    };
    let Action::Forward(forward) = &*hosts.any.as_ref().unwrap().routes[0].action else {
        panic!("no route")
    };
    assert_eq!(
        forward.authority_rewrite.as_deref(),
        Some("services.acme.internal")
    );
    assert_eq!(forward.destinations[0].upstream, Some(0));
    let tls = plan.upstreams[0].tls.as_ref().unwrap();
    assert_eq!(tls.sni.as_deref(), Some("services.acme.internal"));
    assert!(matches!(&tls.trust, Trust::File { ca, .. } if ca.to_str() == Some("ca.crt")));
    assert!(matches!(&tls.verify, VerifyName::AnyOf { names, and_host: false } if names.len() == 1));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for line in [
        "proxy",
        "proxy --config a --upstream https://b --client-cert c --client-key k --ca r",
        "proxy --upstream http://b --client-cert c --client-key k --ca r",
        "proxy --upstream https://b/path --client-cert c --client-key k --ca r",
    ] {
        assert!(config(line, &Env::default()).is_err(), "{line}");
    }
    for line in [
        "proxy --upstream https://b",
        "proxy --config a --port-map 80",
        "proxy --labels x",
        "proxy --nope",
    ] {
        assert!(
            Arguments::try_parse_from(line.split_whitespace()).is_err(),
            "{line}"
        );
    }
}
