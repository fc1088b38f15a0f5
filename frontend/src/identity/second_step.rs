//! The calls about the second step of a sign-in: a code that an app shows (TOTP). A text message would
//! need a browser with Google's reCAPTCHA, so accounts with nothing else cannot sign in here.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::accounts::Both;
use super::profile::Factor;
use super::{IdentityPlatform, Refusal, Tokens};

/// What a right password yields.
pub(crate) enum Entrance {
    Open(Tokens),
    /// A code is wanted.
    SecondStep(Pending),
}

/// A first step that waits for the second. Kept in an encrypted cookie.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    credential: String,
    enrollment: String,
}

/// The answer to an e-mail and a password.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Answer {
    #[serde(flatten)]
    both: Both,
    mfa_pending_credential: String,
    mfa_info: Vec<Factor>,
}

impl Answer {
    pub(super) fn entrance(self) -> Result<Entrance, Refusal> {
        if self.mfa_pending_credential.is_empty() {
            return self.both.tokens().map(Entrance::Open);
        }
        let code = self
            .mfa_info
            .into_iter()
            .find(|factor| factor.totp_info.is_some());
        Ok(Entrance::SecondStep(Pending {
            credential: self.mfa_pending_credential,
            enrollment: code.ok_or(Refusal::SecondFactor)?.id,
        }))
    }
}

/// What an app needs to show codes, and the name of what was begun.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Enrolment {
    /// Base32.
    pub(crate) shared_secret_key: String,
    #[serde(default = "six")]
    pub(crate) verification_code_length: u32,
    #[serde(default = "thirty")]
    pub(crate) period_sec: u32,
    session_info: String,
}

fn six() -> u32 {
    6
}

fn thirty() -> u32 {
    30
}

impl IdentityPlatform {
    /// The second step of a sign-in.
    pub(crate) async fn second_step(&self, pending: &Pending, code: &str) -> Result<Tokens, Refusal> {
        let asked = json!({
            "mfaPendingCredential": pending.credential, "mfaEnrollmentId": pending.enrollment,
            "totpVerificationInfo": {"verificationCode": code},
        });
        self.second::<Both>("mfaSignIn:finalize", &asked).await?.tokens()
    }

    /// Begins to add a second step.
    pub(crate) async fn begin_enrolment(&self, id_token: &str) -> Result<Enrolment, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            totp_session_info: Enrolment,
        }
        let asked = json!({"idToken": id_token, "totpEnrollmentInfo": {}});
        let answer: Answer = self.second("mfaEnrollment:start", &asked).await?;
        Ok(answer.totp_session_info)
    }

    /// Adds it: the first code proves that the app has the secret.
    pub(crate) async fn finish_enrolment(
        &self,
        id_token: &str,
        enrolment: &Enrolment,
        code: &str,
    ) -> Result<Tokens, Refusal> {
        let asked = json!({
            "idToken": id_token, "displayName": "Authenticator app",
            "totpVerificationInfo": {"sessionInfo": enrolment.session_info, "verificationCode": code},
        });
        self.second::<Both>("mfaEnrollment:finalize", &asked)
            .await?
            .tokens()
    }

    /// Removes a second step.
    pub(crate) async fn withdraw(&self, id_token: &str, factor: &str) -> Result<Tokens, Refusal> {
        let asked = json!({"idToken": id_token, "mfaEnrollmentId": factor});
        self.second::<Both>("mfaEnrollment:withdraw", &asked)
            .await?
            .tokens()
    }

    async fn second<T: for<'a> Deserialize<'a>>(&self, call: &str, asked: &Value) -> Result<T, Refusal> {
        self.call(&format!("v2/accounts/{call}"), asked).await
    }
}
