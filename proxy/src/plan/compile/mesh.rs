//! `meshConfig`: what holds for every listener.

use crate::istio::Document;
use crate::istio::mesh_config::MeshConfig;
use crate::istio::report::{At, Report};
use crate::plan::PathNormalization;

use super::value::{count, one_of};

/// Nobody has more proxies in front.
const MAX_HOPS: u32 = 32;

/// What `meshConfig` says, or its defaults.
#[derive(Clone, Debug)]
pub(crate) struct Mesh {
    /// `pathNormalization.normalization`.
    pub(crate) path: PathNormalization,
    /// `defaultConfig.gatewayTopology.numTrustedProxies`.
    pub(crate) trusted_hops: usize,
    /// `trustDomain`, then its aliases.
    pub(crate) trust_domains: Vec<String>,
}

/// Reads it.
pub(crate) fn compile(document: Option<&Document<MeshConfig>>, report: &mut Report) -> Mesh {
    let mut mesh = Mesh {
        path: PathNormalization::Base,
        trusted_hops: 0,
        trust_domains: vec!["cluster.local".to_owned()],
    };
    let Some(document) = document else { return mesh };
    let at = At::root(&document.about).key("meshConfig");
    let config = &document.spec;
    if let Some(text) = config
        .path_normalization
        .as_ref()
        .and_then(|path| path.normalization.as_ref())
    {
        const MODES: [(&str, PathNormalization); 5] = [
            ("DEFAULT", PathNormalization::Base),
            ("NONE", PathNormalization::None),
            ("BASE", PathNormalization::Base),
            ("MERGE_SLASHES", PathNormalization::MergeSlashes),
            (
                "DECODE_AND_MERGE_SLASHES",
                PathNormalization::DecodeAndMergeSlashes,
            ),
        ];
        let at = at.key("pathNormalization.normalization");
        mesh.path = one_of(text, &MODES, &at, report).unwrap_or_default();
    }
    let topology = config
        .default_config
        .as_ref()
        .and_then(|config| config.gateway_topology.as_ref());
    if let Some(hops) = topology.and_then(|topology| topology.num_trusted_proxies) {
        let at = at.key("defaultConfig.gatewayTopology.numTrustedProxies");
        match count(Some(hops), &at, report) {
            Some(hops) if hops > MAX_HOPS => report.error(&at, format!("{hops} is more than {MAX_HOPS}")),
            hops => mesh.trusted_hops = hops.unwrap_or(0) as usize,
        }
    }
    if let Some(domain) = config.trust_domain.as_ref().filter(|domain| !domain.is_empty()) {
        mesh.trust_domains = vec![domain.clone()];
    }
    mesh.trust_domains
        .extend(config.trust_domain_aliases.iter().cloned());
    mesh
}
