//! Starts the backend: configuration, build, run; nothing else.

use std::process::ExitCode;

use backend::{Arguments, Config};
use chassis::env::Env;
use chassis::shutdown::Shutdown;
use clap::Parser;

fn main() -> ExitCode {
    chassis::crypto::install();
    let (arguments, env) = (Arguments::parse(), Env::process());
    chassis::log::install(&env, "info");
    let config = match Config::new(&arguments, &env) {
        Ok(config) => config,
        Err(error) => return chassis::exit::refuse("backend", &error),
    };
    if arguments.is_healthcheck() {
        return chassis::health::check(config.listen);
    }
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => chassis::exit::refuse("backend", &error),
    }
}

#[tokio::main]
async fn run(config: Config) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    backend::build(config)?.run(shutdown).await;
    Ok(())
}
