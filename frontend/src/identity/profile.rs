//! The calls of a signed-in user about the own account.

use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::Both;
use super::{IdentityPlatform, Refusal, Tokens};

/// What Identity Platform knows about a user.
#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Profile {
    pub(crate) email: String,
    pub(crate) email_verified: bool,
    pub(crate) display_name: String,
    #[serde(rename = "mfaInfo")]
    pub(crate) factors: Vec<Factor>,
    #[serde(rename = "providerUserInfo")]
    ways: Vec<WayIn>,
}

/// A way to sign in: a provider, or `password`.
#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WayIn {
    provider_id: String,
}

impl Profile {
    /// Whether the account has this way in.
    pub(crate) fn has(&self, way: &str) -> bool {
        self.ways.iter().any(|own| own.provider_id == way)
    }
}

/// A second step that an account has.
#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Factor {
    #[serde(rename = "mfaEnrollmentId")]
    pub(crate) id: String,
    pub(crate) display_name: String,
    /// There for codes of an app; a telephone has something else.
    pub(crate) totp_info: Option<Value>,
}

impl IdentityPlatform {
    /// The user's own entry.
    pub(crate) async fn profile(&self, id_token: &str) -> Result<Profile, Refusal> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Answer {
            users: Vec<Profile>,
        }
        let answer: Answer = self.accounts("lookup", &json!({"idToken": id_token})).await?;
        answer.users.into_iter().next().ok_or(Refusal::SessionOver)
    }

    /// A name, or none.
    pub(crate) async fn set_name(&self, id_token: &str, name: &str) -> Result<(), Refusal> {
        let asked = match name.is_empty() {
            true => json!({"idToken": id_token, "deleteAttribute": ["DISPLAY_NAME"]}),
            false => json!({"idToken": id_token, "displayName": name}),
        };
        self.accounts::<Value>("update", &asked).await.map(drop)
    }

    /// A new password. Every token from before is over, so there are new ones.
    pub(crate) async fn set_password(&self, id_token: &str, password: &str) -> Result<Tokens, Refusal> {
        let asked = json!({"idToken": id_token, "password": password, "returnSecureToken": true});
        self.accounts::<Both>("update", &asked).await?.tokens()
    }

    /// A password for an account that has none. `update` refuses that to users while e-mail enumeration
    /// protection is on, as it is by default; a sign-up in the name of the user adds it.
    pub(crate) async fn add_password(
        &self,
        id_token: &str,
        email: &str,
        password: &str,
    ) -> Result<Tokens, Refusal> {
        let asked =
            json!({"idToken": id_token, "email": email, "password": password, "returnSecureToken": true});
        self.accounts::<Both>("signUp", &asked).await?.tokens()
    }

    /// The end of the account.
    pub(crate) async fn delete(&self, id_token: &str) -> Result<(), Refusal> {
        self.accounts::<Value>("delete", &json!({"idToken": id_token}))
            .await
            .map(drop)
    }
}
