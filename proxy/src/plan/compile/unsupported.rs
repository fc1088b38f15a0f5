//! What a plan can say and the data path does not do yet. Each is refused by name, so that nothing is
//! ever silently ignored; an entry goes when its feature lands.

use crate::istio::report::{At, Report};

/// A part of the subset, by what a document calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    TcpKeepalive,
}

/// What is missing today.
const NOT_YET: [Feature; 1] = [Feature::TcpKeepalive];

/// Refuses a feature that the data path does not have.
pub(crate) fn refuse(feature: Feature, at: &At<'_>, report: &mut Report) {
    if NOT_YET.contains(&feature) {
        report.error(at, "not supported yet");
    }
}
