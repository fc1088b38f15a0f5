//! `proxy --upstream https://host`: the usual egress plan without documents. It is written as documents
//! and compiled like any others, so there is one way to a plan.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use chassis::env::Env;
use clap::Args;
use http::Uri;
use http::uri::Scheme;

use crate::istio::Documents;
use crate::istio::report::Report;

/// The other way to say where requests go.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct UpstreamFlags {
    /// Without documents: the one host that every request goes to, https://HOST[:PORT], over mutual TLS.
    #[arg(long, value_name = "URL", requires_all = ["client_cert", "client_key", "ca"])]
    upstream: Option<String>,
    /// Our certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "upstream")]
    client_cert: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long, value_name = "FILE", requires = "upstream")]
    client_key: Option<PathBuf>,
    /// The CA of the upstream's certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "upstream")]
    ca: Option<PathBuf>,
}

/// What stands for the flags.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    documents: String,
    mesh_config: String,
}

/// How messages name the file that is none.
const FILE: &str = "--upstream";

impl UpstreamFlags {
    /// The documents, if there is an upstream.
    pub(super) fn texts(&self, namespace: &str, env: &Env) -> Result<Option<Texts>> {
        let Some(url) = &self.upstream else {
            return Ok(None);
        };
        let uri: Uri = url
            .parse()
            .map_err(|error| anyhow!("--upstream {url}: {error}"))?;
        let host = uri
            .host()
            .unwrap_or("")
            .trim_start_matches('[')
            .trim_end_matches(']');
        let is_bare = uri.path_and_query().is_none_or(|path| path == "/");
        if uri.scheme() != Some(&Scheme::HTTPS) || host.is_empty() || !is_bare {
            bail!("--upstream {url}: https://HOST or https://HOST:PORT is needed");
        }
        let mut reader = env.reader();
        let listen = reader.parsed("PORT", "a port (1-65535)").unwrap_or(8080);
        let trusted = usize::from(reader.text("K_SERVICE").is_some());
        reader.finish()?;
        let file = |path: &Option<PathBuf>| quoted(path.as_deref().unwrap_or(Path::new("")));
        let (Some(cert), Some(key), Some(ca)) =
            (file(&self.client_cert), file(&self.client_key), file(&self.ca))
        else {
            bail!("the paths of certificates must be UTF-8");
        };
        let authority = uri.authority().map_or(host, |authority| authority.as_str());
        let port = uri.port_u16().unwrap_or(443);
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        // no SNI for addresses (RFC 6066, section 3); the name is checked all the same
        let sni = if is_address {
            String::new()
        } else {
            format!("\n      sni: {host:?}")
        };
        let resolution = if is_address { "STATIC" } else { "DNS" };
        let documents = format!(
            "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: egress, namespace: {namespace:?}}}
spec:
  servers:
  - port: {{number: {listen}, name: http, protocol: HTTP}}
    hosts: [\"*\"]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: egress, namespace: {namespace:?}}}
spec:
  hosts: [\"*\"]
  gateways: [egress]
  http:
  - name: upstream
    timeout: 3s
    rewrite: {{authority: {authority:?}}}
    headers: {{request: {{remove: [x-serverless-authorization]}}}}
    route:
    - destination: {{host: {host:?}, port: {{number: {port}}}}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: upstream, namespace: {namespace:?}}}
spec:
  hosts: [{host:?}]
  location: MESH_EXTERNAL
  ports: [{{number: {port}, name: https, protocol: HTTP}}]
  resolution: {resolution}
  endpoints: [{{address: {host:?}}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: upstream, namespace: {namespace:?}}}
spec:
  host: {host:?}
  trafficPolicy:
    connectionPool: {{tcp: {{connectTimeout: 1s}}}}
    tls:
      mode: MUTUAL
      clientCertificate: {cert}
      privateKey: {key}
      caCertificates: {ca}{sni}
      subjectAltNames: [{host:?}]
"
        );
        let mesh_config = format!(
            "\
meshConfig:
  pathNormalization: {{normalization: MERGE_SLASHES}}
  defaultConfig: {{gatewayTopology: {{numTrustedProxies: {trusted}}}}}
"
        );
        Ok(Some(Texts {
            documents,
            mesh_config,
        }))
    }
}

impl Texts {
    /// Adds them to what was read.
    pub(super) fn add(&self, documents: &mut Documents, has_mesh_config: bool, report: &mut Report) {
        documents.add_text(FILE, &self.documents, report);
        if !has_mesh_config {
            documents.add_mesh_config(FILE, &self.mesh_config, report);
        }
    }
}

/// A path as a JSON string, which is a YAML string.
fn quoted(path: &Path) -> Option<String> {
    path.to_str().and_then(|path| serde_json::to_string(path).ok())
}
