//! The token endpoint (RFC 6749 sections 4.1.3 and 6): a code for tokens, a refresh token for new ones.

use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;

use super::attempt::Attempt;
use super::{Provider, Trouble};
use crate::outbound;
use crate::verify::User;

/// What the endpoint gives. Some providers give no refresh token, some no new one, some no new ID token.
#[derive(Deserialize)]
pub(crate) struct Grant {
    #[serde(default)]
    pub(crate) id_token: String,
    pub(super) access_token: Option<String>,
    #[serde(default)]
    pub(crate) refresh_token: String,
}

impl Provider {
    /// A code and the verifier of its attempt become a user.
    pub(super) async fn exchange(&self, attempt: &Attempt, code: &str) -> Result<(Grant, User), Trouble> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &attempt.redirect),
            ("code_verifier", &attempt.verifier),
        ];
        let grant = self.ask(&form).await?;
        let user = self.verify(&grant, Some(&attempt.nonce)).await?;
        Ok((grant, user))
    }

    /// New tokens. A provider that rotates gives a new refresh token and takes the old one back; of one that
    /// does not, the old one stays.
    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<(Grant, User), Trouble> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let mut grant = self.ask(&form).await?;
        if grant.refresh_token.is_empty() {
            refresh_token.clone_into(&mut grant.refresh_token);
        }
        let user = self.verify(&grant, None).await?;
        Ok((grant, user))
    }

    async fn ask(&self, form: &[(&str, &str)]) -> Result<Grant, Trouble> {
        let about = &self.found().await?.about;
        let (id, secret) = (self.config.client_id.as_str(), self.config.client_secret.expose());
        let request = self.http.post(about.token_endpoint.0.clone());
        let request = match about.secret_in_form() {
            true => request.form(&[form, &[("client_id", id), ("client_secret", secret)]].concat()),
            false => request.form(form).header(AUTHORIZATION, basic(id, secret)),
        };
        let response = request.send().await;
        let response = response.map_err(|error| self.silent(&outbound::reason(error)))?;
        let status = response.status();
        let body = outbound::text(response).await.map_err(|why| self.silent(&why))?;
        match status {
            // serde's message could quote the body, tokens included
            StatusCode::OK => serde_json::from_slice(&body).map_err(|_| self.silent(UNREADABLE)),
            status => Err(self.no(status, &body)),
        }
    }

    /// `{"error": "invalid_grant"}`: the word is one of a list (RFC 6749 section 5.2), the rest is not read.
    fn no(&self, status: StatusCode, body: &[u8]) -> Trouble {
        #[derive(Deserialize)]
        struct Answer {
            error: String,
        }
        let error = serde_json::from_slice::<Answer>(body).map(|answer| answer.error);
        match error.as_deref() {
            Ok("invalid_grant") => self.refused("the code or the refresh token is over"),
            Ok(word @ ("invalid_client" | "unauthorized_client" | "invalid_request" | "invalid_scope")) => {
                self.silent(&format!(
                    "it answers {word}: check client_id, client_secret and what it allows them"
                ))
            }
            _ => self.silent(&format!("its token endpoint answers {status}")),
        }
    }
}

/// Both are form-encoded before they are joined (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    use base64::Engine;
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    let pair = base64::engine::general_purpose::STANDARD.encode(pair);
    format!("Basic {pair}")
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    let bytes = text.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    bytes.collect()
}

const UNREADABLE: &str = "the answer of its token endpoint cannot be read";
