//! The ports: those that the documentation names, or free ones, or some of your own.

use std::net::TcpListener;
use std::str::FromStr;

use anyhow::{Result, bail};
use chassis::trace::random;
use serde::{Deserialize, Serialize};

use super::{LOOPBACK, Topology};

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

    /// Free ports of a block that nobody else takes while its first port is held: two runners that start
    /// at once never choose the same ones. Below the ports that systems give to outgoing connections.
    fn auto() -> Result<(Ports, TcpListener)> {
        let first = random();
        let bases = (0..BLOCKS).map(|n| LOWEST + BLOCK * ((first.wrapping_add(n) % BLOCKS) as u16));
        for base in bases {
            let free = |port: u16| TcpListener::bind((LOOPBACK, port)).ok();
            let Some(held) = free(base) else { continue };
            if (base + 1..base + BLOCK).all(|port| free(port).is_some()) {
                return Ok((Ports::from(base + 1), held));
            }
        }
        bail!(
            "no free ports between {LOWEST} and {}",
            LOWEST + BLOCK * BLOCKS as u16
        )
    }

    /// Ports in a row.
    fn from(first: u16) -> Ports {
        Ports {
            frontend: first,
            front_door: first + 1,
            front_door_health: first + 2,
            proxy: first + 3,
            proxy_admin: first + 4,
            gateway_http: first + 5,
            gateway_https: first + 6,
            gateway_admin: first + 7,
            backend: first + 8,
            identity: first + 9,
            metadata: first + 10,
        }
    }
}

/// Where `auto` looks for free ports.
const LOWEST: u16 = 20_000;
/// One port that is held, and at least as many as there are.
const BLOCK: u16 = 12;
const BLOCKS: u64 = 1000;

/// One word of `--ports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// `auto`: free ports for everything else.
    Auto,
    /// `NAME=PORT`.
    One(String, u16),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        if text == "auto" {
            return Ok(Choice::Auto);
        }
        let one = text
            .split_once('=')
            .and_then(|(name, port)| Some((name, port.parse().ok()?)));
        match one {
            Some((name, port)) if port != 0 => Ok(Choice::One(name.to_owned(), port)),
            _ => Err(format!("{text:?} is neither auto nor NAME=PORT")),
        }
    }
}

impl Ports {
    /// The documented ports or free ones, with single ones chosen by name. Free ones are ours while the
    /// listener is kept.
    pub(crate) fn chosen(topology: Topology, choices: &[Choice]) -> Result<(Ports, Option<TcpListener>)> {
        let (mut ports, held) = match choices.contains(&Choice::Auto) {
            true => Ports::auto().map(|(ports, held)| (ports, Some(held)))?,
            false => (Ports::fixed(topology), None),
        };
        for choice in choices {
            if let Choice::One(name, port) = choice {
                *ports.named(name, topology)? = *port;
            }
        }
        Ok((ports, held))
    }

    /// By the names in `endpoints.json`.
    fn named(&mut self, name: &str, topology: Topology) -> Result<&mut u16> {
        Ok(match name {
            "frontend" => &mut self.frontend,
            "front-door" => &mut self.front_door,
            "front-door-health" => &mut self.front_door_health,
            "proxy" => &mut self.proxy,
            "proxy-admin" => &mut self.proxy_admin,
            "gateway" if topology == Topology::Gke => &mut self.gateway_http,
            "gateway" | "gateway-https" => &mut self.gateway_https,
            "gateway-admin" => &mut self.gateway_admin,
            "backend" => &mut self.backend,
            "identity" => &mut self.identity,
            "metadata" => &mut self.metadata,
            _ => bail!("--ports {name}=…: nothing has that name; the names are those of endpoints.json"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_port_can_be_chosen_among_free_ones() {
        let choices: Vec<Choice> = ["auto", "backend=4711"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let (ports, held) = Ports::chosen(Topology::Private, &choices).unwrap();
        assert_eq!(ports.backend, 4711);
        assert_eq!(ports.frontend, held.unwrap().local_addr().unwrap().port() + 1);
    }

    #[test]
    fn what_is_no_port_is_refused_by_name() {
        for text in ["", "fixed", "backend", "backend=", "backend=0", "backend=70000"] {
            assert!(text.parse::<Choice>().is_err(), "{text:?}");
        }
        let typo = [Choice::One("backened".into(), 1)];
        let error = Ports::chosen(Topology::Gke, &typo).unwrap_err().to_string();
        assert!(error.contains("backened"), "{error}");
    }
}
