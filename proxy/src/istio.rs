//! Reads Istio documents, keeping file, line and field for messages. The types below this module mirror
//! the API field for field and judge nothing; `plan::compile` judges.
//!
//! Reading finds what needs no knowledge of Istio's meaning: text that is no YAML, fields that do not
//! exist, values of the wrong type, documents that are no Istio documents or come twice. All of it in
//! one run.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::plan::{DocumentId, Source};
use common::Metadata;
use node::{Node, Path, Value};
use report::{At, Report};

pub(crate) mod authorization_policy;
pub(crate) mod common;
pub(crate) mod decode;
pub(crate) mod destination_rule;
#[cfg(test)]
mod fields;
pub(crate) mod gateway;
pub(crate) mod mesh_config;
pub(crate) mod node;
pub(crate) mod report;
pub(crate) mod request_authentication;
pub(crate) mod service_entry;
pub(crate) mod source;
pub(crate) mod virtual_service;
pub(crate) mod yaml;

/// Everything that was read, each kind in the order in which Istio looks at it.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    pub(crate) gateways: Vec<Document<gateway::Gateway>>,
    pub(crate) virtual_services: Vec<Document<virtual_service::VirtualService>>,
    pub(crate) destination_rules: Vec<Document<destination_rule::DestinationRule>>,
    pub(crate) service_entries: Vec<Document<service_entry::ServiceEntry>>,
    pub(crate) request_authentications: Vec<Document<request_authentication::RequestAuthentication>>,
    pub(crate) authorization_policies: Vec<Document<authorization_policy::AuthorizationPolicy>>,
    /// From `--mesh-config`.
    pub(crate) mesh: Option<Document<mesh_config::MeshConfig>>,
    /// The files, as they were.
    pub(crate) sources: Vec<Source>,
    seen: HashMap<(&'static str, String, String), String>,
}

/// A document of a kind.
#[derive(Debug)]
pub(crate) struct Document<T> {
    /// What every document has.
    pub(crate) about: About,
    /// Its `spec`.
    pub(crate) spec: T,
}

/// What every document has.
#[derive(Debug)]
pub(crate) struct About {
    /// Kind, namespace, name, file.
    pub(crate) id: DocumentId,
    /// `metadata.labels`.
    pub(crate) labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub(crate) annotations: BTreeMap<String, String>,
    /// `metadata.creationTimestamp`, as text: RFC 3339 in UTC sorts as it is.
    pub(crate) created: Option<String>,
    /// The tree, for line numbers.
    pub(crate) root: Node,
}

impl About {
    /// `Kind/name.namespace`.
    pub(crate) fn label(&self) -> String {
        match (&*self.id.name, &*self.id.namespace) {
            ("", _) => self.id.kind.to_owned(),
            (name, "") => format!("{}/{name}", self.id.kind),
            (name, namespace) => format!("{}/{name}.{namespace}", self.id.kind),
        }
    }
}

/// The group of routing documents.
const NETWORKING: &str = "networking.istio.io";

/// The group of policies.
const SECURITY: &str = "security.istio.io";

/// What is read: kind, group, versions.
const KINDS: [(&str, &str, &[&str]); 6] = [
    ("Gateway", NETWORKING, &["v1", "v1beta1", "v1alpha3"]),
    ("VirtualService", NETWORKING, &["v1", "v1beta1", "v1alpha3"]),
    ("DestinationRule", NETWORKING, &["v1", "v1beta1", "v1alpha3"]),
    ("ServiceEntry", NETWORKING, &["v1", "v1beta1", "v1alpha3"]),
    ("RequestAuthentication", SECURITY, &["v1", "v1beta1"]),
    ("AuthorizationPolicy", SECURITY, &["v1", "v1beta1"]),
];

