//! A browser without a screen: it keeps cookies by name and path, follows nothing by itself, and says
//! where its posts come from.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder};

#[derive(Clone)]
pub(crate) struct Browser {
    http: Client,
    origin: String,
    headers: Vec<(&'static str, String)>,
    /// Name to value and path.
    pub(crate) cookies: BTreeMap<String, (String, String)>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Browser {
        Browser::at(&format!("http://{address}"))
    }

    /// A browser on another site.
    pub(crate) fn at(origin: &str) -> Browser {
        chassis::crypto::install();
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Browser {
            http: http.build().unwrap(),
            origin: origin.to_owned(),
            headers: Vec::new(),
            cookies: BTreeMap::new(),
        }
    }

    /// Sends this header with everything from now on.
    pub(crate) fn sending(mut self, name: &'static str, value: &str) -> Browser {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.ask(Method::GET, path, |request| request).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.ask(Method::POST, path, |request| request.form(fields)).await
    }

    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Page {
        self.post("/sign-in", &[("email", email), ("password", password)])
            .await
    }

    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        finish: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Page {
        let mut request = self.http.request(method, format!("{}{path}", self.origin));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let cookies = self
            .cookies
            .iter()
            .filter(|(_, (_, root))| path.starts_with(root.as_str()));
        let cookies: Vec<_> = cookies
            .map(|(name, (value, _))| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let response = finish(request).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for line in headers.get_all(SET_COOKIE) {
            self.take(line.to_str().unwrap());
        }
        let body = response.text().await.unwrap();
        Page {
            status,
            headers,
            body,
        }
    }

    fn take(&mut self, line: &str) {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<_> = parts.collect();
        let path = attributes
            .iter()
            .find_map(|part| part.strip_prefix("Path=").or_else(|| part.strip_prefix("path=")))
            .unwrap();
        let over = attributes.contains(&"Max-Age=0") || attributes.iter().any(|part| part.contains("1970"));
        match over {
            true => drop(self.cookies.remove(name)),
            false => drop(
                self.cookies
                    .insert(name.to_owned(), (value.to_owned(), path.to_owned())),
            ),
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(|(value, _)| value.as_str())
    }
}

impl Page {
    pub(crate) fn location(&self) -> Option<&str> {
        self.header(LOCATION.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all(SET_COOKIE).iter();
        lines.map(|line| line.to_str().unwrap()).collect()
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}
