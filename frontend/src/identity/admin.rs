//! The one call that a user has no right to: the end of all of an account's sessions. It is made in this
//! service's own name, so it has to be switched on, and its service account needs the right
//! `firebaseauth.users.update`.

use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;

use super::{Refusal, read};
use crate::config::{Config, Secret};
use crate::outbound;

/// Calls in the name of the project's owner.
pub(crate) struct Admin {
    /// For Identity Platform.
    http: Client,
    update: String,
    /// For the metadata server; none with a stand-in, whose owner needs no token.
    metadata: Option<(Client, String)>,
}

impl Admin {
    /// None when it is not switched on.
    pub(crate) fn new(config: &Config, http: Client, direct: Client) -> Option<Admin> {
        let base = match &config.emulator {
            Some(host) => format!("http://{host}/identitytoolkit.googleapis.com"),
            None => "https://identitytoolkit.googleapis.com".to_owned(),
        };
        let token = format!(
            "http://{}/computeMetadata/v1/instance/service-accounts/default/token",
            config.metadata_host
        );
        let tenant = config.tenant.as_ref();
        let tenant = tenant.map_or_else(String::new, |tenant| format!("/tenants/{tenant}"));
        config.sign_out_everywhere.then(|| Admin {
            http,
            update: format!("{base}/v1/projects/{}{tenant}/accounts:update", config.project),
            metadata: config.emulator.is_none().then_some((direct, token)),
        })
    }

    /// Every sign-in of this user from before now is over: no refresh token of it is good any more.
    pub(crate) async fn end_sessions(&self, subject: &str, now: u64) -> Result<(), Refusal> {
        let token = match &self.metadata {
            Some((http, url)) => access_token(http.get(url)).await?,
            None => Secret::new("owner"),
        };
        let asked = json!({"localId": subject, "validSince": now.to_string()});
        let request = self.http.post(&self.update).bearer_auth(token.expose());
        super::answer(request.json(&asked)).await.map(drop)
    }
}

async fn access_token(request: RequestBuilder) -> Result<Secret, Refusal> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
    }
    let unavailable = |reason: String| Refusal::Unavailable(format!("no access token: {reason}"));
    let response = request.header("metadata-flavor", "Google").send().await;
    let response = response.map_err(|error| unavailable(outbound::reason(error)))?;
    let body = outbound::text(response).await.map_err(unavailable)?;
    let answer: Answer = read(&body)?;
    Ok(Secret::new(answer.access_token))
}
