//! The stand-ins over real sockets, `prepare` on a real disk, and the runner as a person meets it.
//! The whole journey is in `tests/system`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "panicking is how tests fail")]

#[allow(dead_code, reason = "each test binary uses its part of it")]
mod harness;

/// One part in a process of its own, and what to ask it with.
mod part;

/// Identity Platform: sign-in, tokens, keys, revocation.
mod identity;

/// Identity Platform: mails, the codes in them, the rules for passwords.
mod mails;

/// Identity Platform: other providers, and the page that plays them.
mod federated;

/// Identity Platform: tenants.
mod tenants;

/// Identity Platform: the project's owner, as Admin SDKs call.
mod owner;

/// Identity Platform: what tests ask and change, and what the command line says.
mod emulator;

/// Identity Platform: users without a password.
mod methods;

/// The metadata server: service tokens and who gets them.
mod metadata;

/// Cloud Run's front door: four answers, and what is passed on.
mod documents;
mod front_door;

/// Certificates, secrets and registry documents.
mod prepare;

/// Start, table, lines, stop; parts that end.
mod runner;

mod authenticator;

mod second_step;
