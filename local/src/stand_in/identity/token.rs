//! ID tokens: issued, checked, and refreshed.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Identity;
use super::accounts::Account;
use super::calls;
use super::error::Error;
use crate::stand_in::key::now;

/// Life of an ID token, in seconds.
pub(super) const LIFE: u64 = 3600;
/// Identity Platform's number of the project, where it answers with a number.
const PROJECT_NUMBER: &str = "123456789012";

impl Identity {
    /// An ID token for an account that signed in at `auth_time`.
    pub(super) fn id_token(
        &self,
        account: &Account,
        auth_time: u64,
        factor: Option<&str>,
    ) -> Result<String, Error> {
        let now = now();
        let mut claims = json!({
            "iss": format!("https://securetoken.google.com/{}", self.project),
            "aud": self.project,
            "sub": account.local_id,
            "user_id": account.local_id,
            "auth_time": auth_time,
            "iat": now,
            "exp": now + LIFE,
            "email": account.email,
            "email_verified": account.email_verified,
            "firebase": {
                "identities": { "email": [account.email] },
                "sign_in_provider": "password",
            },
        });
        if let Some(factor) = factor {
            claims["firebase"]["sign_in_second_factor"] = "totp".into();
            claims["firebase"]["second_factor_identifier"] = factor.into();
        }
        if let Some(name) = &account.display_name {
            claims["name"] = name.as_str().into();
        }
        self.key
            .sign(&claims)
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// The account of an ID token that is good now.
    pub(super) fn account_of(&self, id_token: &str) -> Result<Account, Error> {
        let claims = self.key.claims(id_token).ok_or(Error::Code("INVALID_ID_TOKEN"))?;
        let number = |name| claims.get(name).and_then(Value::as_u64);
        if claims.get("aud").and_then(Value::as_str) != Some(&self.project) {
            return Err(Error::Code("INVALID_ID_TOKEN"));
        }
        if number("exp").is_none_or(|exp| exp <= now()) {
            return Err(Error::Code("TOKEN_EXPIRED"));
        }
        let local_id = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let account = self.accounts.get(local_id).ok_or(Error::Code("USER_NOT_FOUND"))?;
        account.admits(number("auth_time").unwrap_or_default())?;
        Ok(account)
    }
}

/// The fields of a refresh, in a form or in JSON, by either spelling.
#[derive(Deserialize)]
struct Refresh {
    #[serde(alias = "grantType")]
    grant_type: Option<String>,
    #[serde(alias = "refreshToken")]
    refresh_token: Option<String>,
}

/// `securetoken…/v1/token`: a new ID token for a refresh token, which stays the same.
pub(super) async fn refresh(
    State(identity): State<Arc<Identity>>,
    request: Request,
) -> Result<Json<Value>, Error> {
    calls::api_key(request.uri(), request.headers())?;
    let asked = read(request).await?;
    match asked.grant_type.as_deref() {
        None | Some("") => return Err(Error::Code("MISSING_GRANT_TYPE")),
        Some("refresh_token") => {}
        Some(_) => return Err(Error::Code("INVALID_GRANT_TYPE")),
    }
    let token = asked.refresh_token.filter(|token| !token.is_empty());
    let token = token.ok_or(Error::Code("MISSING_REFRESH_TOKEN"))?;
    let (account, kept) = identity
        .accounts
        .of_refresh_token(&token)
        .ok_or(Error::Code("INVALID_REFRESH_TOKEN"))?;
    account.admits(kept.auth_time)?;
    let id_token = identity.id_token(&account, kept.auth_time, kept.factor.as_deref())?;
    // Google's SDK for JavaScript reads the access token, everybody else the ID token: the same JWT
    Ok(Json(json!({
        "access_token": id_token, "id_token": id_token, "refresh_token": token,
        "expires_in": LIFE.to_string(), "token_type": "Bearer",
        "user_id": account.local_id, "project_id": PROJECT_NUMBER,
    })))
}

async fn read(request: Request) -> Result<Refresh, Error> {
    let media_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_json = media_type.is_some_and(|value| value.starts_with("application/json"));
    let malformed = |error: String| Error::Malformed(error);
    if is_json {
        let body = Bytes::from_request(request, &())
            .await
            .map_err(|error| malformed(error.to_string()))?;
        return serde_json::from_slice(&body).map_err(|error| malformed(format!("Invalid JSON: {error}")));
    }
    let form = axum::Form::from_request(request, &()).await;
    form.map(|axum::Form(asked)| asked)
        .map_err(|error| malformed(error.to_string()))
}
