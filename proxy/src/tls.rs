//! TLS on both sides: what certificates say, who may connect, and how either changes under a running
//! process.
//!
//! A configuration is always built whole from what its files hold at one moment ([`material`]), checked
//! (does the key fit, has it expired), and only then used, at the start and on every later change alike.

pub(crate) mod certificate;
pub(crate) mod client;
mod der;
pub(crate) mod identity;
pub(crate) mod inventory;
pub(crate) mod material;
pub(crate) mod reload;
pub(crate) mod server;

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;

use crate::plan::listener::TlsVersion;

/// From accept to the end of the TLS handshake, as in Istio's gateways.
pub(crate) const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(15);

/// The protocols that we speak over TLS, in order of preference (RFC 7301).
pub(crate) const H2: &[u8] = b"h2";
/// HTTP/1.1 in ALPN.
pub(crate) const HTTP_1_1: &[u8] = b"http/1.1";

/// Ring, whatever the process installed.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The versions between two, both included.
fn versions(min: TlsVersion, max: TlsVersion) -> Vec<&'static rustls::SupportedProtocolVersion> {
    let both = [
        (TlsVersion::V1_2, &rustls::version::TLS12),
        (TlsVersion::V1_3, &rustls::version::TLS13),
    ];
    both.into_iter()
        .filter(|(version, _)| (min..=max).contains(version))
        .map(|(_, version)| version)
        .collect()
}
