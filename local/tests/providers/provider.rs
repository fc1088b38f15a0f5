//! `oidc-provider` on Node, and what people do there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use reqwest::header::LOCATION;
use serde_json::{Value, json};

use crate::harness::workspace;
use crate::visitor::Visitor;

/// The one of docs/providers.md.
pub(crate) const CLIENT: &str = "acme-frontend";
/// Somebody else's program at the same provider.
pub(crate) const STRANGER: &str = "another-program";
/// As provider.mjs has it.
const SECRET: &str = "a secret: with %, + and :";

/// The provider's process.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    process: Child,
    /// It ends with its input.
    input: Option<ChildStdin>,
    /// Kept open: it would end at its next word otherwise.
    _output: BufReader<ChildStdout>,
}

impl Provider {
    /// It listens, and serves nobody before it knows its clients.
    pub(crate) fn start() -> Provider {
        let program = workspace().join("target/test-node/provider.mjs");
        let process = Command::new("node")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = process.expect("node is there: ./test --only providers brings it");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let issuer = line
            .strip_prefix("issuer ")
            .expect("it starts: ./test --only providers brings its packages");
        Provider {
            issuer: issuer.trim().to_owned(),
            input: process.stdin.take(),
            process,
            _output: output,
        }
    }

    /// Registers the two clients, as `docs/providers.md` says, for a front end at this address. ID tokens are
    /// good for so many seconds.
    pub(crate) fn register(&mut self, origin: &str, lifetime: u32) {
        let client = |client: &str, id: &str| {
            let callback = format!("{origin}/sign-in/with/{id}/callback");
            json!({ "client_id": client, "redirect_uris": [callback], "post_logout_redirect_uris": [format!("{origin}/")] })
        };
        let line = json!({ "clients": [client(CLIENT, "staff"), client(STRANGER, "stranger")], "lifetime": lifetime });
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// `OIDC_PROVIDERS`: what the documentation prints, with this issuer and secret, and a second entry for the
    /// stranger.
    pub(crate) fn variable(&self, printed: &str) -> String {
        let mut providers: Value = serde_json::from_str(printed).unwrap();
        let entry = &mut providers[0];
        assert_eq!(
            (&entry["id"], &entry["client_id"]),
            (&json!("staff"), &json!(CLIENT))
        );
        entry["issuer"] = json!(self.issuer);
        entry["client_secret"] = json!(SECRET);
        let mut stranger = entry.clone();
        stranger["id"] = json!("stranger");
        stranger["client_id"] = json!(STRANGER);
        providers.as_array_mut().unwrap().push(stranger);
        providers.to_string()
    }

    /// Signs somebody in at the front end with one of the entries: there, and back.
    pub(crate) async fn sign_in(&self, visitor: &mut Visitor, origin: &str, id: &str, name: &str) {
        let way = visitor.open(&format!("/sign-in/with/{id}")).await.unwrap();
        let back = self.visit(&target(&way), name).await;
        let back = back.strip_prefix(origin).unwrap_or_else(|| panic!("{back}"));
        let answer = visitor.open(back).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), target(&answer).as_str()),
            (303, "/"),
            "{back}"
        );
    }

    /// What a person does there: signs in under this name and consents. Yields the way back.
    async fn visit(&self, way: &str, name: &str) -> String {
        let mut there = Visitor::of(self.issuer.clone());
        let mut at = way.to_owned();
        for _ in 0..12 {
            let path = at.strip_prefix(&self.issuer).unwrap_or(&at).to_owned();
            if !path.starts_with('/') {
                return at; // another origin
            }
            let page = match path.starts_with("/interaction/") {
                false => there.open(&path).await.unwrap(),
                true => {
                    let (_, form) = there.get(&path).await;
                    let prompt = match form.contains("name=\"login\"") {
                        true => "login",
                        false => "consent",
                    };
                    let fields = [("prompt", prompt), ("login", name), ("password", "any")];
                    there.post(&path, &fields).await
                }
            };
            at = target(&page);
        }
        panic!("it leads nowhere");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // `node` may be a script that starts another process, so it is not killed: it ends with its input
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// Where an answer leads.
fn target(answer: &reqwest::Response) -> String {
    let target = answer.headers().get(LOCATION);
    let target = target.unwrap_or_else(|| panic!("{} leads nowhere: {}", answer.url(), answer.status()));
    target.to_str().unwrap().to_owned()
}
