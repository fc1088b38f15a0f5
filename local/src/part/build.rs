//! From a name to a part with everything bound. The only file that knows the services' crates.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use anyhow::Result;
use chassis::access::AccessLog;
use chassis::env::Env;
use chassis::health::Health;
use chassis::shutdown::Shutdown;
use clap::Parser;

use super::{Listen, Options, Part, say};
use crate::prepare;
use crate::report::Endpoints;
use crate::runner::requests;
use crate::stand_in::server::Server;
use crate::stand_in::{front_door, identity, metadata};
use crate::topology::{LOOPBACK, PROJECT, Places, Settings};

/// A part with everything bound.
pub(super) struct Bound {
    pub(super) addresses: Endpoints,
    pub(super) health: Health,
    pub(super) run: Box<dyn FnOnce(Shutdown) -> Running + Send>,
}

/// A part at work.
pub(super) type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Reads what was decided for this directory, and binds.
pub(super) fn build(part: Part, options: Options, process: &Env) -> Result<Bound> {
    let places = Places::find(options.state.clone());
    let settings = Settings::load(&places.state)?;
    let service = Service {
        part,
        access_log: access_log(options.supervised),
        listen: listen(&settings, part, options.listen),
        options,
        process,
        settings,
        places,
    };
    match part {
        Part::Identity => service.identity(),
        Part::Metadata => service.metadata(),
        Part::FrontDoor => service.front_door(),
        Part::Backend => service.backend(),
        Part::Frontend => service.frontend(),
        Part::Proxy | Part::Gateway => service.proxy(),
    }
}

fn listen(settings: &Settings, part: Part, asked: Option<Listen>) -> SocketAddr {
    let mut address = settings.address(part);
    if let Some(Listen(host, port)) = asked {
        address.set_ip(host);
        address.set_port(port.unwrap_or(address.port()));
    }
    address
}

/// Below the runner JSON for the pipe, by hand a line for the reader.
fn access_log(supervised: bool) -> AccessLog {
    match supervised {
        true => AccessLog::stdout(),
        false => AccessLog::to(|record| say(&requests::line(std::slice::from_ref(record)))),
    }
}

/// Everything that building a part needs.
struct Service<'a> {
    part: Part,
    options: Options,
    settings: Settings,
    places: Places,
    process: &'a Env,
    access_log: AccessLog,
    listen: SocketAddr,
}

