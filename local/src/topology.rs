//! Which parts there are, on which ports, and what each is told: the tables of the design in code.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::part::Part;
use crate::stand_in::identity;

/// The project every stand-in plays.
pub(crate) const PROJECT: &str = "demo-acme";
/// Everything on a laptop listens here.
pub(crate) const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// The two shapes of the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Topology {
    /// Front end and proxy on Cloud Run, backend on GKE
    #[default]
    Private,
    /// Everything on GKE behind one public gateway
    Gke,
}

impl Topology {
    /// The parts in the order in which they are started.
    pub(crate) fn parts(self) -> &'static [Part] {
        use Part::{Backend, FrontDoor, Frontend, Gateway, Identity, Metadata, Proxy};
        match self {
            Topology::Private => &[Identity, Metadata, Backend, Gateway, Proxy, FrontDoor, Frontend],
            Topology::Gke => &[Identity, Backend, Gateway, Frontend],
        }
    }

    /// The folder of its gateway's documents in `istio/`.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Topology::Private => "private",
            Topology::Gke => "gke",
        }
    }
}

/// Every port of the system, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) frontend: u16,
    pub(crate) front_door: u16,
    pub(crate) front_door_health: u16,
    pub(crate) proxy: u16,
    pub(crate) proxy_admin: u16,
    pub(crate) gateway_http: u16,
    pub(crate) gateway_https: u16,
    pub(crate) gateway_admin: u16,
    pub(crate) backend: u16,
    pub(crate) identity: u16,
    pub(crate) metadata: u16,
}

impl Ports {
    /// The ports that the documentation names.
    pub(crate) fn fixed(topology: Topology) -> Ports {
        Ports {
            frontend: if topology == Topology::Gke { 8083 } else { 8080 },
            front_door: 8081,
            front_door_health: 9082,
            proxy: 8084,
            proxy_admin: 9081,
            gateway_http: 8080,
            gateway_https: 8443,
            gateway_admin: 9443,
            backend: 8082,
            identity: 9099,
            metadata: 9098,
        }
    }

    /// Free ports, all held until the last is found, so that they differ.
    pub(crate) fn auto() -> Result<Ports> {
        let mut held = Vec::new();
        let mut free = || -> Result<u16> {
            let listener = TcpListener::bind((LOOPBACK, 0)).context("no free port")?;
            let port = listener.local_addr()?.port();
            held.push(listener);
            Ok(port)
        };
        Ok(Ports {
            frontend: free()?,
            front_door: free()?,
            front_door_health: free()?,
            proxy: free()?,
            proxy_admin: free()?,
            gateway_http: free()?,
            gateway_https: free()?,
            gateway_admin: free()?,
            backend: free()?,
            identity: free()?,
            metadata: free()?,
        })
    }
}

/// What the runner decided, kept so that `run PART` in another terminal decides the same.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) topology: Topology,
    pub(crate) ports: Ports,
}

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// `istio/`, as short as it can be written: it is in messages.
    pub(crate) istio: PathBuf,
    /// `target/local`, or what `--state` says.
    pub(crate) state: PathBuf,
    /// Whether that is the usual place.
    pub(crate) is_usual_state: bool,
}

impl Places {
    /// The checkout is where we stand, or else where we were built.
    pub(crate) fn find(state: Option<PathBuf>) -> Places {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = match Path::new("istio").is_dir() || !built.join("istio").is_dir() {
            true => PathBuf::new(),
            false => built.canonicalize().unwrap_or(built),
        };
        Places {
            istio: root.join("istio"),
            is_usual_state: state.is_none(),
            state: state.unwrap_or_else(|| root.join("target/local")),
        }
    }

    fn pki(&self, name: &str) -> String {
        self.state.join("pki").join(name).display().to_string()
    }
}

impl Settings {
    /// What a runner has kept here, or the documented ports of the private topology.
    pub(crate) fn load(state: &Path) -> Result<Settings> {
        let path = state.join(FILE);
        match std::fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("{} cannot be read; delete it", path.display())),
            Err(_) => Ok(Settings {
                topology: Topology::Private,
                ports: Ports::fixed(Topology::Private),
            }),
        }
    }

    /// Keeps them for the parts.
    pub(crate) fn save(&self, state: &Path) -> Result<()> {
        files::write(
            &state.join(FILE),
            &serde_json::to_vec_pretty(self)?,
            files::PUBLIC,
        )
    }

    /// Where a part listens first of all; for the gateway, where its users come in.
    pub(crate) fn address(&self, part: Part) -> SocketAddr {
        let ports = &self.ports;
        let port = match part {
            Part::Identity => ports.identity,
            Part::Metadata => ports.metadata,
            Part::Backend => ports.backend,
            Part::Gateway if self.topology == Topology::Gke => ports.gateway_http,
            Part::Gateway => ports.gateway_https,
            Part::Proxy => ports.proxy,
            Part::FrontDoor => ports.front_door,
            Part::Frontend => ports.frontend,
        };
        SocketAddr::from((LOOPBACK, port))
    }

    /// Where a part answers `/health/ready`.
    pub(crate) fn health(&self, part: Part) -> SocketAddr {
        match part {
            Part::Proxy => SocketAddr::from((LOOPBACK, self.ports.proxy_admin)),
            Part::Gateway => SocketAddr::from((LOOPBACK, self.ports.gateway_admin)),
            Part::FrontDoor => SocketAddr::from((LOOPBACK, self.ports.front_door_health)),
            _ => self.address(part),
        }
    }

    /// `http://127.0.0.1:PORT` of a part.
    pub(crate) fn url(&self, part: Part) -> String {
        let scheme = match (part, self.topology) {
            (Part::Gateway, Topology::Private) => "https",
            _ => "http",
        };
        format!("{scheme}://{}", self.address(part))
    }

    /// The address that a person opens.
    pub(crate) fn entry(&self) -> String {
        let part = match self.topology {
            Topology::Private => Part::Frontend,
            Topology::Gke => Part::Gateway,
        };
        format!("http://localhost:{}", self.address(part).port())
    }

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

const FILE: &str = "settings.json";
