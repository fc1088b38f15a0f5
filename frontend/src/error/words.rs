//! What a person reads when something failed: what it is, in plain words, and what to do about it.

use super::Failure;
use crate::api::Topology;

pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) todo: &'static str,
}

pub(super) fn of(failure: &Failure, topology: Topology) -> Words {
    let (title, what, todo) = match failure {
        Failure::SignedOut => (
            "Sign in first",
            "Nobody is signed in, or the session has ended.",
            "Sign in on the start page.",
        ),
        Failure::CrossSite => (
            "This form came from somewhere else",
            "The browser says that another site sent this form. It was not accepted, to keep other sites from acting in your name.",
            "Open the start page of this site and use the form there.",
        ),
        Failure::NotFound => (
            "There is no such page",
            "Nothing is found at this address.",
            "Check the address, or go to the start page.",
        ),
        Failure::WrongMethod => (
            "This address is not used that way",
            "The address exists, but not for this kind of request.",
            "Go to the start page and use its forms.",
        ),
        Failure::AmbiguousPath => (
            "This address is ambiguous",
            "The path has dot segments, backslashes or encoded slashes, which two servers could read differently.",
            "Use the address without them.",
        ),
        Failure::BadForm => (
            "The form could not be read",
            "What arrived is not a filled-in sign-in form.",
            "Go to the start page and use the form there.",
        ),
        Failure::IdentityPlatform(_) => (
            "Your session cannot be renewed right now",
            "The sign-in service, Identity Platform, does not renew your session at the moment. You are not signed out.",
            "Try again in a minute: as soon as it answers, you go on where you were.",
        ),
        Failure::MetadataServer(_) => (
            "This site cannot prove who it is",
            "The metadata server, which vouches for this front end, gives no token. Without one the private services do not talk to it.",
            "Nothing is wrong with your account. Try again in a minute; if it stays, operators check GCE_METADATA_HOST and that the metadata server is running.",
        ),
        Failure::ServiceIdentity(_) => (
            "This site was not let in",
            "The door in front of the private services does not accept this front end’s own identity. It is not about you or your account.",
            "An operator has to look: does the front end’s service account have the right to invoke the proxy, and is PROXY_AUDIENCE the proxy’s address?",
        ),
        Failure::TokenRefused(text) if text.contains("expired") => (
            "Your sign-in is too old for this",
            "The gateway in front of the private services says that your token has expired.",
            "Sign out and sign in again. If it stays, the clocks of the servers differ: tell the people who run this site.",
        ),
        Failure::TokenRefused(_) => (
            "Your sign-in was not accepted",
            "The gateway in front of the private services does not accept the token of your sign-in.",
            "Sign out and sign in again. If it stays, operators compare the gateway’s RequestAuthentication (issuer, audience, keys) with this site’s project.",
        ),
        Failure::PolicyRefused(_) => (
            "You may not see this",
            "You are signed in, but the gateway’s policy does not allow this for you.",
            "If you should see it, ask the people who run the private services: their AuthorizationPolicy decides.",
        ),
        Failure::NoProxy => (
            "The proxy is not running",
            "The door in front of the private services answers, but there is no proxy behind it.",
            "Try again in a minute. If it stays, operators start the proxy or look at why it does not start.",
        ),
        Failure::Busy => (
            "Too many people at once",
            "The door in front of the private services has no capacity left at the moment.",
            "Try again in a minute.",
        ),
        Failure::ProxyUnreachable(_) => match topology {
            Topology::Private => (
                "The proxy cannot be reached",
                "This front end gets no connection to the proxy that leads to the private services.",
                "Try again in a minute. If it stays, operators check that the proxy is up and that PROXY_URL is its address.",
            ),
            Topology::Gke => (
                "The gateway cannot be reached",
                "This front end gets no connection to the gateway that leads to the private services.",
                "Try again in a minute. If it stays, operators check that the gateway is up and that PROXY_URL is its address.",
            ),
        },
        Failure::GatewayUnreachable(..) => match topology {
            Topology::Private => (
                "The gateway cannot be reached",
                "The proxy answers, but it cannot reach the gateway in front of the private services in time.",
                "Try again in a minute. If it stays, operators check that the gateway is up and that its certificate and the proxy’s fit.",
            ),
            Topology::Gke => (
                "The private service cannot be reached",
                "The gateway answers, but it cannot reach the private service in time.",
                "Try again in a minute. If it stays, operators check that the backend is up.",
            ),
        },
        Failure::Backend(..) => (
            "The private service does not answer",
            "Everything on the way is fine, but the service that has the message is down, slow or broken.",
            "Try again in a minute. If it stays, operators look at the backend.",
        ),
        Failure::TooSlow(_) => (
            "This takes too long",
            "The private services did not answer in time, so this page stopped waiting.",
            "Try again in a minute. If it stays, operators find the slow hop by the trace id below.",
        ),
        Failure::Unexpected(_) => (
            "The private service gave a strange answer",
            "Something answered in a way that this page does not understand.",
            "Try again. If it stays, operators check what PROXY_URL leads to.",
        ),
        Failure::SessionTooLarge(_) => (
            "Your session does not fit",
            "Your account carries more data than a browser keeps in a cookie, so you could not be signed in.",
            "Ask the people who run this site to give your account fewer custom claims.",
        ),
        Failure::NoRandomness => (
            "Your session could not be protected",
            "The server could not encrypt your session, so you were not signed in.",
            "Try again in a minute. If it stays, tell the people who run this site.",
        ),
    };
    Words { title, what, todo }
}
