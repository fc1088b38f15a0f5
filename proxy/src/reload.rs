//! Documents that change under a running process: a new plan is swapped in whole, or the old one stays
//! and the log says why.
//!
//! Contents are polled, because neither inotify nor modification times tell the truth on every platform;
//! a change counts when two polls agree, so that a half-written file is not taken for a wish. A folder
//! that is empty or cannot be read is an accident, not a wish either.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::plan::{DocumentId, Plan};
use crate::tls::identity::sha256;

/// Where plans come from.
#[derive(Clone)]
pub(crate) struct Documents {
    /// Every file, or directory of files, that a plan is made of.
    pub(crate) paths: Vec<PathBuf>,
    /// Makes one of them as they are now.
    pub(crate) load: Arc<dyn Fn() -> anyhow::Result<Plan> + Send + Sync>,
}

/// What the polls saw.
#[derive(Default)]
pub(crate) struct Watch {
    /// What the plan in use was made of, or what the last failed attempt was.
    settled: Option<String>,
    last: Option<String>,
    problem: String,
}

impl Documents {
    /// One digest over all contents; an error when a path cannot be read or a directory has no document.
    pub(crate) fn digest(&self) -> anyhow::Result<String> {
        let mut all = Vec::new();
        for path in &self.paths {
            for file in files(path)? {
                let bytes = std::fs::read(&file)
                    .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", file.display()))?;
                all.extend(format!("{}\0{}\n", file.display(), sha256(&bytes)).bytes());
            }
        }
        Ok(sha256(&all))
    }
}

impl Watch {
    /// Nothing is wrong any more: the same problem would be said aloud again.
    pub(crate) fn settled(&mut self) {
        self.problem.clear();
    }

    /// Begins with what the documents are now; before they are loaded, so that no change is missed.
    pub(crate) fn new(documents: &Documents) -> Watch {
        let now = documents.digest().ok();
        Watch {
            settled: now.clone(),
            last: now,
            problem: String::new(),
        }
    }

    /// Looks once. A new plan, when there is one to try; it is not tried again until something changes,
    /// or [`Watch::again`] says so. Blocks on the file system.
    pub(crate) fn poll(&mut self, documents: &Documents) -> Option<Plan> {
        let now = match documents.digest() {
            Ok(now) => now,
            Err(error) => {
                self.last = None;
                self.tell(&format!("{error:#}"));
                return None;
            }
        };
        let agreed = self.last.as_ref() == Some(&now);
        self.last = Some(now.clone());
        if !agreed || self.settled.as_ref() == Some(&now) {
            return None;
        }
        self.settled = Some(now);
        match (documents.load)() {
            Ok(plan) => Some(plan),
            Err(error) => {
                self.tell(&format!("{error:#}"));
                None
            }
        }
    }

    /// What was tried could not be put to use, perhaps for want of something beside the documents: a
    /// secret that comes a moment later, a port that is still taken. It is tried again with every poll.
    pub(crate) fn again(&mut self) {
        self.settled = None;
    }

    /// Says once why the old plan stays.
    pub(crate) fn tell(&mut self, problem: &str) {
        if self.problem != problem {
            for line in problem.lines() {
                tracing::error!("the configuration in use stays: {line}");
            }
            problem.clone_into(&mut self.problem);
        }
    }
}

/// The documents of a path: itself, or the `*.yaml` of a directory, as the start reads them.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path)
        .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", path.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .filter(|path| path.file_name().is_some_and(|name| name != "kustomization.yaml"))
        .collect();
    files.sort();
    match files.is_empty() {
        true => anyhow::bail!("{} has no documents any more", path.display()),
        false => Ok(files),
    }
}

/// What a reload changed for those who are let in: one line each, in the order of importance. The flag
/// says that something is less guarded than before.
pub(crate) fn consequences(before: &Plan, after: &Plan) -> Vec<(bool, String)> {
    let mut lines = Vec::new();
    let policies = |plan: &Plan| -> BTreeSet<String> {
        let all = plan.policies.deny.iter().chain(&plan.policies.allow);
        all.map(|policy| short(&policy.document)).collect()
    };
    let rules = |plan: &Plan| -> BTreeSet<String> {
        let rules = plan.jwt_rules.iter();
        rules
            .map(|rule| {
                let issuer = rule.issuer.as_deref().unwrap_or("any issuer");
                format!("{} ({issuer})", short(&rule.document))
            })
            .collect()
    };
    for gone in policies(before).difference(&policies(after)) {
        lines.push((true, format!("{gone} is gone: it refuses nothing any more")));
    }
    if !before.policies.allow.is_empty() && after.policies.allow.is_empty() {
        let text = "no ALLOW policy is left: every request that no DENY policy matches is let in, \
                    with or without a token";
        lines.push((true, text.to_owned()));
    }
    for gone in rules(before).difference(&rules(after)) {
        lines.push((
            true,
            format!("{gone} is gone: its tokens are not verified any more"),
        ));
    }
    for new in policies(after).difference(&policies(before)) {
        lines.push((false, format!("{new} is in force")));
    }
    for new in rules(after).difference(&rules(before)) {
        lines.push((false, format!("{new} is in force")));
    }
    lines
}

fn short(document: &DocumentId) -> String {
    format!("{}/{}.{}", document.kind, document.name, document.namespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::authorization::Policy;

    fn plan(allow: &[&str]) -> Plan {
        let mut plan = Plan::default();
        plan.policies.allow = allow
            .iter()
            .map(|name| Policy {
                document: DocumentId {
                    kind: "AuthorizationPolicy",
                    namespace: "istio-ingress".into(),
                    name: (*name).into(),
                    file: "policy.yaml".into(),
                },
                rules: Vec::new(),
            })
            .collect();
        plan
    }

    #[test]
    fn the_last_policy_that_goes_is_named_with_what_that_opens() {
        let lines = consequences(&plan(&["api"]), &plan(&[]));
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|(opens, _)| *opens));
        assert!(
            lines[0]
                .1
                .starts_with("AuthorizationPolicy/api.istio-ingress is gone"),
            "{lines:?}"
        );
        assert!(lines[1].1.contains("every request"), "{lines:?}");
        assert_eq!(consequences(&plan(&[]), &plan(&["api"])).len(), 1);
    }

    #[test]
    fn a_change_counts_when_two_polls_agree_and_an_empty_folder_changes_nothing() {
        let directory = std::env::temp_dir().join(format!("proxy-reload-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("a.yaml");
        std::fs::write(&file, "one").unwrap();
        let documents = Documents {
            paths: vec![directory.clone()],
            load: Arc::new(|| Ok(Plan::default())),
        };
        let mut watch = Watch::new(&documents);
        assert!(watch.poll(&documents).is_none());
        std::fs::write(&file, "two").unwrap();
        assert!(watch.poll(&documents).is_none(), "seen once");
        assert!(watch.poll(&documents).is_some(), "seen twice");
        assert!(watch.poll(&documents).is_none(), "once is enough");
        std::fs::remove_file(&file).unwrap();
        assert!(watch.poll(&documents).is_none());
        assert!(watch.poll(&documents).is_none());
        std::fs::remove_dir_all(directory).unwrap();
    }
}
