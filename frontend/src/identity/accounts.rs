//! The calls about accounts: sign up, mails and what their links do.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::second_step::{self, Entrance};
use super::{IdentityPlatform, Refusal, Tokens, both};

/// A mail that Identity Platform is asked to send.
#[derive(Clone, Copy)]
pub(crate) enum Mail<'a> {
    ResetPassword { email: &'a str },
    VerifyEmail { id_token: &'a str },
    SignIn { email: &'a str, back: &'a str },
}

/// What a link in a mail does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    ResetPassword,
    VerifyEmail,
    RecoverEmail,
    VerifyAndChangeEmail,
    RevertSecondFactorAddition,
    SignIn,
}

/// What a code in a link stands for.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Code {
    request_type: String,
    pub(crate) email: String,
    pub(crate) new_email: String,
}

impl Code {
    /// None for a kind that has no page here.
    pub(crate) fn mode(&self) -> Option<Mode> {
        match self.request_type.as_str() {
            "PASSWORD_RESET" => Some(Mode::ResetPassword),
            "VERIFY_EMAIL" => Some(Mode::VerifyEmail),
            "RECOVER_EMAIL" => Some(Mode::RecoverEmail),
            "VERIFY_AND_CHANGE_EMAIL" => Some(Mode::VerifyAndChangeEmail),
            "REVERT_SECOND_FACTOR_ADDITION" => Some(Mode::RevertSecondFactorAddition),
            "EMAIL_SIGNIN" => Some(Mode::SignIn),
            _ => None,
        }
    }
}

/// The two tokens, under the names that all of these calls use.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Both {
    id_token: String,
    refresh_token: String,
}

impl Both {
    pub(super) fn tokens(self) -> Result<Tokens, Refusal> {
        both(self.id_token, self.refresh_token)
    }
}

impl IdentityPlatform {
    /// Makes an account.
    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> Result<Tokens, Refusal> {
        let asked = json!({"email": email, "password": password, "returnSecureToken": true});
        self.accounts::<Both>("signUp", &asked).await?.tokens()
    }

    /// Has a mail sent.
    pub(crate) async fn send(&self, mail: Mail<'_>) -> Result<(), Refusal> {
        let asked = match mail {
            Mail::ResetPassword { email } => json!({"requestType": "PASSWORD_RESET", "email": email}),
            Mail::VerifyEmail { id_token } => json!({"requestType": "VERIFY_EMAIL", "idToken": id_token}),
            Mail::SignIn { email, back } => json!({
                "requestType": "EMAIL_SIGNIN", "email": email, "continueUrl": back, "canHandleCodeInApp": true,
            }),
        };
        self.accounts::<Value>("sendOobCode", &asked).await.map(drop)
    }

    /// Uses a code of a sign-in; the address proves that whoever clicks is who asked.
    pub(crate) async fn sign_in_by_mail(&self, email: &str, code: &str) -> Result<Entrance, Refusal> {
        let asked = json!({"email": email, "oobCode": code});
        let answer: second_step::Answer = self.accounts("signInWithEmailLink", &asked).await?;
        answer.entrance()
    }

    /// What a code is for; looking does not use it.
    pub(crate) async fn look(&self, code: &str) -> Result<Code, Refusal> {
        self.accounts("resetPassword", &json!({"oobCode": code})).await
    }

    /// Uses a code that needs nothing else.
    pub(crate) async fn apply(&self, code: &str) -> Result<(), Refusal> {
        let asked = json!({"oobCode": code});
        self.accounts::<Value>("update", &asked).await.map(drop)
    }

    /// Uses a code of a reset.
    pub(crate) async fn reset_password(&self, code: &str, password: &str) -> Result<(), Refusal> {
        let asked = json!({"oobCode": code, "newPassword": password});
        self.accounts::<Value>("resetPassword", &asked).await.map(drop)
    }

    pub(super) async fn accounts<T: for<'a> Deserialize<'a>>(
        &self,
        call: &str,
        asked: &Value,
    ) -> Result<T, Refusal> {
        self.call(&format!("v1/accounts:{call}"), asked).await
    }
}
