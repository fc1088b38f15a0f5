//! The calls of a user, in the order in which a person meets them: sign up, sign in, look up, change,
//! delete.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Identity;
use super::accounts::Account;
use super::error::Error;
use super::mail;
use super::password::Hash;
use super::policy;
use super::second;
use super::token::LIFE;
use crate::stand_in::key::now;

/// The fields that are read; others are ignored, as the emulator does.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Fields {
    pub(super) email: Option<String>,
    password: Option<String>,
    display_name: Option<String>,
    pub(super) id_token: Option<String>,
    pub(super) request_type: Option<String>,
    pub(super) new_email: Option<String>,
    pub(super) continue_url: Option<String>,
    pub(super) oob_code: Option<String>,
    pub(super) new_password: Option<String>,
    delete_attribute: Vec<String>,
}

/// `v1/accounts:CALL` with an API key.
pub(super) async fn with_key(
    State(identity): State<Arc<Identity>>,
    Path(call): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    api_key(&uri, &headers)?;
    let fields: Fields = read(&body)?;
    // a password's hash is tens of milliseconds of work: not on the runtime's own threads
    let work = move || match call.as_str() {
        "accounts:signUp" => sign_up(&identity, fields),
        "accounts:signInWithPassword" => sign_in(&identity, &fields),
        "accounts:lookup" => lookup(&identity, &fields),
        "accounts:update" => update(&identity, fields),
        "accounts:delete" => delete(&identity, &fields),
        "accounts:sendOobCode" => mail::send(&identity, &fields),
        "accounts:signInWithEmailLink" => mail::sign_in(&identity, &fields),
        "accounts:resetPassword" => mail::reset(&identity, &fields),
        _ => Err(Error::NotImplemented),
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Internal(error.to_string()))?
        .map(Json)
}

/// Any key is the key of the one project; none is refused.
pub(super) fn api_key(uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
    let in_query = uri.query().is_some_and(|query| {
        query
            .split('&')
            .any(|pair| pair.strip_prefix("key=").is_some_and(|key| !key.is_empty()))
    });
    let in_header = headers.get("x-goog-api-key").is_some_and(|key| !key.is_empty());
    if in_query || in_header {
        Ok(())
    } else {
        Err(Error::MissingKey)
    }
}

/// A JSON object; an empty body is an empty object.
pub(super) fn read<T: Default + for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, Error> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body).map_err(|error| Error::Malformed(format!("Invalid JSON payload: {error}")))
}

fn sign_up(identity: &Identity, fields: Fields) -> Result<Value, Error> {
    let email = email(fields.email.as_deref())?;
    let password = fields.password.filter(|password| !password.is_empty());
    let password = password.ok_or(Error::Code("MISSING_PASSWORD"))?;
    let hash = Hash::new(&password)?;
    policy::check(&password)?;
    let account = Account {
        display_name: fields.display_name,
        ..Account::new(&email, hash)?
    };
    identity.accounts.add(account.clone())?;
    signed_in(identity, &account, "identitytoolkit#SignupNewUserResponse", None)
}

fn sign_in(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let email = email(fields.email.as_deref())?;
    let password = fields.password.as_deref().filter(|password| !password.is_empty());
    let password = password.ok_or(Error::Code("MISSING_PASSWORD"))?;
    if identity.throttle.is_locked(&email) {
        return Err(Error::Code(
            "TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been temporarily disabled due to many \
             failed login attempts. You can immediately restore it by resetting your password or you can try \
             again later.",
        ));
    }
    let account = identity.accounts.find(|account| account.email == email);
    if account.is_none() {
        Hash::waste_time(password);
    }
    let Some(account) = account.filter(|account| account.password.fits(password)) else {
        identity.throttle.wrong(&email);
        return Err(Error::Code("INVALID_LOGIN_CREDENTIALS"));
    };
    identity.throttle.forgive(&email);
    if account.disabled {
        return Err(Error::Code("USER_DISABLED")); // only to who knows the password
    }
    if !account.factors.is_empty() {
        return second::pending(identity, &account);
    }
    let mut answer = signed_in(identity, &account, "identitytoolkit#VerifyPasswordResponse", None)?;
    answer["registered"] = true.into();
    Ok(answer)
}

