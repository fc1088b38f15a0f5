//! By what things are counted. Bounded by construction: routes, upstreams and certificates come from
//! documents, reasons from the program.

use prometheus_client::encoding::EncodeLabelSet;

/// A route by its document and name.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct RouteLabels {
    pub(super) route: String,
}

/// An upstream by its name.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct UpstreamLabels {
    pub(crate) upstream: String,
}

/// Why the proxy answered itself.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct ReasonLabels {
    pub(super) reason: &'static str,
}

/// A key set by its address.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct SourceLabels {
    pub(crate) source: String,
}

/// A certificate by whose it is, what it is for, and where it lies.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct CertificateLabels {
    pub(crate) owner: String,
    /// `certificate` or `ca`.
    pub(crate) kind: &'static str,
    pub(crate) file: String,
}
