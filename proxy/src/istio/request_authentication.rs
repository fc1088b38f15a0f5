//! `RequestAuthentication`, field for field as the API has it. Nothing is judged here.

use serde::Deserialize;

use super::common::{Anything, Selector};

/// `spec` of a RequestAuthentication.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RequestAuthentication {
    pub(crate) selector: Option<Selector>,
    pub(crate) target_ref: Option<Anything>,
    pub(crate) target_refs: Option<Anything>,
    pub(crate) jwt_rules: Vec<JwtRule>,
}

/// `jwtRules[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct JwtRule {
    pub(crate) issuer: Option<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) jwks_uri: Option<String>,
    /// The one old spelling that the API still has.
    #[serde(rename = "jwks_uri")]
    pub(crate) jwks_uri_snake: Option<String>,
    pub(crate) jwks: Option<String>,
    pub(crate) from_headers: Vec<JwtHeader>,
    pub(crate) from_params: Vec<String>,
    pub(crate) from_cookies: Vec<String>,
    pub(crate) output_payload_to_header: Option<String>,
    pub(crate) forward_original_token: Option<bool>,
    pub(crate) output_claim_to_headers: Vec<ClaimToHeader>,
    pub(crate) timeout: Option<String>,
    pub(crate) space_delimited_claims: Vec<String>,
}

/// `fromHeaders[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct JwtHeader {
    pub(crate) name: Option<String>,
    pub(crate) prefix: Option<String>,
}

/// `outputClaimToHeaders[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ClaimToHeader {
    pub(crate) header: Option<String>,
    pub(crate) claim: Option<String>,
}
