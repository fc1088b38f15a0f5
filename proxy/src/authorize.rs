//! AuthorizationPolicies: may this request pass? Reads the plan, the head and the connection, nothing else.
//!
//! DENY first, then ALLOW: <https://istio.io/latest/docs/reference/config/security/authorization-policy/>.

use std::fmt;
use std::net::IpAddr;

use crate::downstream::Downstream;
use crate::head::{Head, User};
use crate::plan::DocumentId;
use crate::plan::authorization::{Condition, Key, Pattern, Policies, Policy, Rule};

/// Why a request may not pass; the client reads `RBAC: access denied` in every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// A DENY policy's rule matched.
    By(DocumentId, usize),
    /// There are ALLOW policies and none matched; the first of them, and how many there are.
    NotAllowed(DocumentId, usize),
}

/// Asks every policy that selects this workload.
pub(crate) fn check(policies: &Policies, head: &Head, downstream: &Downstream) -> Result<(), Denied> {
    let request = Request { head, downstream };
    for policy in &policies.deny {
        if let Some(rule) = request.matched_rule(policy) {
            return Err(Denied::By(policy.document.clone(), rule));
        }
    }
    let Some(first) = policies.allow.first() else {
        return Ok(());
    };
    let allowed = policies
        .allow
        .iter()
        .any(|policy| request.matched_rule(policy).is_some());
    if allowed {
        return Ok(());
    }
    Err(Denied::NotAllowed(first.document.clone(), policies.allow.len()))
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::By(document, rule) => write!(f, "{document} rules[{rule}] denies it"),
            Denied::NotAllowed(document, 1) => write!(f, "{document} has no rule that allows it"),
            Denied::NotAllowed(document, count) => {
                write!(f, "{document} and {} more have no rule that allows it", count - 1)
            }
        }
    }
}

/// What is judged.
#[derive(Clone, Copy)]
struct Request<'a> {
    head: &'a Head,
    downstream: &'a Downstream,
}

/// A property in the form in which patterns compare it.
#[derive(Clone, Copy)]
enum Property<'a> {
    Text(&'a [u8]),
    Address(IpAddr),
    Port(u16),
    User(&'a User),
}

impl<'a> Request<'a> {
    fn matched_rule(self, policy: &Policy) -> Option<usize> {
        policy.rules.iter().position(|rule| self.matches(rule))
    }

    fn matches(self, rule: &Rule) -> bool {
        let any = |alternatives: &[Vec<Condition>]| {
            alternatives.is_empty()
                || alternatives
                    .iter()
                    .any(|all| all.iter().all(|one| self.holds(one)))
        };
        any(&rule.from) && any(&rule.to) && rule.when.iter().all(|condition| self.holds(condition))
    }

    /// A property that is missing has no value: it matches no pattern, and so passes `not_values`.
    fn holds(self, condition: &Condition) -> bool {
        let among = |patterns: &[Pattern]| {
            self.any_value(&condition.key, |value| {
                patterns.iter().any(|pattern| pattern.matches(value))
            })
        };
        (condition.values.is_empty() || among(&condition.values))
            && (condition.not_values.is_empty() || !among(&condition.not_values))
    }

    /// Whether any value of the property passes.
    fn any_value(self, key: &Key, passes: impl Fn(Property<'_>) -> bool) -> bool {
        let Request { head, downstream } = self;
        let text = |text: &str| passes(Property::Text(text.as_bytes()));
        let tls = downstream.tls.as_ref();
        let user = head.user.as_deref();
        let registered = |name: &str| user.is_some_and(|user| user.claim_matches(&[name], text));
        match key {
            Key::Principal => tls.and_then(|tls| tls.peer.as_deref()).is_some_and(|peer| {
                let mut names = peer.uris.iter().chain(&peer.dns).chain([&peer.subject]);
                names.any(|name| text(name))
            }),
            Key::RequestPrincipal => user.is_some_and(|user| {
                let principal = user.principal.as_deref();
                principal.is_some_and(text) || principal.is_some() && passes(Property::User(user))
            }),
            Key::Audiences => registered("aud"),
            Key::Presenter => registered("azp"),
            Key::Claim(path) => user.is_some_and(|user| user.claim_matches(path, text)),
            Key::SourceIp => passes(Property::Address(downstream.remote.ip())),
            Key::RemoteIp => passes(Property::Address(head.client)),
            Key::DestinationIp => passes(Property::Address(downstream.local.ip())),
            Key::DestinationPort => passes(Property::Port(downstream.local.port())),
            Key::Host | Key::Authority => passes(Property::Text(head.authority.as_bytes())),
            Key::Method => text(head.method.as_str()),
            Key::Path => text(head.path()),
            Key::PathWithQuery => text(head.target.as_str()),
            Key::Sni => {
                let name = tls.and_then(|tls| tls.sni.as_deref());
                name.is_some_and(|name| !name.is_empty() && text(name))
            }
            Key::Header(name) => {
                let mut lines = head.headers.get_all(name).iter();
                lines.any(|line| passes(Property::Text(line.as_bytes())))
            }
        }
    }
}

impl Pattern {
    fn matches(&self, value: Property<'_>) -> bool {
        match (self, value) {
            (Pattern::Text(pattern), Property::Text(text)) => pattern.matches(text),
            (Pattern::Template(pattern), Property::Text(text)) => pattern.is_match(text),
            (Pattern::Network(network, length), Property::Address(address)) => {
                contains(*network, *length, address)
            }
            (Pattern::Port(expected), Property::Port(port)) => *expected == port,
            (Pattern::Principal { issuer, subject }, Property::User(user)) => {
                let one = |name: &str, passes: &dyn Fn(&[u8]) -> bool| {
                    let claim = user.claims.get(name).and_then(|claim| claim.as_str());
                    claim.is_some_and(|claim| passes(claim.as_bytes()))
                };
                one("iss", &|claim| issuer.matches(claim)) && one("sub", &|claim| subject.matches(claim))
            }
            _ => false,
        }
    }
}

/// Whether the address lies in the network; bits behind the prefix do not count.
fn contains(network: IpAddr, length: u8, address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let ((network, width), (address, other)) = (bits(network), bits(address));
    let unused = 128_u32.saturating_sub(length.into());
    width == other && (network ^ address).checked_shr(unused).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests;
