//! Logs: readable lines on a terminal, one JSON object per line in the cloud.
//!
//! Cloud Logging reads `severity` and `message` from a JSON line. What is logged goes to stderr; stdout
//! belongs to the access log. Never logged: tokens, keys, cookies, passwords, and query strings (they may
//! carry any of these).

use std::fmt;
use std::io::IsTerminal;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::env::Env;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For Cloud Logging.
    Json,
}

impl Format {
    /// JSON where a platform collects the lines (`K_SERVICE` on Cloud Run, `KUBERNETES_SERVICE_HOST`
    /// in a cluster), text everywhere else.
    pub fn of(env: &Env) -> Format {
        let collected = ["K_SERVICE", "KUBERNETES_SERVICE_HOST"];
        match collected.iter().any(|name| matches!(env.read(name), Ok(Some(_)))) {
            true => Format::Json,
            false => Format::Text,
        }
    }
}

/// Sets the subscriber of this process. Only `main` calls it. `RUST_LOG` filters as usual; without it
/// `default` does (`info`, for instance). A filter that cannot be read is reported, not fatal.
pub fn install(env: &Env, default: &str) {
    let wanted = env.read("RUST_LOG").ok().flatten();
    let (filter, problem) = match wanted.as_deref().map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(default), Some(error)),
        None => (EnvFilter::new(default), None),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match Format::of(env) {
        Format::Text => lines
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .boxed(),
        Format::Json => lines.event_format(CloudLogging).boxed(),
    };
    // an error means that a subscriber is set already: a parent's, in a test
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    if let Some(error) = problem {
        tracing::warn!("RUST_LOG is not a filter, {default:?} is used: {error}");
    }
}

/// One JSON object per line, with the field names that Cloud Logging reads.
struct CloudLogging;

impl<S, N> FormatEvent<S, N> for CloudLogging
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let severity = match *event.metadata().level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            Level::INFO => "INFO",
            Level::DEBUG | Level::TRACE => "DEBUG",
        };
        fields.0.insert("severity".into(), severity.into());
        fields.0.insert("target".into(), event.metadata().target().into());
        writeln!(writer, "{}", Value::Object(fields.0))
    }
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_in_the_cloud_has_a_severity_and_its_fields() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(CloudLogging)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(route = "api", status = 503_u64, "upstream \"gateway\" is gone");
        });
        let line: Value = serde_json::from_slice(&buffer.0.lock().unwrap()).unwrap();
        assert_eq!(line["severity"], "WARNING");
        assert_eq!(line["message"], "upstream \"gateway\" is gone");
        assert_eq!((&line["route"], &line["status"]), (&"api".into(), &503.into()));
    }

    #[test]
    fn the_platform_decides_the_format() {
        assert_eq!(Format::of(&Env::default()), Format::Text);
        assert_eq!(
            Format::of(&Env::default().with("K_SERVICE", "proxy")),
            Format::Json
        );
    }
}
