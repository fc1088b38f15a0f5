//! `DestinationRule`, field for field as the API has it. Nothing is judged here: an enum is text.

use serde::Deserialize;

use super::common::{Anything, Labels};

/// `spec` of a DestinationRule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DestinationRule {
    pub(crate) host: Option<String>,
    pub(crate) traffic_policy: Option<TrafficPolicy>,
    pub(crate) subsets: Vec<Subset>,
    pub(crate) export_to: Vec<String>,
    pub(crate) workload_selector: Option<Anything>,
}

/// `subsets[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Subset {
    pub(crate) name: Option<String>,
    pub(crate) labels: Labels,
    pub(crate) traffic_policy: Option<TrafficPolicy>,
}

/// `trafficPolicy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TrafficPolicy {
    pub(crate) load_balancer: Option<LoadBalancer>,
    pub(crate) connection_pool: Option<ConnectionPool>,
    pub(crate) outlier_detection: Option<OutlierDetection>,
    pub(crate) tls: Option<ClientTls>,
    pub(crate) port_level_settings: Vec<PortPolicy>,
    pub(crate) tunnel: Option<Anything>,
    pub(crate) proxy_protocol: Option<Anything>,
    pub(crate) retry_budget: Option<RetryBudget>,
}

/// `portLevelSettings[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PortPolicy {
    pub(crate) port: Option<PortSelector>,
    pub(crate) load_balancer: Option<LoadBalancer>,
    pub(crate) connection_pool: Option<ConnectionPool>,
    pub(crate) outlier_detection: Option<OutlierDetection>,
    pub(crate) tls: Option<ClientTls>,
}

/// `port` of a port-level setting.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PortSelector {
    pub(crate) number: Option<i64>,
}

/// `loadBalancer`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LoadBalancer {
    pub(crate) simple: Option<String>,
    pub(crate) consistent_hash: Option<ConsistentHash>,
    pub(crate) locality_lb_setting: Option<Anything>,
    pub(crate) warmup: Option<Anything>,
    pub(crate) warmup_duration_secs: Option<Anything>,
}

/// `consistentHash`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ConsistentHash {
    pub(crate) http_header_name: Option<String>,
    pub(crate) http_cookie: Option<HttpCookie>,
    pub(crate) use_source_ip: Option<bool>,
    pub(crate) http_query_parameter_name: Option<String>,
    pub(crate) ring_hash: Option<RingHash>,
    pub(crate) maglev: Option<Maglev>,
    pub(crate) minimum_ring_size: Option<i64>,
}

/// `consistentHash.httpCookie`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HttpCookie {
    pub(crate) name: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) ttl: Option<String>,
    pub(crate) attributes: Option<Anything>,
}

/// `consistentHash.ringHash`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RingHash {
    pub(crate) minimum_ring_size: Option<i64>,
}

/// `consistentHash.maglev`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Maglev {
    pub(crate) table_size: Option<i64>,
}

/// `connectionPool`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ConnectionPool {
    pub(crate) tcp: Option<TcpSettings>,
    pub(crate) http: Option<HttpSettings>,
}

/// `connectionPool.tcp`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TcpSettings {
    pub(crate) max_connections: Option<i64>,
    pub(crate) connect_timeout: Option<String>,
    pub(crate) tcp_keepalive: Option<TcpKeepalive>,
    pub(crate) max_connection_duration: Option<String>,
    pub(crate) idle_timeout: Option<String>,
}

/// `connectionPool.tcp.tcpKeepalive`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TcpKeepalive {
    pub(crate) probes: Option<i64>,
    pub(crate) time: Option<String>,
    pub(crate) interval: Option<String>,
}

/// `connectionPool.http`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HttpSettings {
    pub(crate) http1_max_pending_requests: Option<i64>,
    pub(crate) http2_max_requests: Option<i64>,
    pub(crate) max_requests_per_connection: Option<i64>,
    pub(crate) max_retries: Option<i64>,
    pub(crate) idle_timeout: Option<String>,
    pub(crate) h2_upgrade_policy: Option<String>,
    pub(crate) use_client_protocol: Option<bool>,
    pub(crate) max_concurrent_streams: Option<i64>,
}

/// `outlierDetection`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct OutlierDetection {
    pub(crate) consecutive_errors: Option<i64>,
    pub(crate) split_external_local_origin_errors: Option<bool>,
    pub(crate) consecutive_local_origin_failures: Option<i64>,
    pub(crate) consecutive_gateway_errors: Option<i64>,
    #[serde(rename = "consecutive5xxErrors")]
    pub(crate) consecutive_5xx_errors: Option<i64>,
    pub(crate) interval: Option<String>,
    pub(crate) base_ejection_time: Option<String>,
    pub(crate) max_ejection_percent: Option<i64>,
    pub(crate) min_health_percent: Option<i64>,
}

/// `retryBudget`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RetryBudget {
    pub(crate) percent: Option<f64>,
    pub(crate) min_retry_concurrency: Option<i64>,
}

/// `tls`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ClientTls {
    pub(crate) mode: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) private_key: Option<String>,
    pub(crate) ca_certificates: Option<String>,
    pub(crate) credential_name: Option<String>,
    pub(crate) subject_alt_names: Vec<String>,
    pub(crate) sni: Option<String>,
    pub(crate) insecure_skip_verify: Option<bool>,
    pub(crate) ca_crl: Option<String>,
}