impl Service<'_> {
    fn identity(self) -> Result<Bound> {
        let mut options = self.options.identity;
        if options.project == PROJECT && options.action_url.is_none() {
            options.action_url = Some(self.settings.entry() + "/auth/action");
        }
        let server = identity::build(identity::Config {
            listen: self.listen,
            state: self.places.state,
            options,
            access_log: self.access_log,
        })?;
        let address = server.address()?;
        Ok(stand_in(one(self.part, address), serving(server)))
    }

    fn metadata(self) -> Result<Bound> {
        let server = metadata::build(metadata::Config {
            listen: self.listen,
            state: self.places.state,
            project: PROJECT.to_owned(),
            access_log: self.access_log,
        })?;
        let address = server.address()?;
        Ok(stand_in(one(self.part, address), serving(server)))
    }

    fn front_door(self) -> Result<Bound> {
        let Service {
            settings, options, ..
        } = self;
        let health = match self.listen.port() {
            0 => SocketAddr::from((LOOPBACK, 0)), // a test, beside others
            _ => settings.health(Part::FrontDoor),
        };
        let url = |given: Option<String>, part| given.unwrap_or_else(|| settings.url(part));
        let front_door::Bound { door, health } = front_door::build(front_door::Config {
            listen: self.listen,
            health,
            upstream: url(options.upstream, Part::Proxy),
            metadata: url(options.metadata, Part::Metadata),
            audience: url(options.audience, Part::FrontDoor),
            invoker: options.invoker.unwrap_or_else(|| metadata::FRONTEND.to_owned()),
            access_log: self.access_log,
        })?;
        let mut addresses = one(Part::FrontDoor, door.address()?);
        addresses.insert(
            "front-door-health".to_owned(),
            format!("http://{}", health.address()?),
        );
        let run = Box::new(move |shutdown: Shutdown| -> Running {
            Box::pin(async move {
                tokio::join!(door.run(shutdown.clone()), health.run(shutdown));
            })
        });
        Ok(stand_in(addresses, run))
    }

    fn backend(self) -> Result<Bound> {
        let arguments = backend::Arguments::default();
        let mut config = backend::Config::new(&arguments, &self.env())?;
        config.access_log = self.access_log;
        let bound = backend::build(config)?;
        let addresses = one(self.part, bound.addresses()?.public);
        let health = bound.health();
        let run = Box::new(move |shutdown| -> Running { Box::pin(bound.run(shutdown)) });
        Ok(Bound {
            addresses,
            health,
            run,
        })
    }

    fn frontend(self) -> Result<Bound> {
        prepare::session_key(&self.places.state)?;
        let arguments = frontend::Arguments::default();
        let mut config = frontend::Config::new(&arguments, &self.env())?;
        config.access_log = self.access_log;
        let bound = frontend::build(config)?;
        let addresses = one(self.part, bound.addresses().public);
        let health = bound.health();
        let run = Box::new(move |shutdown| -> Running { Box::pin(bound.run(shutdown)) });
        Ok(Bound {
            addresses,
            health,
            run,
        })
    }

    /// In either role; the arguments make the difference.
    fn proxy(self) -> Result<Bound> {
        let words = self.settings.arguments(self.part, &self.places);
        let words = std::iter::once("proxy".to_owned()).chain(words);
        let arguments = proxy::Arguments::try_parse_from(words)?;
        let mut config = proxy::Config::new(&arguments, &self.env())?;
        config.bind = self.listen.ip();
        config.service = self.part.name().to_owned();
        config.access_log = self.access_log;
        let bound = proxy::build(config)?;
        let addresses = named(self.part, &bound.addresses());
        let health = bound.health();
        let run = Box::new(move |shutdown| -> Running { Box::pin(bound.run(shutdown)) });
        Ok(Bound {
            addresses,
            health,
            run,
        })
    }

    /// The process' environment, with what the topology says in place of what it happens to hold.
    fn env(&self) -> Env {
        let mut ours = self.settings.variables(self.part, &self.places);
        for (name, value) in &mut ours {
            match *name {
                "LISTEN_ADDRESS" => *value = self.listen.ip().to_string(),
                "PORT" => *value = self.listen.port().to_string(),
                _ => {}
            }
        }
        let is_ours = |name: &str| {
            let plain = name.strip_suffix("_FILE").unwrap_or(name);
            ours.iter()
                .any(|(our, _)| our.strip_suffix("_FILE").unwrap_or(our) == plain)
        };
        let inherited = self.process.iter().filter(|(name, _)| !is_ours(name));
        let ours = ours.iter().map(|(name, value)| (*name, value.as_str()));
        inherited.chain(ours).collect()
    }
}

/// The proxy's addresses by the names they have in `endpoints.json`. The gateway's plain entrance is the
/// one that a person opens, where there is one.
fn named(part: Part, addresses: &proxy::Addresses) -> Endpoints {
    let name = part.name();
    let mut endpoints = Endpoints::from([(format!("{name}-admin"), format!("http://{}", addresses.admin))]);
    let plain = addresses.listeners.iter().any(|(port, _)| *port != HTTPS);
    for (port, address) in &addresses.listeners {
        let (name, url) = match (*port == HTTPS, plain) {
            (true, true) => (format!("{name}-https"), format!("https://{address}")),
            (true, false) => (name.to_owned(), format!("https://{address}")),
            (false, _) => (name.to_owned(), format!("http://{address}")),
        };
        endpoints.insert(name, url);
    }
    endpoints
}

/// The number that the Gateway documents give a server with TLS.
const HTTPS: u16 = 443;

fn one(part: Part, address: SocketAddr) -> Endpoints {
    Endpoints::from([(part.name().to_owned(), format!("http://{address}"))])
}

fn serving(server: Server) -> Box<dyn FnOnce(Shutdown) -> Running + Send> {
    Box::new(move |shutdown| Box::pin(server.run(shutdown)))
}

/// Ready as soon as it is bound.
fn stand_in(addresses: Endpoints, run: Box<dyn FnOnce(Shutdown) -> Running + Send>) -> Bound {
    let health = Health::starting();
    health.started();
    Bound {
        addresses,
        health,
        run,
    }
}
