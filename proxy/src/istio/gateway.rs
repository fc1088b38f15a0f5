//! `Gateway`, field for field as the API has it. Nothing is judged here: an enum is text.

use serde::Deserialize;

use super::common::{Anything, Labels};

/// `spec` of a Gateway.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Gateway {
    pub(crate) selector: Option<Labels>,
    pub(crate) servers: Vec<Server>,
}

/// `servers[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Server {
    pub(crate) port: Option<Port>,
    pub(crate) bind: Option<String>,
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) default_endpoint: Option<String>,
    pub(crate) name: Option<String>,
}

/// `servers[].port`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Port {
    pub(crate) number: Option<i64>,
    pub(crate) protocol: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) target_port: Option<i64>,
}

/// `servers[].tls`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServerTls {
    pub(crate) https_redirect: Option<bool>,
    pub(crate) mode: Option<String>,
    pub(crate) server_certificate: Option<String>,
    pub(crate) private_key: Option<String>,
    pub(crate) ca_certificates: Option<String>,
    pub(crate) ca_crl: Option<String>,
    pub(crate) credential_name: Option<String>,
    pub(crate) credential_names: Option<Anything>,
    pub(crate) tls_certificates: Option<Anything>,
    pub(crate) ca_cert_credential_name: Option<String>,
    pub(crate) subject_alt_names: Vec<String>,
    pub(crate) verify_certificate_spki: Option<Anything>,
    pub(crate) verify_certificate_hash: Option<Anything>,
    pub(crate) min_protocol_version: Option<String>,
    pub(crate) max_protocol_version: Option<String>,
    pub(crate) cipher_suites: Vec<String>,
}
