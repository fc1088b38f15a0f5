//! The one crypto provider, ring, for TLS and for tokens.
//!
//! Ring starts in a millisecond where aws-lc-rs gathers entropy for some twenty; on Cloud Run a cold
//! start is a user waiting. `deny.toml` keeps every other provider out of the tree.

mod tokens;

use std::sync::Once;

/// Installs ring for rustls and for jsonwebtoken. Idempotent: the first line of every `main` and every `build()`.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // an error means that somebody installed one before us, which only a test binary can do
        let _ = rustls::crypto::ring::default_provider().install_default();
        let _ = tokens::PROVIDER.install_default();
    });
}
