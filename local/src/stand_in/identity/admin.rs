//! For tests and for the owner of the project: accounts without a user's token.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Identity;
use super::accounts::Account;
use super::calls::{self, shown};
use super::error::Error;
use super::password::Hash;

/// Fields of the owner's calls.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    local_id: Value,
    email: Value,
    disable_user: Option<bool>,
    /// Seconds since 1970, as a number or as text.
    valid_since: Value,
    password: Option<String>,
    email_verified: Option<bool>,
}

/// `v1/projects/{p}/accounts:CALL` with `Authorization: Bearer owner`.
pub(super) async fn with_owner(
    State(identity): State<Arc<Identity>>,
    Path((project, call)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|value| value != "Bearer owner")
    {
        return Err(Error::NotOwner);
    }
    if project != identity.project {
        return Err(Error::Code("PROJECT_NOT_FOUND"));
    }
    let fields: Fields = calls::read(&body)?;
    let work = move || match call.as_str() {
        "accounts:lookup" => Ok(lookup(&identity, &fields)),
        "accounts:update" => update(&identity, &fields),
        "accounts:delete" => delete(&identity, &fields),
        _ => Err(Error::NotImplemented),
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Internal(error.to_string()))?
        .map(Json)
}

/// One value or a list of them, as the two spellings of the API have it.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// `users` is absent when there is none.
fn lookup(identity: &Identity, fields: &Fields) -> Value {
    let (ids, emails) = (texts(&fields.local_id), texts(&fields.email));
    let found = |account: &Account| {
        ids.contains(&account.local_id.as_str())
            || emails
                .iter()
                .any(|email| email.eq_ignore_ascii_case(&account.email))
    };
    let mut answer = json!({ "kind": "identitytoolkit#GetAccountInfoResponse" });
    if let Some(account) = identity.accounts.find(found) {
        answer["users"] = json!([shown(&account)]);
    }
    answer
}

fn update(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let local_id = local_id(fields)?;
    let valid_since = match &fields.valid_since {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let hash = fields.password.as_deref().map(Hash::new).transpose()?;
    let account = identity.accounts.update(local_id, |account| {
        account.disabled = fields.disable_user.unwrap_or(account.disabled);
        account.valid_since = valid_since.unwrap_or(account.valid_since);
        account.email_verified = fields.email_verified.unwrap_or(account.email_verified);
        if let Some(hash) = hash {
            account.set_password(hash);
        }
    })?;
    identity.throttle.forgive(&account.email);
    Ok(
        json!({ "kind": "identitytoolkit#SetAccountInfoResponse", "localId": account.local_id,
        "email": account.email, "emailVerified": account.email_verified }),
    )
}

fn delete(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let local_id = local_id(fields)?;
    identity
        .accounts
        .get(local_id)
        .ok_or(Error::Code("USER_NOT_FOUND"))?;
    identity.accounts.remove(|account| account.local_id == local_id)?;
    Ok(json!({ "kind": "identitytoolkit#DeleteAccountResponse" }))
}

fn local_id(fields: &Fields) -> Result<&str, Error> {
    texts(&fields.local_id)
        .first()
        .copied()
        .ok_or(Error::Code("MISSING_LOCAL_ID"))
}

/// `GET /`, which the emulator's users ask to know whether it is up.
pub(super) async fn ready() -> Json<Value> {
    Json(json!({ "authEmulator": { "ready": true, "signedTokens": true } }))
}

/// `DELETE /emulator/v1/projects/{p}/accounts`: everybody, the test user too.
pub(super) async fn delete_all(State(identity): State<Arc<Identity>>) -> Result<Json<Value>, Error> {
    identity.accounts.remove(|_| true)?;
    identity.mails.clear();
    Ok(Json(json!({})))
}

/// `POST /emulator/v1/clock` with `{"advance": seconds}`: mails and codes grow older, tokens do not.
pub(super) async fn move_clock(
    State(identity): State<Arc<Identity>>,
    Json(by): Json<Advance>,
) -> Json<Value> {
    identity.moved.fetch_add(by.advance.into(), Ordering::Relaxed);
    Json(json!({ "now": identity.now() }))
}

/// How far.
#[derive(Deserialize)]
pub(super) struct Advance {
    advance: u32,
}

/// `GET /emulator/v1/projects/{p}/config`: how it behaves, which cannot be changed.
pub(super) async fn config() -> Json<Value> {
    Json(json!({
        "signIn": { "allowDuplicateEmails": false },
        "emailPrivacyConfig": { "enableImprovedEmailPrivacy": true },
    }))
}