/// What other documents mean here, for those that come along by mistake.
const OTHERS: [(&str, &str); 6] = [
    ("Service", "upstreams are ServiceEntry documents here"),
    (
        "Secret",
        "certificates come from --secrets or from files, not from documents",
    ),
    (
        "Kustomization",
        "it is for kubectl; give the folder instead of this file",
    ),
    (
        "EnvoyFilter",
        "it changes Envoy in ways that no other proxy can follow",
    ),
    ("PeerAuthentication", "only sidecars enforce it"),
    ("Sidecar", "only sidecars read it"),
];

/// Reads every document of these files and folders, and the mesh configuration.
pub(crate) fn read(
    paths: &[PathBuf],
    mesh: Option<&FilePath>,
    variable: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
) -> Documents {
    let mut documents = Documents::default();
    for path in paths {
        match source::files(path) {
            Ok(files) => {
                for file in files {
                    if let Some(text) = open(&file, variable, &mut documents, report) {
                        documents.add_text(&file.display().to_string(), &text, report);
                    }
                }
            }
            Err(problem) => report.fault(problem),
        }
    }
    if let Some(file) = mesh
        && let Some(text) = open(file, variable, &mut documents, report)
    {
        documents.add_mesh_config(&file.display().to_string(), &text, report);
    }
    documents.sort();
    documents
}

fn open(
    file: &FilePath,
    variable: &dyn Fn(&str) -> Option<String>,
    documents: &mut Documents,
    report: &mut Report,
) -> Option<String> {
    match source::read(file, variable) {
        Ok(text) => {
            documents.sources.push(text.source);
            Some(text.text)
        }
        Err(problems) => {
            problems.into_iter().for_each(|problem| report.fault(problem));
            None
        }
    }
}

impl Documents {
    /// Adds the documents of a text.
    pub(crate) fn add_text(&mut self, file: &str, text: &str, report: &mut Report) {
        let (parsed, unreadable) = yaml::parse(text);
        if parsed.is_empty() && unreadable.is_none() {
            report.fault(format!("{file}: there is no document in it"));
        }
        let file: Arc<str> = file.into();
        for document in parsed {
            if document.root.text("kind") == Some("List") {
                self.add_list(&file, document.root, report);
            } else {
                self.add(&file, document.root, &document.duplicates, report);
            }
        }
        if let Some(error) = unreadable {
            report.fault(format!(
                "{file}:{}: not readable as YAML: {}",
                error.line, error.message
            ));
        }
    }

    /// What `kubectl get -o yaml` prints for several objects.
    fn add_list(&mut self, file: &Arc<str>, root: Node, report: &mut Report) {
        let Value::Map(members) = root.value else { return };
        for (key, node) in members {
            match (key.as_str(), node.value) {
                ("items", Value::List(items)) => {
                    for item in items {
                        self.add(file, item, &[], report);
                    }
                }
                ("apiVersion" | "kind" | "metadata", _) => {}
                (other, _) => report.fault(format!("{file}:{}: List: {other}: unknown field", node.line)),
            }
        }
    }

    /// Orders each kind as Istio does: the oldest first, one without a time as if it were made now; then
    /// by name, then by namespace.
    pub(crate) fn sort(&mut self) {
        fn by_age<T>(documents: &mut [Document<T>]) {
            documents.sort_by_cached_key(|document| {
                let about = &document.about;
                let created = about.created.clone();
                (
                    created.is_none(),
                    created,
                    about.id.name.clone(),
                    about.id.namespace.clone(),
                )
            });
        }
        by_age(&mut self.gateways);
        by_age(&mut self.virtual_services);
        by_age(&mut self.destination_rules);
        by_age(&mut self.service_entries);
        by_age(&mut self.request_authentications);
        by_age(&mut self.authorization_policies);
    }

