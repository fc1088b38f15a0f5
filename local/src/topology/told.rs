//! What each service is told: its command line and its variables.

use super::{LOOPBACK, PROJECT, Places, Settings, Topology};
use crate::part::Part;
use crate::stand_in::identity;

impl Settings {
    /// The arguments of a service's own command line.
    pub(crate) fn arguments(&self, part: Part, places: &Places) -> Vec<String> {
        let ports = &self.ports;
        let istio = |name: &str| places.istio.join(name).display().to_string();
        let state = |name: &str| places.state.join(name).display().to_string();
        let admin = |port: u16| format!("{LOOPBACK}:{port}");
        let told: Vec<(&str, String)> = match part {
            Part::Proxy => vec![
                ("--config", istio("egress")),
                ("--mesh-config", istio("mesh-config-egress.yaml")),
                ("--namespace", "cloud-run".to_owned()),
                ("--labels", "app=proxy".to_owned()),
                ("--bind", LOOPBACK.to_string()),
                ("--admin", admin(ports.proxy_admin)),
            ],
            Part::Gateway => vec![
                ("--config", istio(self.topology.folder())),
                ("--config", state("registry")),
                ("--mesh-config", istio("mesh-config.yaml")),
                ("--secrets", state("secrets")),
                ("--namespace", "istio-ingress".to_owned()),
                ("--labels", "istio=ingress".to_owned()),
                ("--bind", LOOPBACK.to_string()),
                ("--admin", admin(ports.gateway_admin)),
                ("--port-map", self.port_map()),
            ],
            _ => Vec::new(),
        };
        told.into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .collect()
    }

    fn port_map(&self) -> String {
        let (http, https) = (self.ports.gateway_http, self.ports.gateway_https);
        match self.topology {
            Topology::Private => format!("443:{https}"),
            Topology::Gke => format!("80:{http},443:{https}"),
        }
    }

    /// The variables of a service. An empty value stands for itself.
    pub(crate) fn variables(&self, part: Part, places: &Places) -> Vec<(&'static str, String)> {
        let mut variables = vec![("GOOGLE_CLOUD_PROJECT", PROJECT.to_owned())];
        variables.extend(match part {
            Part::Backend => self.listener(part),
            Part::Gateway => self.gateway_variables(),
            Part::Proxy => self.proxy_variables(places),
            Part::Frontend => self.frontend_variables(places),
            Part::Identity | Part::Metadata | Part::FrontDoor => Vec::new(),
        });
        variables
    }

    fn listener(&self, part: Part) -> Vec<(&'static str, String)> {
        let address = self.address(part);
        vec![
            ("PORT", address.port().to_string()),
            ("LISTEN_ADDRESS", address.ip().to_string()),
        ]
    }

    fn gateway_variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AUTH_JWKS_URI", self.url(Part::Identity) + identity::JWKS),
            ("PUBLIC_HOST", "*".to_owned()),
            ("HTTPS_REDIRECT", "false".to_owned()),
        ]
    }

    fn proxy_variables(&self, places: &Places) -> Vec<(&'static str, String)> {
        vec![
            ("PORT", self.ports.proxy.to_string()),
            ("GATEWAY_ADDRESS", LOOPBACK.to_string()),
            ("GATEWAY_PORT", self.ports.gateway_https.to_string()),
            ("CLIENT_CERT", places.pki("client.crt")),
            ("CLIENT_KEY", places.pki("client.key")),
            ("CLIENT_CA", places.pki("ca.crt")),
        ]
    }

    fn frontend_variables(&self, places: &Places) -> Vec<(&'static str, String)> {
        let mut variables = self.listener(Part::Frontend);
        variables.extend([
            ("AUTH_APIKEY", "demo-key".to_owned()),
            ("IDENTITY_PROVIDERS", "google.com".to_owned()),
            (
                "FIREBASE_AUTH_EMULATOR_HOST",
                self.address(Part::Identity).to_string(),
            ),
            (
                "SESSION_KEYS_FILE",
                places.state.join("session.key").display().to_string(),
            ),
        ]);
        variables.extend(match self.topology {
            Topology::Private => vec![
                ("PROXY_URL", self.url(Part::FrontDoor)),
                ("GCE_METADATA_HOST", self.address(Part::Metadata).to_string()),
            ],
            Topology::Gke => vec![
                ("PROXY_URL", self.url(Part::Gateway)),
                ("PROXY_AUDIENCE", String::new()), // no service token: the gateway is public
                ("TRUSTED_HOPS", "1".to_owned()),
                ("API_TOKEN_COOKIE", "acme_api_token".to_owned()),
            ],
        });
        variables
    }
}
