//! The gateway under test, as a process with the case's documents: the proxy, or Envoy for checking this harness.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chassis::access::Record;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::case::Case;
use crate::material::Material;
use crate::ports::Ports;

/// A started gateway. It is killed when this is dropped.
pub(crate) struct Gateway {
    process: Child,
    folder: PathBuf,
}

/// The recorded port of the admin listener.
pub(crate) const ADMIN: u16 = 31000;

impl Gateway {
    /// Starts the gateway and waits until it says that it is ready.
    pub(crate) async fn start(case: &Case, ports: &Ports, material: &Material) -> Result<Self, String> {
        let admin = ports.actual(ADMIN);
        // the admin port is nobody else's, so another run at the same time has other folders
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{admin}", case.name));
        let not_started = |e: io::Error| format!("could not be started: {e}");
        let process = Self::spawn(case, ports, material, &folder).map_err(not_started)?;
        let mut gateway = Self { process, folder };
        gateway
            .wait_until_ready(SocketAddr::from((Ipv4Addr::LOCALHOST, admin)))
            .await?;
        Ok(gateway)
    }

    fn spawn(case: &Case, ports: &Ports, material: &Material, folder: &Path) -> io::Result<Child> {
        fs::create_dir_all(folder)?;
        let mut command = match std::env::var_os("CONFORMANCE_ENVOY") {
            Some(envoy) => Self::envoy(Path::new(&envoy), case, ports, material, folder)?,
            None => Self::proxy(case, ports, material, folder)?,
        };
        let output = File::create(folder.join(OUTPUT))?;
        // a refusal to start is to be read, not how it came about
        command.env("RUST_BACKTRACE", "0");
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        command.kill_on_drop(true).spawn()
    }

    fn proxy(case: &Case, ports: &Ports, material: &Material, folder: &Path) -> io::Result<Command> {
        let copy = |file: &str| -> io::Result<PathBuf> {
            let moved = ports.rewrite(&fs::read_to_string(case.folder.join(file))?);
            fs::write(folder.join(file), moved)?;
            Ok(folder.join(file))
        };
        let variables = material.variables()?;
        let labels: Vec<_> = case
            .gateway
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_proxy"));
        command.arg("--config").arg(copy("istio.yaml")?);
        command.args([
            "--namespace",
            &case.gateway.namespace,
            "--labels",
            &labels.join(","),
        ]);
        command.args([
            "--secrets",
            &variables[1].1,
            "--admin",
            &format!("127.0.0.1:{}", ports.actual(ADMIN)),
        ]);
        if case.folder.join("mesh-config.yaml").exists() {
            command.arg("--mesh-config").arg(copy("mesh-config.yaml")?);
        }
        command.envs(variables);
        Ok(command)
    }

    fn envoy(
        envoy: &Path,
        case: &Case,
        ports: &Ports,
        material: &Material,
        folder: &Path,
    ) -> io::Result<Command> {
        let mut text = ports.rewrite(&fs::read_to_string(case.folder.join("envoy.json"))?);
        let access_log = folder.join("access.log").display().to_string();
        for (name, value) in material
            .variables()?
            .iter()
            .map(|(n, v)| (*n, v))
            .chain([("ACCESS_LOG", &access_log)])
        {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        fs::write(folder.join("envoy.json"), text)?;
        let mut command = Command::new(envoy);
        command.arg("-c").arg(folder.join("envoy.json"));
        command.args([
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "--log-level",
            "critical",
        ]);
        Ok(command)
    }

    async fn wait_until_ready(&mut self, admin: SocketAddr) -> Result<(), String> {
        let path = if std::env::var_os("CONFORMANCE_ENVOY").is_some() {
            "/ready"
        } else {
            "/health/ready"
        };
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = self.ended() {
                return Err(format!("ended at its start, {status}\n{}", self.output()));
            }
            if is_ok(admin, path).await.unwrap_or(false) {
                return Ok(());
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
        Err(format!(
            "{path} on {admin} was not 200 within {} s\n{}",
            START.as_secs(),
            self.output()
        ))
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// The response flags of a request in the access log. A line that must come is waited for.
    pub(crate) async fn flags(&self, trace: &str, waits: bool) -> Option<String> {
        let deadline = Instant::now() + if waits { LOGGED } else { Duration::from_millis(20) };
        loop {
            let output = fs::read_to_string(self.folder.join(OUTPUT)).unwrap_or_default();
            let records = output.lines().rev().filter(|line| line.starts_with('{'));
            let mut records = records.filter_map(|line| serde_json::from_str::<Record>(line).ok());
            if let Some(record) = records.find(|record| record.trace == trace) {
                return Some(record.flag.unwrap_or_else(|| "-".to_owned()));
            }
            if Instant::now() > deadline {
                return None;
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// The last of what it printed.
    pub(crate) fn output(&self) -> String {
        let output = fs::read_to_string(self.folder.join(OUTPUT)).unwrap_or_default();
        let lines: Vec<_> = output.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    /// Kills it; how a gateway stops gracefully is tested elsewhere.
    pub(crate) async fn stop(mut self) {
        let _ = self.process.kill().await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn is_ok(admin: SocketAddr, path: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(admin).await?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut status_line = [0; 12];
    stream.read_exact(&mut status_line).await?;
    Ok(&status_line == b"HTTP/1.1 200")
}

const LOGGED: Duration = Duration::from_secs(2);
const START: Duration = Duration::from_secs(15);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);
const LAST_LINES: usize = 12;
const OUTPUT: &str = "output";
