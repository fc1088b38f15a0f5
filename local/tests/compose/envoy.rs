//! Real Envoy in the gateway's place, with what istiod makes of `istio/private`: the same questions, asked
//! through the proxy, have the same answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::callers;
use crate::engine::{System, docker};
use crate::failures::recovers;
use crate::harness::Folder;
use crate::visitor::{MESSAGE, Visitor};

#[tokio::test]
async fn envoy_and_our_gateway_give_the_same_answers() {
    let system = System::start_with_envoy("envoy");
    let mut visitor = Visitor::of(system.page());
    visitor.sign_in().await;
    let page = visitor.get("/").await.1;
    assert!(page.contains(MESSAGE), "through Envoy: {page}");
    let questions = questions(&system).await;
    let of_envoy = answers(&system, &questions).await;

    system.switch("gateway");
    recovers(&mut visitor, "the proxy").await; // v2 makes the front end anew, too: it depends on the proxy
    let of_ours = answers(&system, &questions).await;

    for ((question, envoy), ours) in questions.iter().zip(&of_envoy).zip(&of_ours) {
        assert_eq!(envoy, ours, "{}: Envoy's answer and ours", question.what);
    }
    let statuses: Vec<u16> = of_envoy.iter().map(|answer| answer.status).collect();
    assert_eq!(
        statuses,
        questions
            .iter()
            .map(|question| question.status)
            .collect::<Vec<_>>()
    );
}

struct Question {
    what: &'static str,
    path: &'static str,
    token: Option<String>,
    /// What the documents promise.
    status: u16,
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn questions(system: &System) -> Vec<Question> {
    let good = sign_in(system).await;
    let keys = Keys::of(system);
    let expired = keys.resigned(&good, |claims| claims["exp"] = json!(callers::now() - 120));
    let another_project = keys.resigned(&good, |claims| {
        claims["iss"] = json!("https://securetoken.google.com/another");
    });
    let another_audience = keys.resigned(&good, |claims| claims["aud"] = json!("another"));
    let kid = callers::part(&good, 0)["kid"].as_str().unwrap().to_owned();
    let wrong_signature = callers::sign(&keys.strange, &kid, &callers::part(&good, 1));
    let unknown_key = callers::sign(&keys.strange, "never-seen", &callers::part(&good, 1));
    let (secret, health) = ("/api/secure.json", "/api/healthz");
    let question = |what, path, token: Option<&String>, status| Question {
        what,
        path,
        token: token.cloned(),
        status,
    };
    vec![
        question("nobody, health", health, None, 200),
        question("nobody", secret, None, 403),
        question("nobody, another path", "/", None, 403),
        question("nobody, a letter in disguise", "/api/%73ecure.json", None, 403),
        question("nobody, two slashes", "//api//healthz", None, 200),
        question("the user", secret, Some(&good), 200),
        question(
            "the user, a path that the backend lacks",
            "/api/none",
            Some(&good),
            404,
        ),
        question("the user, a path that no rule lists", "/other", Some(&good), 403),
        question("expired", secret, Some(&expired), 401),
        question("expired, health", health, Some(&expired), 401),
        question("wrong signature", secret, Some(&wrong_signature), 401),
        question("unknown key", secret, Some(&unknown_key), 401),
        question("another project's", secret, Some(&another_project), 401),
        question("another audience", secret, Some(&another_audience), 403),
        question("no token at all", secret, Some(&"nonsense".to_owned()), 401),
    ]
}

/// Asks the proxy at its own address: Cloud Run's front door has no part in this.
async fn answers(system: &System, questions: &[Question]) -> Vec<Answer> {
    let address = system.address("proxy", "run");
    let client = callers::client().build().unwrap();
    let mut answers = Vec::new();
    for question in questions {
        let mut request = client.get(format!("http://{address}:8084{}", question.path));
        if let Some(token) = &question.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        let mut headers = BTreeMap::new();
        for (name, value) in response.headers() {
            // what differs from one request to the next is only there or not
            let value = match name.as_str() {
                "date" | "x-envoy-upstream-service-time" => "",
                _ => value.to_str().unwrap(),
            };
            headers.insert(name.to_string(), value.to_owned());
        }
        answers.push(Answer {
            status: response.status().as_u16(),
            headers,
            body: response.text().await.unwrap(),
        });
    }
    answers
}

async fn sign_in(system: &System) -> String {
    let address = system.address("identity", "identity");
    let url = format!("http://{address}:9099/v1/accounts:signInWithPassword?key=demo-key");
    let body =
        json!({ "email": "shopper@acme.example", "password": "Acme-demo-2026", "returnSecureToken": true });
    let request = callers::client().build().unwrap().post(url).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["idToken"].as_str().expect("a token").to_owned()
}

/// The key that Identity Platform's stand-in signs with, and one that is nobody's to these gateways.
struct Keys {
    own: Vec<u8>,
    strange: Vec<u8>,
}

impl Keys {
    fn of(system: &System) -> Keys {
        let folder = Folder::new();
        let fetch = |service: &str| {
            let from = format!("{}:/state/{service}/signing-key.pk8", system.container(service));
            let to = folder.path().join(service);
            docker(&["cp", &from, to.to_str().unwrap()]);
            std::fs::read(to).unwrap()
        };
        Keys {
            own: fetch("identity"),
            strange: fetch("metadata"),
        }
    }

    /// The user's own token with a changed claim: what only the stand-in could sign.
    fn resigned(&self, token: &str, change: impl FnOnce(&mut Value)) -> String {
        let kid = callers::part(token, 0)["kid"].as_str().unwrap().to_owned();
        let mut claims = callers::part(token, 1);
        change(&mut claims);
        callers::sign(&self.own, &kid, &claims)
    }
}
