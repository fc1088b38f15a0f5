//! Why there is no answer from an upstream: the kinds that Envoy tells apart, because retries, outlier
//! detection and the reply all depend on them.

use std::error::Error as _;
use std::fmt;

/// What went wrong with an attempt, or with all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Failure {
    /// No TCP connection, or its TLS handshake failed.
    Connect,
    /// Neither in time.
    ConnectTimeout,
    /// The connection ended before the answer's head.
    Termination,
    /// The answer is not HTTP, or not as it must be.
    Protocol,
    /// The stream was reset by the upstream.
    RemoteReset,
    /// The stream was refused by the upstream: it has done nothing.
    Refused,
    /// The stream was reset by us.
    LocalReset,
    /// More requests or connections than the pool may have.
    Overflow,
    /// Nowhere to go: no endpoint, or none that is healthy.
    NoEndpoint,
    /// The client stopped in the middle of its request.
    Stalled,
    /// The client's body is not what its head announced.
    Malformed,
    /// One attempt took too long.
    TryTimeout,
    /// All of it took too long.
    Timeout,
}

impl Failure {
    /// What hyper's error means.
    pub(crate) fn of(error: &hyper::Error) -> Failure {
        if let Some(failure) = error.source().and_then(of_http2) {
            return failure;
        }
        match () {
            () if error.is_parse() => Failure::Protocol,
            () if error.is_user() => Failure::LocalReset,
            () => Failure::Termination,
        }
    }

    /// Whether a connection or stream broke: then the reply says if it was retried.
    pub(crate) fn is_reset(self) -> bool {
        !matches!(
            self,
            Failure::NoEndpoint
                | Failure::TryTimeout
                | Failure::Timeout
                | Failure::Stalled
                | Failure::Malformed
        )
    }

    /// Envoy's response flag.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Failure::Connect | Failure::ConnectTimeout => "UF",
            Failure::Termination => "UC",
            Failure::Protocol => "UPE",
            Failure::RemoteReset | Failure::Refused => "UR",
            Failure::LocalReset => "LR",
            Failure::Overflow => "UO",
            Failure::NoEndpoint => "UH",
            Failure::Stalled => "SI",
            Failure::Malformed => "DPE",
            Failure::TryTimeout | Failure::Timeout => "UT",
        }
    }

    /// Envoy's words behind `reset reason: `.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Failure::Connect => "remote connection failure",
            Failure::ConnectTimeout => "connection timeout",
            Failure::Termination => "connection termination",
            Failure::Protocol => "protocol error",
            Failure::RemoteReset => "remote reset",
            Failure::Refused => "remote refused stream reset",
            Failure::LocalReset => "local reset",
            Failure::Overflow => "overflow",
            Failure::NoEndpoint => "no healthy upstream",
            Failure::Stalled => "stream timeout",
            Failure::Malformed => "downstream protocol error",
            Failure::TryTimeout | Failure::Timeout => "timeout",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Failure {}

fn of_http2(source: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    let error = source.downcast_ref::<h2::Error>()?;
    Some(match () {
        () if error.is_io() || error.is_go_away() && error.is_remote() => Failure::Termination,
        () if error.reason() == Some(h2::Reason::REFUSED_STREAM) => Failure::Refused,
        () if error.is_reset() && error.is_remote() => Failure::RemoteReset,
        () if error.is_library() => Failure::Protocol,
        () => Failure::LocalReset,
    })
}
