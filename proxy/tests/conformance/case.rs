//! A recorded case, read from its folder and moved to this run's ports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::material::Material;
use crate::ports::Ports;
use crate::request::Request;

/// Documents, requests and the recorded answers, one for each request and in its order.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) gateway: Workload,
    pub(crate) requests: Vec<Request>,
    pub(crate) answers: Vec<Answer>,
}

/// Which pod the gateway is: what selectors and namespaces are compared with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workload {
    pub(crate) namespace: String,
    pub(crate) labels: BTreeMap<String, String>,
}

impl Case {
    /// Reads the folder and reserves a port for each one its texts name.
    pub(crate) fn read(folder: &Path, material: &Material, fixed: &[u16]) -> Result<(Self, Ports), String> {
        let name = name_of(folder);
        let text =
            |file: &str| fs::read_to_string(folder.join(file)).map_err(|e| format!("{name}/{file}: {e}"));
        let (documents, requests, answers) =
            (text("istio.yaml")?, text("requests.yaml")?, text("answers.json")?);
        let ports = Ports::reserve(fixed, &[&documents, &requests], depends_on_ports(folder))
            .map_err(|e| format!("{name}: no free port: {e}"))?;

        let gateway = match fs::read_to_string(folder.join("gateway.yaml")) {
            Ok(text) => yaml(&text).map_err(|e| format!("{name}/gateway.yaml: {e}"))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Workload::default(),
            Err(e) => return Err(format!("{name}/gateway.yaml: {e}")),
        };
        let mut requests: Vec<Request> =
            yaml(&ports.rewrite(&requests)).map_err(|e| format!("{name}/requests.yaml: {e}"))?;
        let answers: Vec<Answer> = serde_json::from_str(&ports.rewrite(&answers))
            .map_err(|e| format!("{name}/answers.json: {e}"))?;
        if !requests
            .iter()
            .map(|r| &r.name)
            .eq(answers.iter().map(|a| &a.name))
        {
            return Err(format!(
                "{name}: answers.json does not answer requests.yaml, name by name"
            ));
        }
        for request in &mut requests {
            request.to = ports.actual(request.to);
        }
        let answers = answers
            .into_iter()
            .map(|answer| answer.filled(material))
            .collect();
        Ok((
            Self {
                name,
                folder: folder.to_owned(),
                gateway,
                requests,
                answers,
            },
            ports,
        ))
    }
}

/// Whether a case's answers hang on the upstreams' ports: hashes of endpoints, and addresses in signed tokens.
pub(crate) fn depends_on_ports(folder: &Path) -> bool {
    [
        "jwt-discovery",
        "resilience-consistent-hash",
        "resilience-outlier-ejection",
        "resilience-retry-hosts",
    ]
    .contains(&&*name_of(folder))
}

fn name_of(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// YAML 1.2: `y` and `on` are words.
fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true })
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            namespace: "istio-ingress".into(),
            labels: BTreeMap::from([("istio".into(), "ingress".into())]),
        }
    }
}
