//! The whole system with one command: prepare, start every part as a process of its own, show a table,
//! say when it is ready, then one line per request; stop in reverse order.
//!
//! A part that ends stays down and the rest goes on, because that is what one wants to watch. The
//! command that runs it again is printed: any process on that address is the part.

mod child;
pub(crate) mod requests;
mod system;
mod terminal;

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use chassis::shutdown::Shutdown;

use self::system::System;
use crate::part::Part;
use crate::prepare;
use crate::stand_in;
use crate::topology::{Choice, Places, Ports, Settings, Topology};

/// `cargo run`.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Which shape of the system
    #[arg(long, value_enum, default_value_t)]
    topology: Topology,
    /// `auto` for free ports, NAME=PORT for single ones (names as in endpoints.json)
    #[arg(long, value_name = "auto|NAME=PORT", value_delimiter = ',')]
    ports: Vec<Choice>,
    /// Parts to leave out: something of yours may listen there
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    without: Vec<Part>,
    /// Where keys, accounts and documents are kept [default: target/local]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Runs until Ctrl-C; 2 when the start fails.
pub(crate) fn run(arguments: Arguments, began: Instant) -> ExitCode {
    match start_and_watch(arguments, began) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => chassis::exit::refuse("local", &error),
    }
}

#[tokio::main]
async fn start_and_watch(arguments: Arguments, began: Instant) -> Result<()> {
    let shutdown = Shutdown::on_signals().context("cannot install signal handlers")?;
    let places = Places::find(arguments.state);
    let _lock = lock(&places)?;
    let (ports, _held) = Ports::chosen(arguments.topology, &arguments.ports)?;
    let settings = Settings {
        topology: arguments.topology,
        ports,
    };
    for part in &arguments.without {
        if !settings.topology.parts().contains(part) {
            bail!(
                "--without {}: topology {} has no such part",
                part.name(),
                settings.topology.folder()
            );
        }
    }
    prepare_state(&settings, &places)?;

    let mut system = System::start(settings, places, &arguments.without, began)?;
    let outcome = system.watch(&shutdown).await;
    system.stop().await;
    outcome
}

/// One runner per directory, or they would overwrite each other's ports.
fn lock(places: &Places) -> Result<File> {
    let path = places.state.join("lock");
    std::fs::create_dir_all(&places.state)
        .and_then(|()| File::create(&path))
        .with_context(|| format!("cannot write {}", path.display()))
        .and_then(|file| match file.try_lock() {
            Ok(()) => Ok(file),
            Err(_) => Err(anyhow!(
                "{} is in use by another run; stop it, or choose another directory with --state DIR and --ports auto",
                places.state.display()
            )),
        })
}

fn prepare_state(settings: &Settings, places: &Places) -> Result<()> {
    let endpoint = |part| settings.address(part).to_string();
    prepare::all(&places.state, &endpoint(Part::Backend), &endpoint(Part::Frontend))?;
    prepare::session_key(&places.state)?;
    stand_in::make_keys(&places.state)?;
    settings.save(&places.state)
}
