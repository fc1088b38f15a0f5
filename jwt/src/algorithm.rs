//! The signature algorithms a token may name (RFC 7518 section 3.1, RFC 8037 section 3.1).

use std::fmt;

/// What stands in a token's `alg`. `none` is not among them and never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the registry's own
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    /// Named so that a token which uses it is refused for its key, as Envoy would a set without one;
    /// ring has no P-521, so no key verifies it.
    ES512,
    HS256,
    HS384,
    HS512,
    EdDSA,
}

impl Algorithm {
    /// The algorithm of that name; names are case-sensitive.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The most frequent one first: the look-up stops there.
const ALL: [Algorithm; 13] = [
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::EdDSA,
];
