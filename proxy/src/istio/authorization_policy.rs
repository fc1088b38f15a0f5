//! `AuthorizationPolicy`, field for field as the API has it. Nothing is judged here.

use serde::Deserialize;

use super::common::{Anything, Selector};

/// A list that may be absent, which is not the same as empty.
pub(crate) type Values = Option<Vec<String>>;

/// `spec` of an AuthorizationPolicy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct AuthorizationPolicy {
    pub(crate) selector: Option<Selector>,
    pub(crate) target_ref: Option<Anything>,
    pub(crate) target_refs: Option<Anything>,
    pub(crate) action: Option<String>,
    pub(crate) provider: Option<Anything>,
    pub(crate) rules: Vec<Rule>,
}

/// `rules[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Rule {
    pub(crate) from: Option<Vec<From>>,
    pub(crate) to: Option<Vec<To>>,
    pub(crate) when: Option<Vec<Condition>>,
}

/// `from[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct From {
    pub(crate) source: Option<Source>,
}

/// `to[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct To {
    pub(crate) operation: Option<Operation>,
}

/// `from[].source`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Source {
    pub(crate) principals: Values,
    pub(crate) not_principals: Values,
    pub(crate) request_principals: Values,
    pub(crate) not_request_principals: Values,
    pub(crate) namespaces: Values,
    pub(crate) not_namespaces: Values,
    pub(crate) service_accounts: Values,
    pub(crate) not_service_accounts: Values,
    pub(crate) trust_domains: Values,
    pub(crate) not_trust_domains: Values,
    pub(crate) ip_blocks: Values,
    pub(crate) not_ip_blocks: Values,
    pub(crate) remote_ip_blocks: Values,
    pub(crate) not_remote_ip_blocks: Values,
}

/// `to[].operation`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Operation {
    pub(crate) hosts: Values,
    pub(crate) not_hosts: Values,
    pub(crate) ports: Values,
    pub(crate) not_ports: Values,
    pub(crate) methods: Values,
    pub(crate) not_methods: Values,
    pub(crate) paths: Values,
    pub(crate) not_paths: Values,
}

/// `when[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Condition {
    pub(crate) key: Option<String>,
    pub(crate) values: Values,
    pub(crate) not_values: Values,
}
