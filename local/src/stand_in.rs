//! Stand-ins for what a laptop lacks of Google Cloud. Development only: nothing here is deployed, and
//! everything listens on loopback unless told otherwise.

/// Identity Platform: accounts, sign-in, really signed tokens, their keys.
pub(crate) mod identity;

/// The metadata server: identity tokens for the calling service.
pub(crate) mod metadata;

/// Cloud Run's front door: checks who may invoke the service behind it.
pub(crate) mod front_door;

/// What the three have in common: a listener, health, access records.
pub(crate) mod server;

/// RSA keys: made once, kept, and signing as Google's do.
pub(crate) mod key;
