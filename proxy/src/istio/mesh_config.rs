//! `meshConfig` as in istiod's Helm values: the keys that mean something to a gateway of ours.

use serde::Deserialize;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Values {
    pub(crate) mesh_config: Option<MeshConfig>,
}

/// `meshConfig`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct MeshConfig {
    pub(crate) path_normalization: Option<PathNormalization>,
    pub(crate) default_config: Option<ProxyConfig>,
    pub(crate) trust_domain: Option<String>,
    pub(crate) trust_domain_aliases: Vec<String>,
}

/// `meshConfig.pathNormalization`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PathNormalization {
    pub(crate) normalization: Option<String>,
}

/// `meshConfig.defaultConfig`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ProxyConfig {
    pub(crate) gateway_topology: Option<GatewayTopology>,
}

/// `meshConfig.defaultConfig.gatewayTopology`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GatewayTopology {
    pub(crate) num_trusted_proxies: Option<i64>,
}
