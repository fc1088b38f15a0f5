//! Which parts there are, on which ports, and what each is told: the tables of the design in code.

mod ports;
mod told;

pub(crate) use self::ports::{Choice, Ports};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::part::Part;
use crate::report::Endpoints;

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

    /// What a part that is left out has in `endpoints.json`: where it is expected.
    pub(crate) fn endpoints(&self, part: Part) -> Endpoints {
        let mut endpoints = Endpoints::from([(part.name().to_owned(), self.url(part))]);
        if matches!(part, Part::Proxy | Part::Gateway) {
            let admin = format!("http://{}", self.health(part));
            endpoints.insert(format!("{}-admin", part.name()), admin);
        }
        endpoints
    }

    /// The address that a person opens.
    pub(crate) fn entry(&self) -> String {
        let part = match self.topology {
            Topology::Private => Part::Frontend,
            Topology::Gke => Part::Gateway,
        };
        format!("http://localhost:{}", self.address(part).port())
    }
}

const FILE: &str = "settings.json";
