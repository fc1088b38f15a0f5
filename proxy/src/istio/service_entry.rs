//! `ServiceEntry`, field for field as the API has it. Nothing is judged here: an enum is text.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::common::{Anything, Labels};

/// `spec` of a ServiceEntry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServiceEntry {
    pub(crate) hosts: Vec<String>,
    pub(crate) addresses: Vec<String>,
    pub(crate) ports: Vec<Port>,
    pub(crate) location: Option<String>,
    pub(crate) resolution: Option<String>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) workload_selector: Option<Anything>,
    pub(crate) export_to: Vec<String>,
    pub(crate) subject_alt_names: Vec<String>,
}

/// `ports[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Port {
    pub(crate) number: Option<i64>,
    pub(crate) protocol: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) target_port: Option<i64>,
}

/// `endpoints[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Endpoint {
    pub(crate) address: Option<String>,
    pub(crate) ports: BTreeMap<String, i64>,
    pub(crate) labels: Labels,
    pub(crate) network: Option<String>,
    pub(crate) locality: Option<String>,
    pub(crate) weight: Option<i64>,
    pub(crate) service_account: Option<String>,
}