pub(super) fn signed_in(
    identity: &Identity,
    account: &Account,
    kind: &str,
    factor: Option<&str>,
) -> Result<Value, Error> {
    // never before validSince: a sign-in in the second of a revocation is after it
    let auth_time = now().max(account.valid_since);
    Ok(json!({
        "kind": kind,
        "localId": account.local_id,
        "email": account.email,
        "displayName": account.display_name.as_deref().unwrap_or_default(),
        "idToken": identity.id_token(account, auth_time, factor)?,
        "refreshToken": identity.accounts.signed_in(&account.local_id, auth_time, factor)?,
        "expiresIn": LIFE.to_string(),
    }))
}

fn lookup(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let account = of_token(identity, fields)?;
    Ok(json!({ "kind": "identitytoolkit#GetAccountInfoResponse", "users": [shown(&account)] }))
}

/// A new password signs out everywhere else; name and password only, an e-mail changes by its own flow.
fn update(identity: &Identity, fields: Fields) -> Result<Value, Error> {
    if let Some(code) = &fields.oob_code {
        return mail::apply(identity, code);
    }
    let account = of_token(identity, &fields)?;
    if fields.email.is_some_and(|email| email != account.email) {
        return Err(Error::Code("EMAIL_CHANGE_NEEDS_VERIFICATION"));
    }
    let hash = fields.password.as_deref().map(Hash::new).transpose()?;
    fields.password.as_deref().map(policy::check).transpose()?;
    let new_password = hash.is_some();
    let account = identity.accounts.update(&account.local_id, |account| {
        if let Some(name) = fields.display_name {
            account.display_name = Some(name).filter(|name| !name.is_empty());
        }
        if fields.delete_attribute.iter().any(|name| name == "DISPLAY_NAME") {
            account.display_name = None;
        }
        if let Some(hash) = hash {
            account.set_password(hash);
        }
    })?;
    let kind = "identitytoolkit#SetAccountInfoResponse";
    let mut answer = match new_password {
        true => signed_in(identity, &account, kind, None)?,
        false => json!({ "kind": kind, "localId": account.local_id, "email": account.email,
            "displayName": account.display_name.as_deref().unwrap_or_default() }),
    };
    answer["emailVerified"] = account.email_verified.into();
    answer["providerUserInfo"] = provider_info(&account);
    Ok(answer)
}

fn delete(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let account = of_token(identity, fields)?;
    identity
        .accounts
        .remove(|other| other.local_id == account.local_id)?;
    Ok(json!({ "kind": "identitytoolkit#DeleteAccountResponse" }))
}

pub(super) fn of_token(identity: &Identity, fields: &Fields) -> Result<Account, Error> {
    let token = fields.id_token.as_deref().filter(|token| !token.is_empty());
    identity.account_of(token.ok_or(Error::Code("MISSING_ID_TOKEN"))?)
}

/// An account as its owner sees it; 64-bit numbers are strings, as in all of Google's JSON.
pub(super) fn shown(account: &Account) -> Value {
    let mut user = json!({
        "localId": account.local_id,
        "email": account.email,
        "emailVerified": account.email_verified,
        "disabled": account.disabled,
        "providerUserInfo": provider_info(account),
        "validSince": account.valid_since.to_string(),
        "createdAt": (account.created_at * 1000).to_string(),
        "lastLoginAt": (account.last_login_at * 1000).to_string(),
    });
    if !account.factors.is_empty() {
        user["mfaInfo"] = account.factors.iter().map(second::Factor::shown).collect();
    }
    if let Some(name) = &account.display_name {
        user["displayName"] = name.as_str().into();
    }
    user
}

fn provider_info(account: &Account) -> Value {
    json!([{ "providerId": "password", "email": account.email, "federatedId": account.email,
        "rawId": account.email }])
}

/// An address in lower case; `x@y` is enough of a check for a stand-in.
pub(super) fn email(email: Option<&str>) -> Result<String, Error> {
    let email = email.map(str::trim).filter(|email| !email.is_empty());
    let email = email.ok_or(Error::Code("MISSING_EMAIL"))?.to_lowercase();
    match email.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() && email.len() <= 320 => Ok(email),
        _ => Err(Error::Code("INVALID_EMAIL")),
    }
}
