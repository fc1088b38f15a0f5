//! Sign-in with other providers through Identity Platform: it keeps their secrets and speaks with them, and
//! what comes of it is a user of its own, with its own ID token.
//!
//! In the order of a sign-in: `start` sends the browser there, `attempt` is what it carries, `callback` takes
//! it back; where the address has an account already, `connect` asks whose it is.

mod attempt;
pub(crate) mod callback;
pub(crate) mod connect;
pub(crate) mod start;

use crate::config::Config;

/// The name of a provider that is offered.
pub(crate) fn name<'a>(config: &'a Config, id: &str) -> Option<&'a str> {
    let mut all = config.identity_providers.iter();
    all.find(|provider| provider.id == id)
        .map(|provider| provider.name.as_str())
}

/// Id and name of each, for the page.
pub(crate) fn buttons(config: &Config) -> Vec<(&str, &str)> {
    let all = config.identity_providers.iter();
    all.map(|provider| (provider.id.as_str(), provider.name.as_str()))
        .collect()
}

/// Where every provider's answer arrives: one address, because each has to be registered.
const CALLBACK: &str = "/sign-in/federated/callback";
