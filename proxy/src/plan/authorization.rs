//! Every AuthorizationPolicy that selects this workload.

use std::net::IpAddr;

use http::HeaderName;

use super::DocumentId;
use super::text::TextMatch;
use crate::re2::Re2;

/// Policies in the order in which they are asked: DENY, then ALLOW. AUDIT and dry-run ones are not here:
/// they have no effect on traffic.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    /// Any match refuses.
    pub(crate) deny: Vec<Policy>,
    /// If there is any, one must match.
    pub(crate) allow: Vec<Policy>,
}

/// One document.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Which.
    pub(crate) document: DocumentId,
    /// Any of these; none = never.
    pub(crate) rules: Vec<Rule>,
}

/// `from` and `to` and `when`.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    /// Any of these (each: all of its conditions); empty = anyone.
    pub(crate) from: Vec<Vec<Condition>>,
    /// Any of these (each: all of its conditions); empty = anything.
    pub(crate) to: Vec<Vec<Condition>>,
    /// All of these.
    pub(crate) when: Vec<Condition>,
}

/// A property of the request and what it must, or must not, be.
#[derive(Debug)]
pub(crate) struct Condition {
    /// What is looked at.
    pub(crate) key: Key,
    /// Any of these must match, if there is any.
    pub(crate) values: Vec<Pattern>,
    /// None of these may match.
    pub(crate) not_values: Vec<Pattern>,
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// URI SANs, DNS SANs or the subject of the verified client certificate.
    Principal,
    /// `iss/sub` of the verified token.
    RequestPrincipal,
    /// `aud` of the verified token.
    Audiences,
    /// `azp` of the verified token.
    Presenter,
    /// A claim by its path.
    Claim(Vec<Box<str>>),
    /// The socket peer.
    SourceIp,
    /// The client by trusted hops.
    RemoteIp,
    /// The local address of the connection.
    DestinationIp,
    /// The local port of the connection.
    DestinationPort,
    /// The Host with its port, without regard to case.
    Host,
    /// The method.
    Method,
    /// The normalised path, without query.
    Path,
    /// The TLS server name, lower case.
    Sni,
    /// A header; each line is a value.
    Header(HeaderName),
    /// `:path` by `request.headers[:path]`, with its query.
    PathWithQuery,
    /// `:authority` by `request.headers[…]`: case-sensitive.
    Authority,
}

/// How a property is compared.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// As text.
    Text(TextMatch),
    /// As an address in a network: address and prefix length.
    Network(IpAddr, u8),
    /// As a port.
    Port(u16),
    /// As a path template, `{*}` and `{**}`, compiled to an expression over the whole path.
    Template(Re2),
    /// As issuer and subject, each by its own matcher.
    Principal {
        /// On `iss`.
        issuer: TextMatch,
        /// On `sub`.
        subject: TextMatch,
    },
}
