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

/// Makes the signing keys that are not there yet. It can take a slow machine seconds: before anything starts
/// nobody waits for them, and a gateway that asks for keys at its own start finds them.
pub(crate) fn make_keys(state: &std::path::Path) -> anyhow::Result<()> {
    let make = |path: &str| key::SigningKey::load_or_make(&state.join(path)).map(drop);
    std::thread::scope(|scope| {
        let makers: Vec<_> = [
            metadata::SIGNING_KEY,
            identity::SIGNING_KEY,
            identity::STANDBY_KEY,
        ]
        .into_iter()
        .map(|path| scope.spawn(move || make(path)))
        .collect();
        makers.into_iter().try_for_each(|maker| {
            maker
                .join()
                .unwrap_or_else(|_| anyhow::bail!("making a key panicked"))
        })
    })
}