    fn add(&mut self, file: &Arc<str>, root: Node, duplicates: &[(Path, usize)], report: &mut Report) {
        let Some(kind) = known_kind(file, &root, report) else {
            return;
        };
        let about = about(kind, file, root, report);
        for (path, line) in duplicates {
            let label = about.label();
            report.fault(format!(
                "{file}:{line}: {label}: {path}: written twice; one would be lost"
            ));
        }
        self.note(&about, report);
        match kind {
            "Gateway" => self.gateways.extend(document(about, report)),
            "VirtualService" => self.virtual_services.extend(document(about, report)),
            "DestinationRule" => self.destination_rules.extend(document(about, report)),
            "ServiceEntry" => self.service_entries.extend(document(about, report)),
            "RequestAuthentication" => self.request_authentications.extend(document(about, report)),
            _ => self.authorization_policies.extend(document(about, report)),
        }
    }

    /// Kind, namespace and name together identify a document.
    fn note(&mut self, about: &About, report: &mut Report) {
        let id = &about.id;
        let key = (id.kind, id.namespace.to_string(), id.name.to_string());
        let place = format!("{}:{}", id.file, about.root.line);
        if let Some(first) = self.seen.get(&key) {
            let message = format!("the same document is in {first} too; in a cluster one replaces the other");
            report.error(&At::root(about), message);
        } else if !id.name.is_empty() {
            self.seen.insert(key, place);
        }
    }

    /// Reads `meshConfig` out of Helm values.
    pub(crate) fn add_mesh_config(&mut self, file: &str, text: &str, report: &mut Report) {
        let (parsed, unreadable) = yaml::parse(text);
        if let Some(error) = unreadable {
            report.fault(format!(
                "{file}:{}: not readable as YAML: {}",
                error.line, error.message
            ));
            return;
        }
        let [document] = parsed.as_slice() else {
            report.fault(format!(
                "{file}: one mapping with the key meshConfig is needed, as in istiod's Helm values"
            ));
            return;
        };
        let root = document.root.clone();
        for (path, line) in &document.duplicates {
            report.fault(format!("{file}:{line}: {path}: written twice; one would be lost"));
        }
        if let Some(kind) = root.text("kind") {
            report.fault(format!(
                "{file}: a {kind} document is no mesh configuration: meshConfig and nothing else is needed"
            ));
            return;
        }
        let about = About {
            id: DocumentId {
                kind: "MeshConfig",
                namespace: "".into(),
                name: "".into(),
                file: file.into(),
            },
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            created: None,
            root,
        };
        let values: mesh_config::Values = decode_into(&about, &about.root, &Path::default(), report);
        if values.mesh_config.is_none() && about.root.get("meshConfig").is_none() {
            report.error(
                &At::root(&about),
                "meshConfig is missing: as in istiod's Helm values, all keys stand below it",
            );
        }
        let spec = values.mesh_config.unwrap_or_default();
        self.mesh = Some(Document { about, spec });
    }
}

/// The kind of a document, if it is one of ours.
fn known_kind(file: &str, root: &Node, report: &mut Report) -> Option<&'static str> {
    let line = root.line;
    if !matches!(root.value, Value::Map(_)) {
        report.fault(format!(
            "{file}:{line}: a document is a mapping with apiVersion, kind, metadata and spec, not {}",
            root.describe()
        ));
        return None;
    }
    let name = root
        .get("metadata")
        .and_then(|metadata| metadata.text("name"))
        .unwrap_or("");
    let (Some(version), Some(kind)) = (root.text("apiVersion"), root.text("kind")) else {
        let field = if root.text("kind").is_none() {
            "kind"
        } else {
            "apiVersion"
        };
        report.fault(format!("{file}:{line}: {field}: missing: what document is this?"));
        return None;
    };
    let place = format!("{file}:{line}: {kind}/{name}");
    let Some((known, group, versions)) = KINDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(kind))
    else {
        let reason = OTHERS
            .iter()
            .find(|(other, _)| *other == kind)
            .map(|(_, reason)| *reason);
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let read = KINDS.map(|(known, ..)| known).join(", ");
        report.fault(format!(
            "{place}: kind: {kind} of {version} is not read{reason}. Read are {read}"
        ));
        return None;
    };
    if *known != kind {
        report.fault(format!(
            "{place}: kind: {kind} does not exist; kinds are case-sensitive: {known}"
        ));
        return None;
    }
    let is_known = version
        .split_once('/')
        .is_some_and(|(of, version)| of == *group && versions.contains(&version));
    if !is_known {
        let versions = versions.iter().map(|version| format!("{group}/{version}"));
        let versions = versions.collect::<Vec<_>>().join(", ");
        report.fault(format!(
            "{place}: apiVersion: {version} has no {kind} that is read here; {versions} have"
        ));
        return None;
    }
    Some(known)
}

