//! What the header `x-up` asks an upstream to do. README.md lists the words.

use std::time::Duration;

#[derive(Default)]
pub(super) struct Plan {
    pub(super) status: Option<u16>,
    pub(super) wait: Duration,
    pub(super) abort: Option<Abort>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) chunked: bool,
    pub(super) close: bool,
    pub(super) early_hints: bool,
    pub(super) refuse: bool,
    pub(super) grpc: Option<String>,
    pub(super) trailers_only: bool,
    body: Option<String>,
    size: Option<usize>,
    number: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Abort {
    /// Before anything is answered.
    Before,
    /// After the head and the first byte of the body.
    Mid,
}

impl Plan {
    /// `steps` for the upstream `name` and the `attempt`-th time the request is seen, counted from 1.
    pub(super) fn parse(steps: &str, name: &str, attempt: usize) -> Self {
        let steps = || {
            steps
                .split(';')
                .map(str::trim)
                .map(|step| step.split_once('=').unwrap_or((step, "")))
        };
        let applies = steps().all(|(step, value)| match step {
            "only" => value.split('|').any(|upstream| upstream == name),
            "first" => value.parse().is_ok_and(|first: usize| attempt <= first),
            _ => true,
        });
        let mut plan = Self::default();
        for (step, value) in steps() {
            match step {
                "pause" => plan.wait += milliseconds(value),
                "nth" => plan.number = true,
                _ if !applies => {}
                "delay" => plan.wait += milliseconds(value),
                "status" => plan.status = value.parse().ok(),
                "abort" if value == "before" => plan.abort = Some(Abort::Before),
                "abort" => plan.abort = Some(Abort::Mid),
                "body" => plan.body = Some(value.to_owned()),
                "size" => plan.size = value.parse().ok(),
                "chunked" => plan.chunked = true,
                "close" => plan.close = true,
                "continue" => plan.early_hints = true,
                "refuse" => plan.refuse = true,
                "grpc" => plan.grpc = Some(if value.is_empty() { "0" } else { value }.to_owned()),
                "trailers-only" => plan.trailers_only = true,
                "h" => plan.headers.extend(
                    value
                        .split_once(':')
                        .map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned())),
                ),
                _ => {}
            }
        }
        plan
    }

    pub(super) fn status(&self) -> u16 {
        self.status.unwrap_or(200)
    }

    /// The body for the `number`-th request on a connection.
    pub(super) fn body(&self, name: &str, number: usize) -> Vec<u8> {
        if matches!(self.status(), 204 | 304) {
            Vec::new()
        } else if let Some(size) = self.size {
            vec![b'x'; size]
        } else if self.number {
            format!("{name} {number}").into_bytes()
        } else {
            self.body.clone().unwrap_or_else(|| name.to_owned()).into_bytes()
        }
    }

    /// The response's own headers, framing aside.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        [("content-type", "text/plain"), ("server", "upstream")]
            .into_iter()
            .chain(own)
    }
}

fn milliseconds(value: &str) -> Duration {
    Duration::from_millis(value.parse().unwrap_or_default())
}
