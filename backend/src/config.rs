//! What the backend is told: a port, and perhaps where to show metrics.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Result;
use chassis::access::AccessLog;
use chassis::env::Env;
use clap::{Parser, Subcommand};

/// The private microservice: `/api/secure.json` and `/api/healthz`.
///
/// It is configured by environment variables: PORT (8080), LISTEN_ADDRESS (0.0.0.0), METRICS_ADDRESS
/// (unset: no metrics), RUST_LOG (info).
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "backend", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Asks the running backend's /health/ready; exits with 0 or 1.
    Healthcheck,
}

impl Arguments {
    /// Whether only a question is to be asked.
    pub fn is_healthcheck(&self) -> bool {
        matches!(self.command, Some(Command::Healthcheck))
    }
}

/// The backend's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `LISTEN_ADDRESS` and `PORT`: where the API listens. Default `0.0.0.0:8080`.
    pub listen: SocketAddr,
    /// `METRICS_ADDRESS`: where `/metrics` is served. Unset: nowhere, and never on the API's port.
    pub metrics: Option<SocketAddr>,
    /// Where access records go. Default: JSON lines on stdout.
    pub access_log: AccessLog,
    /// The name in access records. Default `backend`.
    pub service: String,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Every variable that cannot be read, at once.
    pub fn new(_: &Arguments, env: &Env) -> Result<Config> {
        let mut reader = env.reader();
        let port = reader.parsed("PORT", "a port (0-65535)").unwrap_or(8080);
        let host: Option<IpAddr> = reader.parsed("LISTEN_ADDRESS", "an IP address");
        let metrics = reader.parsed("METRICS_ADDRESS", "an address like 127.0.0.1:9464");
        reader.finish()?;
        Ok(Config {
            listen: SocketAddr::new(host.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), port),
            metrics,
            access_log: AccessLog::stdout(),
            service: "backend".to_owned(),
        })
    }
}
