//! Starts the front end: configuration, build, run; nothing else.

use std::process::ExitCode;

use chassis::env::Env;
use chassis::shutdown::Shutdown;
use clap::Parser;
use frontend::{Arguments, Config};

fn main() -> ExitCode {
    chassis::crypto::install();
    let (arguments, env) = (Arguments::parse(), Env::process());
    chassis::log::install(&env, "info");
    let outcome = match arguments.is_healthcheck() {
        true => Config::listen_address(&env).map(chassis::health::check),
        false => run(&arguments, &env).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| chassis::exit::refuse("frontend", &error))
}

#[tokio::main]
async fn run(arguments: &Arguments, env: &Env) -> anyhow::Result<()> {
    let config = Config::new(arguments, env)?;
    let shutdown = Shutdown::on_signals()?;
    let bound = frontend::build(config)?;
    tracing::info!("listening on {}", bound.addresses().public);
    bound.run(shutdown).await;
    Ok(())
}