/// Reads what every document has.
fn about(kind: &'static str, file: &Arc<str>, root: Node, report: &mut Report) -> About {
    let name = |field| {
        root.get("metadata")
            .and_then(|metadata| metadata.text(field))
            .unwrap_or("")
    };
    let mut about = About {
        id: DocumentId {
            kind,
            namespace: name("namespace").into(),
            name: name("name").into(),
            file: file.clone(),
        },
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        created: None,
        root,
    };
    if let Value::Map(members) = &about.root.value {
        for (key, _) in members {
            if !["apiVersion", "kind", "metadata", "spec", "status"].contains(&key.as_str()) {
                report.error(&At::root(&about).name(key), "unknown field");
            }
        }
    }
    let at = At::root(&about);
    let Some(node) = about.root.get("metadata") else {
        report.error(
            &at.key("metadata"),
            "missing: a document needs name and namespace",
        );
        return about;
    };
    let path = Path::default().key("metadata");
    let before = report.errors.len();
    let metadata: Metadata = decode_into(&about, node, &path, report);
    let readable = report.errors.len() == before;
    for (field, value) in [("name", &metadata.name), ("namespace", &metadata.namespace)] {
        if value.as_ref().is_none_or(String::is_empty) && readable {
            report.error(
                &at.key("metadata").key(field),
                "missing: kind, namespace and name identify a document",
            );
        }
    }
    check_metadata(&about, &metadata, report);
    about.labels = metadata.labels;
    about.annotations = metadata.annotations;
    about.created = metadata.creation_timestamp;
    about
}

fn check_metadata(about: &About, metadata: &Metadata, report: &mut Report) {
    let at = At::root(about).key("metadata");
    if metadata.annotations.contains_key(DRY_RUN) && about.id.kind != "AuthorizationPolicy" {
        report.error(
            &at.key("annotations").name(DRY_RUN),
            "only an AuthorizationPolicy can be run dry",
        );
    }
    if let Some(revision) = metadata.labels.get(REVISION)
        && revision != "default"
    {
        report.warn(
            &at.key("labels").name(REVISION),
            format!("only the control plane of revision {revision} reads this document; here it is read like any other"),
        );
    }
}

/// The annotation that makes a policy only log.
pub(crate) const DRY_RUN: &str = "istio.io/dry-run";

/// The label that gives a document to one of several control planes.
const REVISION: &str = "istio.io/rev";

/// Reads the spec; none when it is not there or no mapping at all.
fn document<T: DeserializeOwned + Default>(about: About, report: &mut Report) -> Option<Document<T>> {
    let Some(node) = about.root.get("spec") else {
        report.error(&At::spec(&about), "missing: there is nothing in this document");
        return None;
    };
    let path = Path::default().key("spec");
    let spec = decode_into(&about, node, &path, report);
    // a spec that is no mapping has been told; that everything is missing in it need not be
    matches!(node.value, Value::Map(_)).then_some(Document { about, spec })
}

fn decode_into<T: DeserializeOwned + Default>(
    about: &About,
    node: &Node,
    path: &Path,
    report: &mut Report,
) -> T {
    let decoded = decode::decode(node, path);
    for (path, message) in decoded.errors {
        report.error(&At::path(about, path), message);
    }
    for path in decoded.unknown {
        report.error(&At::path(about, path), "unknown field");
    }
    decoded.value
}
