//! One part in a process of its own, and what to ask it with.

use serde_json::{Value, json};

use crate::harness::{Folder, Process, workspace};

/// A stand-in on a free port.
pub(crate) struct Part {
    pub(crate) url: String,
    pub(crate) folder: Folder,
    _process: Process,
}

impl Part {
    /// `local run NAME …` with a state folder of its own.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Part {
        Part::start_in(Folder::new(), name, arguments).await
    }

    /// The same on a state that is there.
    pub(crate) async fn start_in(folder: Folder, name: &str, arguments: &[&str]) -> Part {
        let state = folder.path().to_str().unwrap().to_owned();
        let mut all = vec!["run", name, "--listen", "127.0.0.1:0", "--state", &state];
        all.extend(arguments);
        let process = Process::start(&workspace(), &all);
        let begin = format!("{name} listens on ");
        let line = process.line(|line| line.starts_with(&begin)).await;
        let url = line[begin.len()..].split(';').next().unwrap().to_owned();
        Part {
            url,
            folder,
            _process: process,
        }
    }
}

impl Part {
    /// A user's call: `v1/accounts:NAME`.
    pub(crate) async fn call(&self, name: &str, body: Value) -> (u16, Value) {
        post(&format!("{}/v1/accounts:{name}?key=demo-key", self.url), body).await
    }

    /// A call of the project's owner: below `PATH`, for example `v1/projects/demo-acme`.
    pub(crate) async fn owner(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/identitytoolkit.googleapis.com/{path}", self.url);
        let request = client()
            .request(method.parse().unwrap(), url)
            .bearer_auth("owner");
        let response = request.json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// What tests ask and change: `/emulator/v1/PATH`.
    pub(crate) async fn emulator(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/emulator/v1/{path}", self.url);
        let request = client().request(method.parse().unwrap(), url);
        let response = request.json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }
}

/// The claims of a token, whoever signed it.
pub(crate) fn claims(token: &Value) -> Value {
    let token = jwt::Token::parse(token.as_str().expect("a token")).unwrap();
    Value::Object(token.into_claims())
}

/// A client without proxies and redirects.
pub(crate) fn client() -> reqwest::Client {
    chassis::crypto::install();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Posts JSON; the status and the JSON answer.
pub(crate) async fn post(url: &str, body: Value) -> (u16, Value) {
    let response = client().post(url).json(&body).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// Gets JSON.
pub(crate) async fn get(url: &str) -> Value {
    client().get(url).send().await.unwrap().json().await.unwrap()
}

/// The code of a Google error.
pub(crate) fn code(answer: &(u16, Value)) -> String {
    let message = answer.1["error"]["message"].as_str().unwrap_or_default();
    format!("{} {}", answer.0, message.split(" : ").next().unwrap())
}

/// The test user, signed in.
pub(crate) async fn sign_in(identity: &str, password: &str) -> (u16, Value) {
    let url =
        format!("{identity}/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=demo-key");
    let body = json!({ "email": "shopper@acme.example", "password": password, "returnSecureToken": true });
    post(&url, body).await
}
