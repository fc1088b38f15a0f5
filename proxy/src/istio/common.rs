//! What several kinds share: metadata, selectors, string matchers, percentages.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A mapping of text to text.
pub(crate) type Labels = BTreeMap<String, String>;

/// `metadata`, with what the API server writes into it; that part is read and not used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) labels: Labels,
    pub(crate) annotations: Labels,
    pub(crate) creation_timestamp: Option<String>,
    pub(crate) generate_name: Option<String>,
    pub(crate) generation: Option<i64>,
    pub(crate) resource_version: Option<String>,
    pub(crate) uid: Option<String>,
    pub(crate) self_link: Option<String>,
    pub(crate) finalizers: Vec<String>,
    pub(crate) owner_references: Vec<Anything>,
    pub(crate) managed_fields: Vec<Anything>,
}

/// Something that is there and not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Anything, D::Error> {
        Ok(Anything)
    }
}

/// `StringMatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct StringMatch {
    pub(crate) exact: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) regex: Option<String>,
}

/// `WorkloadSelector` of the security API.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Selector {
    pub(crate) match_labels: Labels,
}

/// `Percent`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Percent {
    pub(crate) value: Option<f64>,
}
