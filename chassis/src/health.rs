//! `/health/{live,ready,startup}`, and the `healthcheck` subcommand that asks.
//!
//! Names that end in z are partly taken by Cloud Run's front end, hence these. Live: the process
//! answers. Startup: what it needs to begin is there, once. Ready: it wants traffic now, which ends when
//! it drains.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;

/// How long `healthcheck` waits for each step of its question.
const DEADLINE: Duration = Duration::from_secs(2);

/// The state that the probes see. Cheap to clone; every clone is the same state.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<State>);

#[derive(Debug, Default)]
struct State {
    started: AtomicBool,
    draining: AtomicBool,
}

impl Health {
    /// Neither started nor ready.
    pub fn starting() -> Health {
        Health::default()
    }

    /// Startup is over; from now on the process is ready until it drains.
    pub fn started(&self) {
        self.0.started.store(true, Ordering::Release);
    }

    /// No more traffic, please: readiness is off for good.
    pub fn draining(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Whether startup is over.
    pub fn is_started(&self) -> bool {
        self.0.started.load(Ordering::Acquire)
    }

    /// Whether traffic is welcome.
    pub fn is_ready(&self) -> bool {
        self.is_started() && !self.0.draining.load(Ordering::Acquire)
    }

    /// The answer for a path below `/health/`, or nothing if the path is not a probe's.
    pub fn answer(&self, path: &str) -> Option<(StatusCode, &'static str)> {
        let (good, good_text, bad_text) = match path {
            "/health/live" => (true, "alive\n", ""),
            "/health/startup" => (self.is_started(), "started\n", "starting\n"),
            "/health/ready" => (self.is_ready(), "ready\n", "not ready\n"),
            _ => return None,
        };
        Some(match good {
            true => (StatusCode::OK, good_text),
            false => (StatusCode::SERVICE_UNAVAILABLE, bad_text),
        })
    }
}

/// Asks `/health/ready` at an address; 0 when the answer is 200, 1 when not. For images without a shell.
#[allow(
    clippy::print_stderr,
    reason = "the answer to a question asked by hand or by a container engine"
)]
pub fn check(address: SocketAddr) -> ExitCode {
    match ask(reachable(address)) {
        Ok(200) => ExitCode::SUCCESS,
        Ok(status) => {
            eprintln!("http://{address}/health/ready answers {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("http://{address}/health/ready: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A listener on all addresses is asked on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

fn ask(address: SocketAddr) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    write!(
        stream,
        "GET /health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut head = [0_u8; 12]; // "HTTP/1.1 200"
    stream.read_exact(&mut head)?;
    std::str::from_utf8(&head[9..])
        .ok()
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_between_started_and_draining() {
        let health = Health::starting();
        let status = |path| health.answer(path).unwrap().0.as_u16();
        assert_eq!(
            (
                status("/health/live"),
                status("/health/ready"),
                status("/health/startup")
            ),
            (200, 503, 503)
        );
        health.started();
        assert_eq!((status("/health/ready"), status("/health/startup")), (200, 200));
        health.draining();
        assert_eq!(
            (
                status("/health/live"),
                status("/health/ready"),
                status("/health/startup")
            ),
            (200, 503, 200)
        );
        assert_eq!(health.answer("/healthz"), None);
    }

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        assert_eq!(
            reachable("0.0.0.0:9081".parse().unwrap()),
            "127.0.0.1:9081".parse().unwrap()
        );
        assert_eq!(
            reachable("[::]:9081".parse().unwrap()),
            "[::1]:9081".parse().unwrap()
        );
    }
}
