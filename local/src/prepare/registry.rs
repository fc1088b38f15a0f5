//! ServiceEntries for the cluster's Services. In a cluster istiod knows them from Kubernetes; the
//! gateway on a laptop reads them here, so the documents in `istio/` name the same hosts in both.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Result, bail};

use crate::files;

/// A Service as the documents in `istio/` know it.
struct Service<'a> {
    name: &'a str,
    namespace: &'a str,
    /// HOST:PORT where it really listens.
    endpoint: &'a str,
}

/// The Services' own port, as in `k8s/`.
const SERVICE_PORT: u16 = 80;

/// Writes `registry/backend.yaml` and `registry/frontend.yaml`.
pub(crate) fn write(directory: &Path, backend: &str, frontend: &str) -> Result<()> {
    let services = [
        Service {
            name: "backend",
            namespace: "api",
            endpoint: backend,
        },
        Service {
            name: "frontend",
            namespace: "public",
            endpoint: frontend,
        },
    ];
    for service in services {
        let path = directory.join("registry").join(format!("{}.yaml", service.name));
        files::write_if_changed(&path, document(&service)?.as_bytes(), files::PUBLIC)?;
    }
    Ok(())
}

/// An address is STATIC, a name is resolved: DNS. No `exportTo`: Istio's default is every namespace.
fn document(service: &Service<'_>) -> Result<String> {
    let Service {
        name,
        namespace,
        endpoint,
    } = service;
    let (host, port) = split(name, endpoint)?;
    let resolution = if host.parse::<IpAddr>().is_ok() {
        "STATIC"
    } else {
        "DNS"
    };
    Ok(format!(
        r#"# The Service {name} of namespace {namespace}, as the cluster's registry would tell it.
# Written by `local prepare`; read by the gateway on a laptop, never applied to a cluster.
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: {name}
  namespace: {namespace}
spec:
  hosts:
  - {name}.{namespace}.svc.cluster.local
  location: MESH_INTERNAL
  resolution: {resolution}
  ports:
  - number: {SERVICE_PORT}
    name: http
    protocol: HTTP
  endpoints:
  - address: "{host}"
    ports:
      http: {port}
"#
    ))
}

fn split<'a>(name: &str, endpoint: &'a str) -> Result<(&'a str, u16)> {
    let parts = endpoint.rsplit_once(':').map(|(host, port)| (host, port.parse()));
    match parts {
        Some((host, Ok(port))) if port != 0 => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
            if !host.is_empty() && host.chars().all(clean) {
                return Ok((host, port));
            }
        }
        _ => {}
    }
    bail!("--{name} {endpoint:?} is not HOST:PORT, 127.0.0.1:8082 for instance")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_static_and_a_name_is_resolved() {
        let of = |endpoint| {
            document(&Service {
                name: "backend",
                namespace: "api",
                endpoint,
            })
            .unwrap()
        };
        let address = of("127.0.0.1:8082");
        assert!(address.contains("resolution: STATIC"), "{address}");
        assert!(address.contains("http: 8082"), "{address}");
        assert!(of("backend:80").contains("resolution: DNS"));
        assert!(of("[::1]:80").contains("address: \"::1\""));
    }

    #[test]
    fn what_is_not_an_endpoint_is_refused_by_its_flag() {
        for endpoint in ["", "8082", "host:", "host:0", "host:x", ":80", "a\nb:80"] {
            let error = split("backend", endpoint).unwrap_err().to_string();
            assert!(error.starts_with("--backend"), "{error}");
        }
    }
}
