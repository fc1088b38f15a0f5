//! What a person reads when something failed: what it is, in plain words, and what to do about it.

use super::Failure;
use crate::api::Topology;
use crate::words::Words;

/// The title, what it is, what to do.
pub(super) fn of(
    failure: &Failure,
    topology: Topology,
    t: &Words,
) -> (&'static str, &'static str, &'static str) {
    match failure {
        Failure::SignedOut => t.signed_out,
        Failure::CrossSite => t.cross_site,
        Failure::NotFound => t.not_found,
        Failure::WrongMethod => t.wrong_method,
        Failure::AmbiguousPath => t.ambiguous_path,
        Failure::BadForm => t.bad_form,
        Failure::IdentityPlatform(_) => t.identity_platform,
        Failure::MetadataServer(_) => t.metadata_server,
        Failure::ServiceIdentity(_) => t.service_identity,
        Failure::TokenRefused(text) if text.contains("expired") => t.token_expired,
        Failure::TokenRefused(_) => t.token_refused,
        Failure::PolicyRefused(_) => t.policy_refused,
        Failure::NoProxy => t.no_proxy,
        Failure::Busy => t.busy,
        Failure::ProxyUnreachable(_) => match topology {
            Topology::Private => t.proxy_unreachable,
            Topology::Gke => t.gateway_unreachable,
        },
        Failure::GatewayUnreachable(..) => match topology {
            Topology::Private => t.gateway_behind_proxy,
            Topology::Gke => t.backend_behind_gateway,
        },
        Failure::Backend(..) => t.backend,
        Failure::TooSlow(_) => t.too_slow,
        Failure::Unexpected(_) => t.unexpected,
        Failure::SessionTooLarge(_) => t.session_too_large,
        Failure::NoRandomness => t.no_randomness,
    }
}
