//! Sign in, read the message, sign out: by HTTP, as a browser does it.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response};

use crate::callers;
use crate::harness::System;

pub(crate) const MESSAGE: &str = "The secret message is: Hello World";

/// A browser's cookie jar, by path, and nothing else of a browser.
pub(crate) struct Visitor {
    client: Client,
    origin: String,
    jar: Vec<(String, String, String)>,
}

impl Visitor {
    pub(crate) fn of(origin: String) -> Visitor {
        Visitor {
            client: callers::client().build().unwrap(),
            origin,
            jar: Vec::new(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> (u16, String) {
        let request = self
            .client
            .get(format!("{}{path}", self.origin))
            .header(COOKIE, self.cookies(path));
        let response = request.send().await.unwrap();
        self.keep(&response);
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self
            .client
            .post(format!("{}{path}", self.origin))
            .header(COOKIE, self.cookies(path));
        let response = request
            .header("sec-fetch-site", "same-origin")
            .form(fields)
            .send()
            .await
            .unwrap();
        self.keep(&response);
        response
    }

    /// Signs in; the answer is a redirect home.
    pub(crate) async fn sign_in(&mut self) {
        let fields = [("email", "shopper@acme.example"), ("password", "Acme-demo-2026")];
        let response = self.post("/sign-in", &fields).await;
        assert_eq!(
            (
                response.status().as_u16(),
                response.headers()[LOCATION].to_str().unwrap()
            ),
            (303, "/")
        );
    }

    /// What the jar holds under a name.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.jar
            .iter()
            .find(|cookie| cookie.0 == name)
            .map(|cookie| cookie.1.as_str())
    }

    /// Puts a cookie into the jar, as if it had been set earlier.
    pub(crate) fn plant(&mut self, name: &str, value: &str, path: &str) {
        self.jar.retain(|cookie| cookie.0 != name);
        self.jar
            .push((name.to_owned(), value.to_owned(), path.to_owned()));
    }

    /// The same jar at another address: cookies know no ports.
    pub(crate) fn moved_to(self, origin: String) -> Visitor {
        Visitor { origin, ..self }
    }

    fn cookies(&self, path: &str) -> String {
        let of_path = self.jar.iter().filter(|cookie| path.starts_with(&cookie.2));
        of_path
            .map(|cookie| format!("{}={}", cookie.0, cookie.1))
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn keep(&mut self, response: &Response) {
        for line in response.headers().get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let path = attributes
                .split(';')
                .find_map(|text| text.trim().strip_prefix("Path="))
                .unwrap_or("/");
            self.jar.retain(|cookie| cookie.0 != name);
            if !attributes.contains("Max-Age=0") {
                self.jar
                    .push((name.to_owned(), value.to_owned(), path.to_owned()));
            }
        }
    }
}

#[tokio::test]
async fn sign_in_read_the_message_and_sign_out() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    let (status, page) = visitor.get("/").await;
    assert!(status == 200 && page.contains("name=\"password\""), "{page}");
    assert!(
        page.contains("shopper@acme.example"),
        "the demo's login is on the page: {page}"
    );

    let fields = [("email", "shopper@acme.example"), ("password", "wrong")];
    let refused = visitor.post("/sign-in", &fields).await;
    assert_eq!(refused.status(), 422);
    assert_eq!(visitor.cookie("session"), None);

    visitor.sign_in().await;
    let (status, page) = visitor.get("/").await;
    assert!(
        status == 200 && page.contains(MESSAGE) && page.contains("shopper@acme.example"),
        "{page}"
    );
    assert_eq!(
        visitor.get("/api/secure.json").await,
        (200, r#"{"message":"Hello World"}"#.to_owned())
    );
    assert_eq!(visitor.get("/session").await.0, 200);
    assert!(
        !visitor.cookie("session").unwrap().contains("eyJ"),
        "the tokens are encrypted"
    );

    assert_eq!(visitor.post("/sign-out", &[]).await.status(), 303);
    assert_eq!(visitor.cookie("session"), None);
    assert_eq!(visitor.get("/api/secure.json").await.0, 401);
    assert!(!visitor.get("/").await.1.contains(MESSAGE));
}

/// The terminal tells the story of each request: the hops, and the document and rule that refused.
#[tokio::test]
async fn the_terminal_tells_each_requests_hops_and_who_refused() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    visitor.get("/api/secure.json").await;
    let line = system
        .line(|line| line.contains("/api/secure.json") && line.contains("200"))
        .await;
    for hop in ["frontend", "front-door", "proxy", "gateway", "backend"] {
        assert!(line.contains(hop), "{hop} is missing: {line}");
    }
    let proxy = callers::as_proxy(&system);
    callers::ask(&system, &proxy, "/api/secure.json", None).await;
    let line = system
        .line(|line| line.contains("/api/secure.json") && line.contains("403"))
        .await;
    assert!(
        line.contains("AuthorizationPolicy") && line.contains("users"),
        "{line}"
    );
}

#[tokio::test]
async fn a_restart_of_everything_signs_nobody_out() {
    let system = System::start(&[]).await;
    let mut visitor = Visitor::of(system.url("frontend"));
    visitor.sign_in().await;
    let system = system.restart(&[]).await;
    let mut visitor = visitor.moved_to(system.url("frontend"));
    assert!(visitor.get("/").await.1.contains(MESSAGE));
}
