//! The calls of a user: what they have in common, and which function answers which.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::account::{Account, SignIn};
use super::error::Error;
use super::project::Tenant;
use super::token::LIFE;
use super::{Identity, custom, federated, mail, phone, profile, second, sign_in};

/// The fields that are read; others are ignored, as the emulator does.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Fields {
    pub(super) email: Option<String>,
    pub(super) password: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) photo_url: Option<String>,
    pub(super) id_token: Option<String>,
    pub(super) tenant_id: Option<String>,
    pub(super) request_type: Option<String>,
    pub(super) new_email: Option<String>,
    pub(super) continue_url: Option<String>,
    pub(super) oob_code: Option<String>,
    pub(super) old_password: Option<String>,
    pub(super) new_password: Option<String>,
    pub(super) delete_attribute: Vec<String>,
    pub(super) delete_provider: Vec<String>,
    /// A custom token.
    pub(super) token: Option<String>,
}

impl Fields {
    /// The tenant that is named, if one is.
    pub(super) fn tenant_id(&self) -> Option<&str> {
        given(&self.tenant_id)
    }
}

/// A field with something in it.
pub(super) fn given(field: &Option<String>) -> Option<&str> {
    field.as_deref().filter(|value| !value.is_empty())
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
    let base = base_url(&identity, &headers)?;
    in_background(move || answer(&identity, &call, &body, &base))
        .await
        .map(Json)
}

fn answer(identity: &Identity, call: &str, body: &[u8], base: &str) -> Result<Value, Error> {
    match call {
        "accounts:createAuthUri" => return federated::create_auth_uri(identity, &read(body)?, base),
        "accounts:signInWithIdp" => return federated::sign_in(identity, &read(body)?),
        "accounts:sendVerificationCode" => return phone::send(identity, &read(body)?),
        "accounts:signInWithPhoneNumber" => return phone::sign_in(identity, read(body)?),
        _ => {}
    }
    let fields: Fields = read(body)?;
    match call {
        "accounts:signUp" => sign_in::sign_up(identity, &fields),
        "accounts:signInWithPassword" => sign_in::with_password(identity, &fields),
        "accounts:signInWithEmailLink" => mail::sign_in(identity, &fields),
        "accounts:signInWithCustomToken" => custom::sign_in(identity, &fields),
        "accounts:lookup" => profile::lookup(identity, &fields),
        "accounts:update" => profile::update(identity, &fields, base),
        "accounts:delete" => profile::delete(identity, &fields),
        "accounts:sendOobCode" => mail::send(identity, &fields, base),
        "accounts:resetPassword" => mail::reset(identity, &fields),
        _ => Err(Error::NotImplemented),
    }
}

/// The hash of a password and a signature are milliseconds of work and more: not on the runtime's own threads.
pub(super) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Internal(error.to_string()))?
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

/// `http://HOST:PORT`, as whoever calls knows it, or as it was told on the command line.
pub(super) fn base_url(identity: &Identity, headers: &HeaderMap) -> Result<String, Error> {
    if let Some(url) = &identity.public_url {
        return Ok(url.clone());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host: Option<Authority> = host.and_then(|host| host.parse().ok());
    match host.filter(|host| !host.as_str().contains('@')) {
        Some(host) => Ok(format!("http://{host}")),
        None => Err(Error::Malformed(
            "The request has no usable Host header.".to_owned(),
        )),
    }
}

/// A JSON object, in either spelling of its names; an empty body is an empty object.
pub(super) fn read<T: Default + DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let malformed = |error: serde_json::Error| Error::Malformed(format!("Invalid JSON payload: {error}"));
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(malformed)?;
    let object = object
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (camel_case(&name), value));
    serde_json::from_value(Value::Object(object.collect())).map_err(malformed)
}

/// `id_token` is `idToken`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// Whose accounts a call without an ID token is about, and how they may sign in.
pub(super) fn tenant<'a>(
    identity: &Identity,
    fields: &'a Fields,
) -> Result<(Option<&'a str>, Tenant), Error> {
    let id = fields.tenant_id();
    let tenant = identity.project.tenant(id)?;
    Ok((id, tenant.unwrap_or_else(Tenant::open)))
}

/// The account of the ID token, and the sign-in that it is of. The tenant is the token's; naming another one
/// is refused.
pub(super) fn session(identity: &Identity, fields: &Fields) -> Result<(Account, SignIn), Error> {
    session_of(identity, &fields.id_token, fields.tenant_id())
}

/// The same for calls with fields of their own.
pub(super) fn session_of(
    identity: &Identity,
    id_token: &Option<String>,
    tenant: Option<&str>,
) -> Result<(Account, SignIn), Error> {
    let (account, sign_in) = identity.session(given(id_token).ok_or(Error::Code("MISSING_ID_TOKEN"))?)?;
    match tenant {
        Some(named) if account.tenant.as_deref() != Some(named) => Err(Error::Code("TENANT_ID_MISMATCH")),
        _ => Ok((account, sign_in)),
    }
}

/// Refuses what only somebody who has just signed in may do.
pub(super) fn recent(identity: &Identity, sign_in: &SignIn) -> Result<(), Error> {
    match identity.clock.tokens() > sign_in.auth_time.saturating_add(RECENT) {
        true => Err(Error::Code("CREDENTIAL_TOO_OLD_LOGIN_AGAIN")),
        false => Ok(()),
    }
}

/// Seconds for which a sign-in is a recent one.
const RECENT: u64 = 300;

/// The way in is open, but for a disabled account and for a second step.
pub(super) fn enter(
    identity: &Identity,
    account: &Account,
    kind: &str,
    sign_in: SignIn,
) -> Result<Value, Error> {
    if account.disabled {
        return Err(Error::Code("USER_DISABLED"));
    }
    if !account.factors.is_empty() {
        return second::pending(identity, account, kind, sign_in);
    }
    signed_in(identity, account, kind, sign_in)
}

/// The tokens of a sign-in that is complete.
pub(super) fn signed_in(
    identity: &Identity,
    account: &Account,
    kind: &str,
    mut sign_in: SignIn,
) -> Result<Value, Error> {
    // never before validSince: a sign-in in the second of a revocation is after it
    sign_in.auth_time = identity.clock.tokens().max(account.valid_since);
    let mut answer = json!({
        "kind": kind,
        "localId": account.local_id,
        "email": account.address(),
        "displayName": account.display_name.as_deref().unwrap_or_default(),
        "idToken": identity.id_token(account, &sign_in)?,
        "refreshToken": identity.accounts.signed_in(&account.local_id, &sign_in)?,
        "expiresIn": LIFE.to_string(),
    });
    if let Some(tenant) = &account.tenant {
        answer["tenantId"] = tenant.as_str().into();
    }
    Ok(answer)
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
