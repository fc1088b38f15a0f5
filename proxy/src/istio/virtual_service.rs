//! `VirtualService`, field for field as the API has it. Nothing is judged here: an enum is text.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::common::{Anything, Labels, Percent, StringMatch};

/// `spec` of a VirtualService.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct VirtualService {
    pub(crate) hosts: Vec<String>,
    pub(crate) gateways: Vec<String>,
    pub(crate) http: Vec<HttpRoute>,
    pub(crate) tls: Option<Anything>,
    pub(crate) tcp: Option<Anything>,
    pub(crate) export_to: Vec<String>,
}

/// `http[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HttpRoute {
    pub(crate) name: Option<String>,
    #[serde(rename = "match")]
    pub(crate) matches: Vec<HttpMatch>,
    pub(crate) route: Vec<RouteDestination>,
    pub(crate) redirect: Option<Redirect>,
    pub(crate) direct_response: Option<DirectResponse>,
    pub(crate) delegate: Option<Anything>,
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) timeout: Option<String>,
    pub(crate) retries: Option<Retries>,
    pub(crate) fault: Option<Fault>,
    pub(crate) mirror: Option<Destination>,
    pub(crate) mirrors: Vec<Mirror>,
    pub(crate) mirror_percent: Option<Anything>,
    pub(crate) mirror_percentage: Option<Percent>,
    pub(crate) cors_policy: Option<CorsPolicy>,
    pub(crate) headers: Option<Headers>,
}

/// `http[].match[]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HttpMatch {
    pub(crate) name: Option<String>,
    pub(crate) uri: Option<StringMatch>,
    pub(crate) ignore_uri_case: bool,
    pub(crate) scheme: Option<StringMatch>,
    pub(crate) method: Option<StringMatch>,
    pub(crate) authority: Option<StringMatch>,
    pub(crate) headers: BTreeMap<String, StringMatch>,
    pub(crate) without_headers: BTreeMap<String, StringMatch>,
    pub(crate) query_params: BTreeMap<String, StringMatch>,
    pub(crate) port: Option<i64>,
    pub(crate) gateways: Vec<String>,
    pub(crate) source_labels: Option<Labels>,
    pub(crate) source_namespace: Option<String>,
    pub(crate) stat_prefix: Option<String>,
}

/// `http[].route[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RouteDestination {
    pub(crate) destination: Option<Destination>,
    pub(crate) weight: Option<i64>,
    pub(crate) headers: Option<Headers>,
}

/// `destination`, `mirror`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Destination {
    pub(crate) host: Option<String>,
    pub(crate) subset: Option<String>,
    pub(crate) port: Option<PortSelector>,
}

/// `port` of a destination.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PortSelector {
    pub(crate) number: Option<i64>,
}

/// `headers`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Headers {
    pub(crate) request: Option<HeaderOperations>,
    pub(crate) response: Option<HeaderOperations>,
}

/// `headers.request`, `headers.response`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HeaderOperations {
    pub(crate) set: Labels,
    pub(crate) add: Labels,
    pub(crate) remove: Vec<String>,
}

/// `rewrite`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Rewrite {
    pub(crate) uri: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) uri_regex_rewrite: Option<RegexRewrite>,
}

/// `rewrite.uriRegexRewrite`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RegexRewrite {
    #[serde(rename = "match")]
    pub(crate) pattern: Option<String>,
    pub(crate) rewrite: Option<String>,
}

/// `redirect`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Redirect {
    pub(crate) uri: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) port: Option<i64>,
    pub(crate) derive_port: Option<String>,
    pub(crate) scheme: Option<String>,
    pub(crate) redirect_code: Option<i64>,
}

/// `directResponse`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DirectResponse {
    pub(crate) status: Option<i64>,
    pub(crate) body: Option<Body>,
}

/// `directResponse.body`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Body {
    pub(crate) string: Option<String>,
    pub(crate) bytes: Option<String>,
}

/// `retries`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Retries {
    pub(crate) attempts: Option<i64>,
    pub(crate) per_try_timeout: Option<String>,
    pub(crate) retry_on: Option<String>,
    pub(crate) backoff: Option<String>,
    pub(crate) retry_remote_localities: Option<bool>,
    pub(crate) retry_ignore_previous_hosts: Option<bool>,
}

/// `fault`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Fault {
    pub(crate) delay: Option<Delay>,
    pub(crate) abort: Option<Abort>,
}

/// `fault.delay`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Delay {
    pub(crate) fixed_delay: Option<String>,
    pub(crate) exponential_delay: Option<String>,
    pub(crate) percent: Option<Anything>,
    pub(crate) percentage: Option<Percent>,
}

/// `fault.abort`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Abort {
    pub(crate) http_status: Option<i64>,
    pub(crate) grpc_status: Option<String>,
    #[serde(rename = "http2Error")]
    pub(crate) http2_error: Option<String>,
    pub(crate) percentage: Option<Percent>,
}

/// `mirrors[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Mirror {
    pub(crate) destination: Option<Destination>,
    pub(crate) percentage: Option<Percent>,
}

/// `corsPolicy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CorsPolicy {
    pub(crate) allow_origin: Option<Anything>,
    pub(crate) allow_origins: Vec<StringMatch>,
    pub(crate) allow_methods: Vec<String>,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) max_age: Option<String>,
    pub(crate) allow_credentials: Option<bool>,
    pub(crate) unmatched_preflights: Option<String>,
}
