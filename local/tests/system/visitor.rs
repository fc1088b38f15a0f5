//! Somebody with a browser, as far as HTTP goes: forms, redirects and a cookie jar.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response};

use crate::callers;

/// What the page shows when every check was passed.
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
        self.try_get(path).await.unwrap()
    }

    /// The same, where perhaps nobody answers.
    pub(crate) async fn try_get(&mut self, path: &str) -> reqwest::Result<(u16, String)> {
        let response = self.open(path).await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    /// The whole answer: where it leads is in it.
    pub(crate) async fn open(&mut self, path: &str) -> reqwest::Result<Response> {
        let request = self
            .client
            .get(format!("{}{path}", self.origin))
            .header(COOKIE, self.cookies(path));
        let response = request.send().await?;
        self.keep(&response);
        Ok(response)
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
