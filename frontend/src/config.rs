//! What the front end is told: variables, read once, every mistake reported at once.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use chassis::access::AccessLog;
use chassis::env::{Env, Reader};
use clap::{Parser, Subcommand};
use reqwest::Url;

mod identity_providers;
mod providers;
mod secrets;

pub use identity_providers::IdentityProvider;
pub use providers::Provider;
pub(crate) use providers::is_safe;
pub use secrets::{Secret, SessionKey};

/// The public front end: signs users in with Identity Platform and shows what the private service says.
///
/// It is configured by environment variables; `frontend/README.md` has the table. These must be set:
/// GOOGLE_CLOUD_PROJECT, AUTH_APIKEY, PROXY_URL, SESSION_KEYS (a secret NAME can be given as NAME_FILE).
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "frontend", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Asks the running front end's /health/ready; exits with 0 or 1.
    Healthcheck,
}

impl Arguments {
    /// Whether only a question is to be asked.
    pub fn is_healthcheck(&self) -> bool {
        matches!(self.command, Some(Command::Healthcheck))
    }
}

/// Everything the front end needs to know. Each field names its variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `LISTEN_ADDRESS` (0.0.0.0) and `PORT` (8080).
    pub listen: SocketAddr,
    /// `METRICS_ADDRESS`: where `/metrics` is served; nowhere when unset, never on the public port.
    pub metrics: Option<SocketAddr>,
    /// `GOOGLE_CLOUD_PROJECT`: whose users these are; issuer and audience of every ID token follow from it.
    pub project: String,
    /// `AUTH_APIKEY`: the key of Identity Platform's API.
    pub api_key: Secret,
    /// `AUTH_TENANT_ID`: the tenant whose users these are, and nobody else; without it the project's own.
    pub tenant: Option<String>,
    /// `FIREBASE_AUTH_EMULATOR_HOST`: moves Identity Platform's addresses to a stand-in. Verification
    /// stays what it is.
    pub emulator: Option<String>,
    /// `GCE_METADATA_HOST` (`metadata.google.internal`): who vouches for this service.
    pub metadata_host: String,
    /// `PROXY_URL`: the origin behind which `/api/` is.
    pub proxy: String,
    /// `PROXY_AUDIENCE`: whom the service token is for. By default the origin of `PROXY_URL`; set and empty
    /// means that no service token is sent.
    pub audience: Option<String>,
    /// `SESSION_KEYS`: the first encrypts the session cookie, all of them decrypt.
    pub session_keys: Vec<SessionKey>,
    /// `TRUSTED_HOPS`: how many proxies in front of us append to `X-Forwarded-*` (1 on Cloud Run, else 0).
    pub trusted_hops: usize,
    /// `API_TOKEN_COOKIE`: the cookie that carries the ID token to `/api/`, where a gateway reads it there.
    pub api_token_cookie: Option<String>,
    /// `SIGN_OUT_EVERYWHERE`: whether users may end all of their sessions, for which this service's account
    /// needs a right in Identity Platform. On with a stand-in, else off.
    pub sign_out_everywhere: bool,
    /// `OIDC_PROVIDERS`: OpenID Connect providers beside Identity Platform, in the order of the page.
    pub providers: Vec<Provider>,
    /// `IDENTITY_PROVIDERS`: the providers inside Identity Platform that are offered, in the order of the page.
    pub identity_providers: Vec<IdentityProvider>,
    /// `PUBLIC_URL`: the origin under which browsers reach this service, where `Host` does not tell it.
    pub public_url: Option<String>,
    /// How long a page may take, calls to others included. Not a variable: the gateway's and the proxy's
    /// deadlines are shorter by design.
    pub page_deadline: Duration,
    /// The beat at which answers leave that must not tell by their time whether there is an account.
    pub settled: Duration,
    /// How long a relayed body may stand still.
    pub idle_body: Duration,
    /// Where access records go; an embedding process sets its own.
    pub access_log: AccessLog,
    /// The name in access records, `frontend`.
    pub service: String,
    /// What time it is.
    pub clock: fn() -> SystemTime,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Every variable that is missing or cannot be read, one line each.
    pub fn new(_: &Arguments, env: &Env) -> anyhow::Result<Config> {
        let mut reader = env.reader();
        let on_cloud_run = reader.text("K_SERVICE").is_some();
        let proxy = proxy(&mut reader);
        let emulator = emulator(&mut reader, on_cloud_run);
        let config = Config {
            listen: listen(&mut reader),
            metrics: reader.parsed("METRICS_ADDRESS", "an address and a port (127.0.0.1:9090)"),
            project: project(&mut reader),
            api_key: Secret::new(reader.required("AUTH_APIKEY", "the API key of Identity Platform")),
            tenant: tenant(&mut reader),
            sign_out_everywhere: reader
                .parsed("SIGN_OUT_EVERYWHERE", "true or false")
                .unwrap_or(emulator.is_some()),
            emulator,
            providers: providers::providers(&mut reader),
            identity_providers: identity_providers::identity_providers(&mut reader),
            public_url: public_url(&mut reader),
            metadata_host: host(&mut reader, "GCE_METADATA_HOST")
                .unwrap_or_else(|| "metadata.google.internal".to_owned()),
            audience: audience(&mut reader, env, &proxy),
            proxy,
            session_keys: secrets::session_keys(&mut reader),
            trusted_hops: reader
                .parsed("TRUSTED_HOPS", "a number of proxies in front (0, 1, 2 ...)")
                .unwrap_or(usize::from(on_cloud_run)),
            api_token_cookie: api_token_cookie(&mut reader),
            page_deadline: PAGE_DEADLINE,
            settled: SETTLED,
            idle_body: IDLE_BODY,
            access_log: AccessLog::stdout(),
            service: "frontend".to_owned(),
            clock: SystemTime::now,
        };
        // known to every service of the system, so it must not be refused here; traces are not exported yet
        let _ = reader.text("OTEL_EXPORTER_OTLP_ENDPOINT");
        reader.finish()?;
        Ok(config)
    }

    /// The address that `healthcheck` asks: the two variables of the listener and nothing else, because a
    /// probe is often run without the service's secrets.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn listen_address(env: &Env) -> anyhow::Result<SocketAddr> {
        let mut reader = env.reader();
        let address = listen(&mut reader);
        reader.finish()?;
        Ok(address)
    }
}

