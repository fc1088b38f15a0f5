//! The calls of the project's owner, which Admin SDKs make: `Authorization: Bearer owner`, as the emulator has it.

mod accounts;
mod batch;
pub(super) mod config;
pub(super) mod tenants;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::Identity;
use super::calls::{self, Fields, base_url, given, in_background};
use super::error::Error;

/// Where a call is: the project, the tenant if there is one, and its name.
#[derive(Deserialize)]
pub(super) struct Place {
    project: String,
    tenant: Option<String>,
    /// `accounts:NAME`; nothing to create one.
    call: Option<String>,
}

/// Refuses whoever is not the owner. An access token of Google's form is believed, too.
pub(super) fn owner(headers: &HeaderMap) -> Result<(), Error> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer "));
    match token.is_some_and(|token| token == "owner" || token.starts_with("ya29.")) {
        true => Ok(()),
        false => Err(Error::NotOwner),
    }
}

/// The tenant of a path, which must be there.
pub(super) fn known_tenant(identity: &Identity, tenant: Option<&str>) -> Result<(), Error> {
    match identity.project.tenant(tenant) {
        Err(Error::Code("INVALID_TENANT_ID")) => Err(Error::Code("TENANT_NOT_FOUND")),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// `POST v1/projects/{p}[/tenants/{t}]/accounts[:CALL]`.
pub(super) async fn post(
    State(identity): State<Arc<Identity>>,
    Path(place): Path<Place>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&place.project)?;
    known_tenant(&identity, place.tenant.as_deref())?;
    let base = base_url(&identity, &headers)?;
    in_background(move || answer(&identity, &place, &body, &base))
        .await
        .map(Json)
}

fn answer(identity: &Identity, place: &Place, body: &[u8], base: &str) -> Result<Value, Error> {
    let tenant = place.tenant.as_deref();
    let read = || calls::read(body);
    match place.call.as_deref() {
        None => accounts::create(identity, tenant, &read()?),
        Some("accounts:lookup") => accounts::lookup(identity, tenant, &calls::read(body)?),
        Some("accounts:update") => accounts::update(identity, tenant, &read()?),
        Some("accounts:delete") => accounts::delete(identity, tenant, &read()?),
        Some("accounts:sendOobCode") => accounts::send(identity, tenant, &calls::read(body)?, base),
        Some("accounts:query") => batch::query(identity, tenant, &calls::read(body)?),
        Some("accounts:batchCreate") => batch::create(identity, tenant, calls::read(body)?),
        Some("accounts:batchDelete") => batch::delete(identity, tenant, &calls::read(body)?),
        _ => Err(Error::NotImplemented),
    }
}

/// `GET v1/projects/{p}[/tenants/{t}]/accounts:batchGet`.
pub(super) async fn get(
    State(identity): State<Arc<Identity>>,
    Path(place): Path<Place>,
    Query(page): Query<batch::Page>,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&place.project)?;
    known_tenant(&identity, place.tenant.as_deref())?;
    match place.call.as_deref() {
        Some("accounts:batchGet") => Ok(Json(batch::get(&identity, place.tenant.as_deref(), &page))),
        _ => Err(Error::NotImplemented),
    }
}

/// `v1/projects/{p}[/tenants/{t}]:createSessionCookie`: the name of the call is behind the last name of the path.
#[derive(Deserialize)]
pub(super) struct Target {
    project: String,
    tenant: Option<String>,
}

/// What a session cookie is made of.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Cookie {
    id_token: Option<String>,
    #[serde(deserialize_with = "integer")]
    valid_duration: Option<u64>,
}

/// `POST v1/projects/{p}[/tenants/{t}]:createSessionCookie`.
pub(super) async fn session_cookie(
    State(identity): State<Arc<Identity>>,
    Path(place): Path<Target>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    let last = place.tenant.as_ref().unwrap_or(&place.project);
    let Some(name) = last.strip_suffix(":createSessionCookie") else {
        return Err(Error::NotImplemented);
    };
    let (project, tenant) = match &place.tenant {
        Some(_) => (place.project.as_str(), Some(name.to_owned())),
        None => (name, None),
    };
    identity.project.is(project)?;
    known_tenant(&identity, tenant.as_deref())?;
    let asked: Cookie = calls::read(&body)?;
    in_background(move || {
        let (account, _) = calls::session_of(&identity, &asked.id_token, tenant.as_deref())?;
        if account.tenant != tenant {
            return Err(Error::Code("TENANT_ID_MISMATCH"));
        }
        let life = asked.valid_duration.unwrap_or(LONGEST_COOKIE);
        if !(SHORTEST_COOKIE..=LONGEST_COOKIE).contains(&life) {
            return Err(Error::Code("INVALID_DURATION"));
        }
        let cookie = identity.session_cookie(given(&asked.id_token).unwrap_or_default(), life)?;
        Ok(Json(json!({ "sessionCookie": cookie })))
    })
    .await
}

/// Five minutes.
const SHORTEST_COOKIE: u64 = 300;
/// Two weeks.
const LONGEST_COOKIE: u64 = 14 * 24 * 3600;

/// A 64-bit number, which may be written as text.
fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_u64()),
        Value::String(text) => text.parse().map(Some).map_err(serde::de::Error::custom),
        _ => Err(serde::de::Error::custom("expected a number, or a number as text")),
    }
}

/// What `sendOobCode` has in common with a user's.
type Mailing = Fields;
