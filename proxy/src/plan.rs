//! What we were told, compiled once: the only thing the data path reads.
//!
//! `istio/*.rs` mirrors the documents field for field and judges nothing; `plan/compile.rs` turns them
//! into these types, with every name resolved, every pattern compiled and no string left to interpret.
//! A plan holds no key, no certificate and no socket: those belong to the process and change on their
//! own. A reload builds a new plan and swaps it whole, or keeps the old one and says why.

use std::sync::Arc;

pub(crate) mod authentication;
pub(crate) mod authorization;
pub(crate) mod compile;
pub(crate) mod describe;
pub(crate) mod listener;
pub(crate) mod route;
pub(crate) mod text;
pub(crate) mod upstream;

use authentication::JwtRule;
use authorization::Policies;
use listener::Listener;
use upstream::UpstreamSpec;

/// The documents that a process was given, understood.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// How request paths are made canonical before anything reads them.
    pub(crate) path: PathNormalization,
    /// Proxies in front of this one whose `x-forwarded-*` count, from the right.
    pub(crate) trusted_hops: usize,
    /// One per address.
    pub(crate) listeners: Vec<Listener>,
    /// Every destination that some route or mirror names; routes refer to them by index.
    pub(crate) upstreams: Vec<Arc<UpstreamSpec>>,
    /// In the order in which they are evaluated: by issuer, then by document.
    pub(crate) jwt_rules: Vec<Arc<JwtRule>>,
    /// Every policy that selects this workload.
    pub(crate) policies: Policies,
    /// The files the plan was made of.
    pub(crate) sources: Vec<Source>,
    /// What is legal and hardly meant, one line each.
    pub(crate) warnings: Vec<String>,
}

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its path, as on the command line.
    pub(crate) path: String,
    /// SHA-256 of its bytes before substitution, in lower-case hexadecimal.
    pub(crate) sha256: String,
}

/// `meshConfig.pathNormalization.normalization`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PathNormalization {
    /// As sent, but for the fragment.
    None,
    /// RFC 3986 dot segments, backslashes, percent-encoded unreserved characters. Istio's default.
    #[default]
    Base,
    /// Base, then runs of slashes become one.
    MergeSlashes,
    /// `%2F` and `%5C` first, then the others.
    DecodeAndMergeSlashes,
}

/// A document by kind, namespace and name, with the file it came from: what a person needs to find it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DocumentId {
    /// `AuthorizationPolicy`, for instance.
    pub(crate) kind: &'static str,
    /// Its namespace.
    pub(crate) namespace: Arc<str>,
    /// Its name.
    pub(crate) name: Arc<str>,
    /// The file, as on the command line.
    pub(crate) file: Arc<str>,
}

impl std::fmt::Display for DocumentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}/{}.{} ({})",
            self.kind, self.name, self.namespace, self.file
        )
    }
}
