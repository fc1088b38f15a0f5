//! The calls about other providers inside Identity Platform: where the browser goes, and what its return
//! means.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::second_step::{self, Entrance};
use super::{IdentityPlatform, Refusal};

/// What a return from a provider leads to.
pub(crate) enum Return {
    /// The user's entrance, and the address that the provider has.
    Entered(Entrance, String),
    /// The address has an account, and the provider has not verified that it is the user's.
    Confirm(Confirmation),
}

/// What is needed to connect the provider once the user has shown whose the account is.
pub(crate) struct Confirmation {
    pub(crate) email: String,
    pub(crate) pending_token: String,
    /// The providers that the account has.
    pub(crate) verified: Vec<String>,
}

/// What the provider's sign-in is called by.
pub(crate) struct Returned<'a> {
    pub(crate) provider: &'a str,
    /// The whole address of the return, with its query.
    pub(crate) uri: &'a str,
    pub(crate) session: &'a str,
    /// Of the user who adds the provider; none for a sign-in.
    pub(crate) id_token: Option<&'a str>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    #[serde(flatten)]
    entrance: second_step::Answer,
    email: String,
    provider_id: String,
    need_confirmation: bool,
    verified_provider: Vec<String>,
    pending_token: String,
    error_message: String,
}

impl Answer {
    /// An answer of 200 may say no, or "whose is it?", and neither has tokens that count.
    fn judge(self, provider: &str) -> Result<Return, Refusal> {
        if !self.error_message.is_empty() {
            let envelope = json!({"error": {"message": self.error_message}}).to_string();
            return Err(meant(Refusal::of(StatusCode::BAD_REQUEST, envelope.as_bytes())));
        }
        if !self.provider_id.is_empty() && self.provider_id != provider {
            tracing::warn!("the answer to a sign-in with {provider} is about another provider");
            return Err(Refusal::ProviderFailed);
        }
        if self.need_confirmation {
            return match self.pending_token.is_empty() || self.email.is_empty() {
                true => Err(Refusal::Unknown("needConfirmation without a token".to_owned())),
                false => Ok(Return::Confirm(Confirmation {
                    email: self.email,
                    pending_token: self.pending_token,
                    verified: self.verified_provider,
                })),
            };
        }
        Ok(Return::Entered(self.entrance.entrance()?, self.email))
    }
}

/// The same codes mean something else where nobody typed an address.
fn meant(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::EmailExists => Refusal::AlreadyLinked,
        Refusal::InvalidEmail => Refusal::NoAddress,
        other => other,
    }
}

impl IdentityPlatform {
    /// Where the browser goes. With `CODE_FLOW` Google answers in the query; without, in the fragment, which
    /// no server sees.
    pub(crate) async fn way(&self, provider: &str, back: &str, session: &str) -> Result<String, Refusal> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Answer {
            auth_uri: String,
        }
        let asked = json!({
            "providerId": provider, "continueUri": back, "sessionId": session, "authFlowType": "CODE_FLOW",
        });
        let answer: Answer = self.accounts("createAuthUri", &asked).await?;
        Ok(answer.auth_uri)
    }

    /// What the browser brought back becomes an entrance, if it may.
    pub(crate) async fn returned(&self, returned: &Returned<'_>) -> Result<Return, Refusal> {
        let mut asked = json!({
            "requestUri": returned.uri, "sessionId": returned.session,
            "returnSecureToken": true, "returnIdpCredential": true,
        });
        if let Some(id_token) = returned.id_token {
            asked["idToken"] = id_token.into();
        }
        self.idp(&asked, returned.provider).await
    }

    /// Connects a provider with the account whose user has signed in meanwhile.
    pub(crate) async fn connect(
        &self,
        id_token: &str,
        pending_token: &str,
        (provider, back): (&str, &str),
    ) -> Result<Return, Refusal> {
        let asked = json!({
            "idToken": id_token, "pendingToken": pending_token, "requestUri": back,
            "returnSecureToken": true, "returnIdpCredential": true,
        });
        self.idp(&asked, provider).await
    }

    /// Takes a provider off an account.
    pub(crate) async fn disconnect(&self, id_token: &str, provider: &str) -> Result<(), Refusal> {
        let asked = json!({"idToken": id_token, "deleteProvider": [provider]});
        self.accounts::<Value>("update", &asked).await.map(drop)
    }

    async fn idp(&self, asked: &Value, provider: &str) -> Result<Return, Refusal> {
        let answer: Answer = self.accounts("signInWithIdp", asked).await.map_err(meant)?;
        answer.judge(provider)
    }
}
