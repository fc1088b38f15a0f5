//! `docker` and `docker-compose`, and a system that one of them runs.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::harness::workspace;

/// Names this run's projects, so that `./test` can take down what a killed test left behind.
const RUN: &str = "COMPOSE_TEST_RUN";
/// For a start, a stop and anything between: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(240);
/// How often the engine is asked.
const LOOK: Duration = Duration::from_millis(200);

/// The whole system in containers, taken down with its volumes when the value is dropped.
pub(crate) struct System {
    project: String,
    port: u16,
}

impl System {
    /// Starts it and waits until everything is healthy.
    pub(crate) fn start() -> System {
        let system = System::named();
        system.up(&[], "gateway");
        system
    }

    /// The same with real Envoy beside the gateway; the proxy calls the one or the other.
    pub(crate) fn start_with_envoy(gateway: &str) -> System {
        let system = System::named();
        system.up(&["--profile", "envoy"], gateway);
        system
    }

    /// Lets the proxy of a system with Envoy call the other one.
    pub(crate) fn switch(&self, gateway: &str) {
        self.up(&["--profile", "envoy"], gateway);
    }

    fn named() -> System {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let run = std::env::var(RUN).unwrap_or_else(|_| std::process::id().to_string());
        System {
            project: format!("acme-test-{run}-{serial}"),
            port: free.local_addr().unwrap().port(),
        }
    }

    fn up(&self, options: &[&str], gateway: &str) {
        let mut command = self.compose(options);
        said(command.env("GATEWAY", gateway).args(["up", "--detach"]));
        self.healthy("frontend");
        self.healthy("proxy");
    }

    /// v2 where it is installed, or else 1.29.
    fn compose(&self, options: &[&str]) -> Command {
        let is_v2 = Command::new("docker").args(["compose", "version"]).output();
        let mut command = match is_v2.is_ok_and(|output| output.status.success()) {
            true => {
                let mut command = Command::new("docker");
                command.arg("compose");
                command
            }
            false => Command::new("docker-compose"),
        };
        command
            .current_dir(workspace())
            .env("COMPOSE_PROJECT_NAME", &self.project)
            .env("PORT", self.port.to_string())
            .args(options);
        command
    }

    /// What a person opens.
    pub(crate) fn page(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The one port that is open to this machine.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The container of a service, running or not.
    pub(crate) fn container(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.project);
        let label = format!("label=com.docker.compose.service={service}");
        let id = docker(&["ps", "--all", "--quiet", "--filter", &project, "--filter", &label]);
        assert!(!id.is_empty(), "there is no container of {service}");
        id
    }

    /// One fact about a container, by a Go template.
    pub(crate) fn fact(&self, service: &str, template: &str) -> String {
        docker(&["inspect", "--format", template, &self.container(service)])
    }

    /// One fact about a network, by a Go template.
    pub(crate) fn network(&self, name: &str, template: &str) -> String {
        let name = format!("{}_{name}", self.project);
        docker(&["network", "inspect", "--format", template, &name])
    }

    /// Its addresses by network, without the project's name.
    pub(crate) fn addresses(&self, service: &str) -> Vec<(String, String)> {
        let template =
            "{{range $name, $it := .NetworkSettings.Networks}}{{$name}} {{$it.IPAddress}}\n{{end}}";
        let text = self.fact(service, template);
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        let short = |name: &str| name.trim_start_matches(&format!("{}_", self.project)).to_owned();
        pairs.map(|(name, ip)| (short(name), ip.to_owned())).collect()
    }

    /// Its address on one network; this machine can reach it there, other containers perhaps not.
    pub(crate) fn address(&self, service: &str, network: &str) -> String {
        let addresses = self.addresses(service);
        let found = addresses.iter().find(|(name, _)| name == network);
        found
            .unwrap_or_else(|| panic!("{service} is not on {network} but on {addresses:?}"))
            .1
            .clone()
    }

    /// Asks from inside a container, that is, from its network namespace with its resolver.
    pub(crate) fn probe(&self, from: &str, target: &str) -> Result<String, String> {
        let network = format!("container:{}", self.container(from));
        let image = self.fact("identity", "{{.Config.Image}}");
        let output = Command::new("docker")
            .args(["run", "--rm", "--network", &network, &image, "probe", target])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(
            !text.is_empty(),
            "probe: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        match output.status.success() {
            true => Ok(text),
            false => Err(text),
        }
    }

    /// Kills a service as a crash does.
    pub(crate) fn kill(&self, service: &str) {
        docker(&["kill", &self.container(service)]);
    }

    /// Starts it again and waits until it is healthy.
    pub(crate) fn start_again(&self, service: &str) {
        docker(&["start", &self.container(service)]);
        self.healthy(service);
    }

    fn healthy(&self, service: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.fact(service, "{{.State.Health.Status}}") != "healthy" {
            assert!(
                Instant::now() < deadline,
                "{service} does not become healthy:\n{}",
                self.logs(service)
            );
            std::thread::sleep(LOOK);
        }
    }

    /// What it printed.
    pub(crate) fn logs(&self, service: &str) -> String {
        let output = Command::new("docker")
            .args(["logs", &self.container(service)])
            .output();
        let output = output.unwrap();
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let mut down = self.compose(&["--profile", "envoy"]);
        let _ = down
            .args(["down", "--volumes", "--remove-orphans", "--timeout", "5"])
            .output();
    }
}

/// Runs `docker`; what it printed. Fails with what it said.
pub(crate) fn docker(arguments: &[&str]) -> String {
    said(Command::new("docker").args(arguments))
}

fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed; with no Docker engine leave it out: ./test --without compose\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
