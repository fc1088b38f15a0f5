//! Whom a document is for: labels that select a workload, namespaces that a document is exported to.

use std::collections::BTreeMap;

use crate::istio::About;
use crate::istio::common::{Labels, Selector};
use crate::istio::report::{At, Report};

use super::Workload;
use super::names::is_lower_label;

/// Policies of this namespace concern every workload.
pub(crate) const ROOT_NAMESPACE: &str = "istio-system";

/// Whether all of these labels are the workload's.
pub(crate) fn selects(selector: &Labels, labels: &BTreeMap<String, String>) -> bool {
    selector
        .iter()
        .all(|(name, value)| labels.get(name) == Some(value))
}

/// Whether a policy concerns this workload; says why when it does not.
pub(crate) fn policy_applies(
    about: &About,
    selector: Option<&Selector>,
    workload: &Workload<'_>,
    report: &mut Report,
) -> bool {
    let at = At::spec(about).key("selector");
    for (name, value) in selector.into_iter().flat_map(|selector| &selector.match_labels) {
        if name.contains('*') || value.contains('*') {
            report.error(
                &at.key("matchLabels"),
                format!("{name}: {value}: a selector has no wildcards"),
            );
        }
        if name.is_empty() {
            report.error(&at.key("matchLabels"), "a label needs a name");
        }
    }
    let namespace = &*about.id.namespace;
    if namespace != workload.namespace && namespace != ROOT_NAMESPACE {
        report.warn(
            &At::root(about).key("metadata.namespace"),
            format!(
                "{namespace} is neither this workload's namespace ({}) nor {ROOT_NAMESPACE}: the policy protects nothing here",
                workload.namespace
            ),
        );
        return false;
    }
    let applies = selector.is_none_or(|selector| selects(&selector.match_labels, workload.labels));
    if !applies {
        report.warn(
            &at,
            format!("selects other workloads than this one ({})", workload.labels()),
        );
    }
    applies
}

/// How far a document is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Visibility {
    /// In its own namespace, which is ours.
    Own,
    /// In namespaces that it names, ours among them.
    Named,
    /// Everywhere.
    Public,
}

/// How a document reaches this workload, if it does.
pub(crate) fn visibility(
    export_to: &[String],
    namespace: &str,
    workload: &Workload<'_>,
) -> Option<Visibility> {
    let names = |wanted: &str| export_to.iter().any(|entry| entry == wanted);
    if export_to.is_empty() || names("*") {
        Some(Visibility::Public)
    } else if namespace == workload.namespace && (names(".") || names(namespace)) {
        Some(Visibility::Own)
    } else if names(workload.namespace) {
        Some(Visibility::Named)
    } else {
        None
    }
}

/// Checks `exportTo`; `~`, nobody, is for ServiceEntries only.
pub(crate) fn check_export_to(export_to: &[String], nobody: bool, at: &At<'_>, report: &mut Report) {
    for (place, entry) in export_to.iter().enumerate() {
        let at = at.index(place);
        match entry.as_str() {
            "*" | "." => {}
            "~" if nobody => {}
            "~" => report.error(&at, "\"~\", nobody, is possible for a ServiceEntry only"),
            name if is_lower_label(name) => {}
            name => report.error(
                &at,
                format!("{name:?} is no namespace; a name, \".\" or \"*\" is needed"),
            ),
        }
        if export_to[..place].contains(entry) {
            report.error(&at, format!("{entry:?} is listed twice"));
        }
    }
    if export_to.len() > 1 && export_to.iter().any(|entry| entry == "~") {
        report.error(at, "\"~\", nobody, stands alone");
    }
}
