//! Servers that answer by rule and remember what they were asked. A rule can be replaced while they run.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};

use super::token::{Key, now};
use super::{EMAIL, PASSWORD};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Is(u16, Vec<(&'static str, String)>, String),
    /// None, ever.
    Hang,
    /// This one, when it is told to.
    Held(Arc<tokio::sync::Semaphore>, Box<Answer>),
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer::Is(
            status,
            vec![("content-type", "application/json".into())],
            body.to_string(),
        )
    }

    pub(crate) fn plain(status: u16, body: &str) -> Answer {
        Answer::Is(
            status,
            vec![("content-type", "text/plain".into())],
            body.to_owned(),
        )
    }

    pub(crate) fn html(status: u16) -> Answer {
        let body = "<html><h1>Error</h1>".to_owned();
        Answer::Is(
            status,
            vec![("content-type", "text/html; charset=UTF-8".into())],
            body,
        )
    }

    /// Identity Platform's way to say no.
    pub(crate) fn refusal(status: u16, message: &str) -> Answer {
        Answer::json(status, &json!({"error": {"code": status, "message": message}}))
    }

    pub(crate) fn with(self, name: &'static str, value: &str) -> Answer {
        match self {
            Answer::Is(status, mut headers, body) => {
                headers.push((name, value.to_owned()));
                Answer::Is(status, headers, body)
            }
            other => other,
        }
    }
}

type Shared<T> = Arc<Mutex<T>>;
type Rule = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

#[derive(Clone)]
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    rule: Shared<Rule>,
    seen: Shared<Vec<Seen>>,
}

impl StandIn {
    async fn start(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> StandIn {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let rule: Shared<Rule> = Arc::new(Mutex::new(Arc::new(rule)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let state = (rule.clone(), seen.clone());
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        StandIn { address, rule, seen }
    }

    /// From now on it answers so.
    pub(crate) fn answers(&self, rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// From now on it always answers this.
    pub(crate) fn says(&self, answer: Answer) {
        self.answers(move |_| answer.clone());
    }

    /// Everything it was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What it was asked below a path.
    pub(crate) fn asked(&self, part: &str) -> Vec<Seen> {
        self.seen()
            .into_iter()
            .filter(|seen| seen.uri.contains(part))
            .collect()
    }
}

async fn answer(
    State((rule, seen)): State<(Shared<Rule>, Shared<Vec<Seen>>)>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let this = Seen {
        method: head.method.to_string(),
        uri: head.uri.to_string(),
        headers: head.headers,
        body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
    };
    seen.lock().unwrap().push(this.clone());
    let rule = rule.lock().unwrap().clone();
    let mut answer = rule(&this);
    if let Answer::Held(until, held) = answer {
        until.acquire().await.unwrap().forget();
        answer = *held;
    }
    match answer {
        Answer::Is(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        _ => std::future::pending().await,
    }
}

/// Identity Platform with one user.
pub(crate) async fn identity() -> StandIn {
    StandIn::start(identity_rule(Key::a(), 3600, 3600)).await
}

/// Its rule: who signs, and for how many seconds the first and the renewed tokens are good.
pub(crate) fn identity_rule(
    key: Key,
    first: u64,
    renewed: u64,
) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
    let jwk = Key::a().jwk();
    move |seen| {
        let path = seen.uri.split('?').next().unwrap();
        match path {
            "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword" => {
                let asked: Value = serde_json::from_slice(&seen.body).unwrap();
                if (&asked["email"], &asked["password"]) != (&EMAIL.into(), &PASSWORD.into()) {
                    return Answer::refusal(400, "INVALID_LOGIN_CREDENTIALS");
                }
                let token = key.id_token(first);
                Answer::json(
                    200,
                    &json!({"idToken": token, "refreshToken": "refresh-1", "expiresIn": "3600"}),
                )
            }
            "/securetoken.googleapis.com/v1/token" => {
                let token = key.id_token(renewed);
                Answer::json(
                    200,
                    &json!({"id_token": token, "access_token": token, "refresh_token": "refresh-2"}),
                )
            }
            "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com" => {
                Answer::json(200, &json!({"keys": [jwk]})).with("cache-control", "public, max-age=3600")
            }
            _ => Answer::plain(404, "not found"),
        }
    }
}

/// The metadata server: tokens for whatever audience.
pub(crate) async fn metadata() -> StandIn {
    let key = Key::b();
    StandIn::start(move |seen| match seen.header("metadata-flavor") {
        Some("Google") => Answer::plain(
            200,
            &key.sign(&json!({"aud": "proxy", "email": "frontend@demo-acme", "exp": now() + 3600})),
        ),
        _ => Answer::plain(403, "no flavour"),
    })
    .await
}

/// What is behind `PROXY_URL`.
pub(crate) async fn upstream() -> StandIn {
    StandIn::start(|seen| match seen.uri.split('?').next().unwrap() {
        "/api/secure.json" => Answer::json(200, &json!({"message": "Hello World"})),
        "/api/healthz" => Answer::plain(200, "ok"),
        _ => Answer::plain(404, "no such thing").with("x-envoy-upstream-service-time", "1"),
    })
    .await
}