fn listen(reader: &mut Reader<'_>) -> SocketAddr {
    let ip = reader.parsed("LISTEN_ADDRESS", "an IP address (0.0.0.0, 127.0.0.1, ::)");
    let port = reader.parsed("PORT", "a port (0-65535; 0 lets the system choose)");
    SocketAddr::new(
        ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        port.unwrap_or(8080),
    )
}

fn project(reader: &mut Reader<'_>) -> String {
    let project = reader.required(
        "GOOGLE_CLOUD_PROJECT",
        "the project id whose Identity Platform signs users in",
    );
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if !project.bytes().all(fits) {
        reader.problems.add(format!(
            "GOOGLE_CLOUD_PROJECT: {project:?} is not a project id (letters, digits, hyphens)"
        ));
    }
    project
}

/// It becomes a part of paths, so it is held to what Identity Platform makes of names.
fn tenant(reader: &mut Reader<'_>) -> Option<String> {
    let tenant = reader.text("AUTH_TENANT_ID")?;
    if !tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        reader.problems.add(format!(
            "AUTH_TENANT_ID: {tenant:?} is not a tenant's id (letters, digits, hyphens)"
        ));
    }
    Some(tenant)
}

/// `host[:port]` without a scheme, as the libraries that made these names up expect it.
fn host(reader: &mut Reader<'_>, name: &str) -> Option<String> {
    let value = reader.text(name)?;
    let plain = !value.contains(['/', '@', '?', '#']) && Url::parse(&format!("http://{value}/")).is_ok();
    if !plain {
        reader.problems.add(format!(
            "{name}: {value:?} is not host or host:port (without http://)"
        ));
    }
    Some(value)
}

fn emulator(reader: &mut Reader<'_>, on_cloud_run: bool) -> Option<String> {
    let host = host(reader, "FIREBASE_AUTH_EMULATOR_HOST")?;
    if on_cloud_run {
        reader.problems.add(
            "FIREBASE_AUTH_EMULATOR_HOST is set on Cloud Run (K_SERVICE is set too): it would let a stand-in \
             decide who is signed in; remove it",
        );
    }
    Some(host)
}

fn proxy(reader: &mut Reader<'_>) -> String {
    let text = reader.required("PROXY_URL", "the origin of the proxy behind which /api/ is");
    if text.is_empty() {
        return text;
    }
    match Url::parse(&text).ok().filter(is_origin) {
        Some(url) => url.origin().ascii_serialization(),
        None => {
            reader.problems.add(format!(
                "PROXY_URL: {text:?} is not an origin: http or https, a host, perhaps a port, nothing after it"
            ));
            String::new()
        }
    }
}

fn public_url(reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text("PUBLIC_URL")?;
    let url = Url::parse(&text).ok().filter(is_origin);
    if url.is_none() {
        reader.problems.add(format!(
            "PUBLIC_URL: {text:?} is not an origin: http or https, a host, perhaps a port, nothing after it"
        ));
    }
    url.map(|url| url.origin().ascii_serialization())
}

fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// Here, unlike everywhere else, an empty value says something: no service token.
fn audience(reader: &mut Reader<'_>, env: &Env, proxy: &str) -> Option<String> {
    let empty = env
        .iter()
        .any(|(name, value)| name == "PROXY_AUDIENCE" && value.is_empty());
    reader
        .text("PROXY_AUDIENCE")
        .or_else(|| (!empty).then(|| proxy.to_owned()))
}

fn api_token_cookie(reader: &mut Reader<'_>) -> Option<String> {
    let name = reader.text("API_TOKEN_COOKIE")?;
    let token = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !token || name.starts_with("session") || name.starts_with("__") {
        reader.problems.add(format!(
            "API_TOKEN_COOKIE: {name:?} cannot be the name: letters, digits, `-`, `_` and `.`; not the session's, no __ prefix"
        ));
    }
    Some(name)
}

/// From the request to the answer: shorter than the patience of a person, longer than the proxy's 3 s.
const PAGE_DEADLINE: Duration = Duration::from_secs(4);
/// Longer than the two calls of a sign-up usually take.
const SETTLED: Duration = Duration::from_millis(700);
/// Nothing moves for this long in a relayed body: the other side is gone.
const IDLE_BODY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
