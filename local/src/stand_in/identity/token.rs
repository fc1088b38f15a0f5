//! ID tokens: issued, checked, and refreshed.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Identity;
use super::account::{ANONYMOUS, Account, SignIn};
use super::calls::{self, given, in_background};
use super::error::Error;

/// Life of an ID token, in seconds.
pub(super) const LIFE: u64 = 3600;
/// Identity Platform's number of the project, where it answers with a number.
pub(super) const PROJECT_NUMBER: &str = "123456789012";

impl Identity {
    /// An ID token for an account that signed in this way.
    pub(super) fn id_token(&self, account: &Account, sign_in: &SignIn) -> Result<String, Error> {
        let now = self.clock.tokens();
        let mut claims = self.claims(account, sign_in);
        for (name, value) in [
            (
                "iss",
                json!(format!("https://securetoken.google.com/{}", self.project.id)),
            ),
            ("iat", json!(now)),
            ("exp", json!(now + LIFE)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        self.keys.sign(&Value::Object(claims))
    }

    /// A session cookie: what the ID token says, for longer, and signed with a key of its own.
    pub(super) fn session_cookie(&self, id_token: &str, life: u64) -> Result<String, Error> {
        let mut claims = self
            .keys
            .claims(id_token)
            .ok_or(Error::Code("INVALID_ID_TOKEN"))?;
        let now = self.clock.tokens();
        for (name, value) in [
            (
                "iss",
                json!(format!("https://session.firebase.google.com/{}", self.project.id)),
            ),
            ("iat", json!(now)),
            ("exp", json!(now + life)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        self.keys.sign_cookie(&Value::Object(claims))
    }

    /// What a token says of an account and a sign-in.
    fn claims(&self, account: &Account, sign_in: &SignIn) -> Map<String, Value> {
        let mut claims = Map::new();
        let mut add = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        // what the owner of the project gave cannot take the place of what is below
        if let Some(given) = &account.custom_attributes
            && let Ok(Value::Object(given)) = serde_json::from_str(given)
        {
            given.into_iter().for_each(|(name, value)| add(&name, value));
        }
        for (name, value) in &sign_in.claims {
            add(name, value.clone());
        }
        for (name, value) in [("name", &account.display_name), ("picture", &account.photo_url)] {
            if let Some(value) = value {
                add(name, value.as_str().into());
            }
        }
        if let Some(email) = &account.email {
            add("email", email.as_str().into());
            add("email_verified", account.email_verified.into());
        }
        if let Some(number) = &account.phone_number {
            add("phone_number", number.as_str().into());
        }
        if sign_in.provider == ANONYMOUS {
            add("provider_id", ANONYMOUS.into());
        }
        add("aud", self.project.id.as_str().into());
        add("sub", account.local_id.as_str().into());
        add("user_id", account.local_id.as_str().into());
        add("auth_time", sign_in.auth_time.into());
        add("firebase", firebase(account, sign_in));
        claims
    }

    /// The account of an ID token that is good now, and the sign-in it is of.
    pub(super) fn session(&self, id_token: &str) -> Result<(Account, SignIn), Error> {
        let claims = self
            .keys
            .claims(id_token)
            .ok_or(Error::Code("INVALID_ID_TOKEN"))?;
        let number = |name| claims.get(name).and_then(Value::as_u64);
        let text = |name| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let issuer = format!("https://securetoken.google.com/{}", self.project.id);
        if text("aud") != self.project.id || text("iss") != issuer {
            return Err(Error::Code("INVALID_ID_TOKEN"));
        }
        if number("exp").is_none_or(|exp| exp <= self.clock.tokens()) {
            return Err(Error::Code("TOKEN_EXPIRED"));
        }
        let account = self
            .accounts
            .get(text("sub"))
            .ok_or(Error::Code("USER_NOT_FOUND"))?;
        let firebase = |name: &str| claims.get("firebase")?.get(name)?.as_str();
        let sign_in = SignIn {
            auth_time: number("auth_time").unwrap_or_default(),
            factor: firebase("second_factor_identifier").map(str::to_owned),
            ..SignIn::with(firebase("sign_in_provider").unwrap_or_default())
        };
        account.admits(sign_in.auth_time)?;
        Ok((account, sign_in))
    }
}

fn firebase(account: &Account, sign_in: &SignIn) -> Value {
    let mut identities = Map::new();
    if let Some(email) = &account.email {
        identities.insert("email".to_owned(), json!([email]));
    }
    if let Some(number) = &account.phone_number {
        identities.insert("phone".to_owned(), json!([number]));
    }
    for link in &account.links {
        identities.insert(link.provider_id.clone(), json!([link.raw_id]));
    }
    let mut firebase = json!({ "identities": identities, "sign_in_provider": sign_in.provider });
    if let Some(factor) = &sign_in.factor {
        let kept = account.factors.iter().find(|kept| kept.id == *factor);
        firebase["sign_in_second_factor"] = kept.map_or("totp", |kept| kept.kind()).into();
        firebase["second_factor_identifier"] = factor.as_str().into();
    }
    if let Some(tenant) = &account.tenant {
        firebase["tenant"] = tenant.as_str().into();
    }
    firebase
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
    in_background(move || renew(&identity, &asked)).await.map(Json)
}

fn renew(identity: &Identity, asked: &Refresh) -> Result<Value, Error> {
    match given(&asked.grant_type) {
        None => return Err(Error::Code("MISSING_GRANT_TYPE")),
        Some("refresh_token") => {}
        Some(_) => return Err(Error::Code("INVALID_GRANT_TYPE")),
    }
    let token = given(&asked.refresh_token).ok_or(Error::Code("MISSING_REFRESH_TOKEN"))?;
    let (account, sign_in) = identity
        .accounts
        .of_refresh_token(token)
        .ok_or(Error::Code("INVALID_REFRESH_TOKEN"))?;
    account.admits(sign_in.auth_time)?;
    identity.project.tenant(account.tenant.as_deref())?;
    identity
        .accounts
        .refreshed(&account.local_id, identity.clock.tokens());
    let id_token = identity.id_token(&account, &sign_in)?;
    // Google's SDK for JavaScript reads the access token, everybody else the ID token: the same JWT
    Ok(json!({
        "access_token": id_token, "id_token": id_token, "refresh_token": token,
        "expires_in": LIFE.to_string(), "token_type": "Bearer",
        "user_id": account.local_id, "project_id": PROJECT_NUMBER,
    }))
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
