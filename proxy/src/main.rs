//! Starts the proxy: the list below is everything that happens, in this order.

use std::process::ExitCode;

use chassis::env::Env;
use chassis::shutdown::Shutdown;
use clap::Parser;
use proxy::{Arguments, Config, Job};

/// Half the user time of the system's allocator on this workload.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    chassis::crypto::install();
    let env = Env::process();
    let arguments = Arguments::parse();
    if let Job::Healthcheck(admin) = arguments.job() {
        return chassis::health::check(admin);
    }
    let result = Config::new(&arguments, &env).and_then(|config| match arguments.job() {
        Job::Check { strict } => Ok(proxy::check(&config, strict)?),
        Job::Run | Job::Healthcheck(_) => run(config, &env),
    });
    result.unwrap_or_else(|error| chassis::exit::refuse("proxy", &error))
}

/// Everything that can be wrong is found before the first request.
fn run(config: Config, env: &Env) -> anyhow::Result<ExitCode> {
    chassis::log::install(env, "info");
    raise_descriptor_limit();
    let runtime = runtime()?;
    runtime.block_on(async {
        let bound = proxy::build(config)?;
        let shutdown = Shutdown::on_signals()?;
        let addresses = bound.addresses();
        for (port, address) in &addresses.listeners {
            tracing::info!("port {port} of the documents listens on {address}");
        }
        tracing::info!("health, metrics and configuration on http://{}", addresses.admin);
        bound.run(shutdown).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// With one processor, the usual size on Cloud Run, no other thread would ever take over work: then there is
/// none, and no queue that several could share.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let one = std::thread::available_parallelism().is_ok_and(|number| number.get() == 1);
    let mut builder = match one {
        true => tokio::runtime::Builder::new_current_thread(),
        false => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

/// Two descriptors per request in flight: the usual soft limit of 1024 would be the first to give in.
fn raise_descriptor_limit() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!("the limit of open files stays as it is: {error}");
    }
}
