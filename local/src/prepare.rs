//! What a laptop needs on disk before anything starts: certificates, the secrets directory and the
//! registry documents. In the cloud these come from a certificate authority, from Kubernetes secrets and
//! from the cluster's own Services.

mod certificates;
mod registry;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use ring::rand::SecureRandom;

use crate::files;

/// `local prepare DIR`.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Where `pki/`, `secrets/` and `registry/` go
    directory: PathBuf,
    /// Where the Service `backend` really listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8082")]
    backend: String,
    /// Where the Service `frontend` really listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8083")]
    frontend: String,
    /// Also write what only the proxy reads there: cert/tls.crt, key/tls.key, ca/ca.crt
    #[arg(long, value_name = "DIR")]
    proxy_dir: Option<PathBuf>,
    /// Also write what only the private gateway reads there: secrets/, registry/
    #[arg(long, value_name = "DIR")]
    gateway_dir: Option<PathBuf>,
    /// Also write what only the front end reads there: session.key
    #[arg(long, value_name = "DIR")]
    frontend_dir: Option<PathBuf>,
}

impl Arguments {
    /// Writes everything and ends.
    pub(crate) fn run(&self) -> Result<()> {
        all(&self.directory, &self.backend, &self.frontend)?;
        if let Some(directory) = &self.proxy_dir {
            proxy_share(&self.directory, directory)?;
        }
        if let Some(directory) = &self.gateway_dir {
            certificates::private_secrets(&self.directory, directory)?;
            registry::write(directory, &self.backend, &self.frontend)?;
        }
        if let Some(directory) = &self.frontend_dir {
            session_key(directory)?;
        }
        Ok(())
    }
}

/// Certificates (renewed when needed), secrets and registry. `backend` and `frontend` are HOST:PORT.
pub(crate) fn all(directory: &Path, backend: &str, frontend: &str) -> Result<()> {
    certificates::ensure(directory)?;
    certificates::secrets(directory, directory)?;
    registry::write(directory, backend, frontend)
}

/// The frontend's session key, made once: whoever deletes it signs everybody out.
pub(crate) fn session_key(directory: &Path) -> Result<PathBuf> {
    let path = directory.join("session.key");
    if !path.exists() {
        let mut key = [0_u8; 32];
        ring::rand::SystemRandom::new()
            .fill(&mut key)
            .map_err(|_| anyhow::anyhow!("the system gives no random bytes for {}", path.display()))?;
        let text = base64::engine::general_purpose::STANDARD.encode(key);
        files::write(&path, text.as_bytes(), files::PRIVATE)?;
    }
    Ok(path)
}

/// One directory per secret, because that is how Cloud Run mounts them.
fn proxy_share(from: &Path, to: &Path) -> Result<()> {
    let shares = [
        ("client.crt", "cert/tls.crt", files::PUBLIC),
        ("client.key", "key/tls.key", files::PRIVATE),
        ("ca.crt", "ca/ca.crt", files::PUBLIC),
    ];
    for (name, place, mode) in shares {
        let source = from.join("pki").join(name);
        let content = std::fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
        files::write_if_changed(&to.join(place), &content, mode)?;
    }
    Ok(())
}
