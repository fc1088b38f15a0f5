//! Many accounts at once: listed, searched, imported, deleted.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{Enrollment, factors};
use crate::stand_in::identity::Identity;
use crate::stand_in::identity::account::{Account, LATEST, Link, PASSWORD, PHONE};
use crate::stand_in::identity::accounts::put;
use crate::stand_in::identity::calls::{email, given};
use crate::stand_in::identity::claims;
use crate::stand_in::identity::error::Error;
use crate::stand_in::identity::password::Hash;
use crate::stand_in::identity::phone;

/// Accounts in one answer or one request.
const MOST: usize = 1000;

/// Which part of all accounts.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::stand_in::identity) struct Page {
    max_results: Option<i64>,
    next_page_token: Option<String>,
}

/// `accounts:batchGet`: by id; the token of the next page is the last id of this one.
pub(super) fn get(identity: &Identity, tenant: Option<&str>, page: &Page) -> Value {
    let most = usize::try_from(page.max_results.unwrap_or(20)).map_or(MOST, |most| most.clamp(1, MOST));
    let after = given(&page.next_page_token).unwrap_or_default();
    let mut users = identity
        .accounts
        .all(tenant, |account| account.local_id.as_str() > after);
    let more = users.len() > most;
    users.truncate(most);
    let mut answer = json!({ "kind": "identitytoolkit#DownloadAccountResponse" });
    if !users.is_empty() {
        answer["users"] = users.iter().map(Account::shown).collect();
    }
    if let Some(last) = users.last().filter(|_| more) {
        answer["nextPageToken"] = last.local_id.as_str().into();
    }
    answer
}

/// What is searched for.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Query {
    return_user_info: Option<bool>,
    #[serde(deserialize_with = "super::integer")]
    limit: Option<u64>,
    #[serde(deserialize_with = "super::integer")]
    offset: Option<u64>,
    sort_by: Option<String>,
    order: Option<String>,
    expression: Vec<Expression>,
}

/// One of them is enough.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Expression {
    email: Option<String>,
    phone_number: Option<String>,
    user_id: Option<String>,
}

impl Expression {
    fn fits(&self, account: &Account) -> bool {
        let address = |wanted: &String| account.address().eq_ignore_ascii_case(wanted);
        self.email.as_ref().is_some_and(address)
            || (self.phone_number.is_some() && self.phone_number == account.phone_number)
            || self.user_id.as_ref() == Some(&account.local_id)
    }
}

/// `accounts:query`: the accounts, or how many they are.
pub(super) fn query(identity: &Identity, tenant: Option<&str>, query: &Query) -> Result<Value, Error> {
    let fits = |account: &Account| {
        query.expression.is_empty() || query.expression.iter().any(|wanted| wanted.fits(account))
    };
    let mut users = identity.accounts.all(tenant, fits);
    if query.return_user_info == Some(false) {
        return Ok(json!({ "recordsCount": users.len().to_string() }));
    }
    match query.sort_by.as_deref() {
        None | Some("USER_ID" | "SORT_BY_FIELD_UNSPECIFIED") => {}
        Some("NAME") => users.sort_by(|a, b| a.display_name.cmp(&b.display_name)),
        Some("CREATED_AT") => users.sort_by_key(|account| account.created_at),
        Some("LAST_LOGIN_AT") => users.sort_by_key(|account| account.last_login_at),
        Some("USER_EMAIL") => users.sort_by(|a, b| a.email.cmp(&b.email)),
        Some(other) => return Err(Error::Malformed(format!("Invalid value at 'sortBy': {other:?}"))),
    }
    if query.order.as_deref() == Some("DESC") {
        users.reverse();
    }
    let number =
        |value: Option<u64>, without| value.map_or(without, |value| usize::try_from(value).unwrap_or(MOST));
    let users = users.iter().skip(number(query.offset, 0));
    let users: Vec<Value> = users
        .take(number(query.limit, MOST).min(MOST))
        .map(Account::shown)
        .collect();
    Ok(json!({ "recordsCount": users.len().to_string(), "userInfo": users }))
}

/// Who is to go.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Ids {
    local_ids: Vec<String>,
    force: bool,
}

/// `accounts:batchDelete`. Who is not disabled goes only with `force`; an id that nobody has is no mistake.
pub(super) fn delete(identity: &Identity, tenant: Option<&str>, ids: &Ids) -> Result<Value, Error> {
    if ids.local_ids.is_empty() || ids.local_ids.len() > MOST {
        return Err(Error::Code("LOCAL_ID_LIST_EXCEEDS_LIMIT"));
    }
    let mut errors = Vec::new();
    let mut going = BTreeSet::new();
    for (index, id) in ids.local_ids.iter().enumerate() {
        match identity.accounts.get_in(tenant, id) {
            Some(account) if !account.disabled && !ids.force => errors.push(json!({ "index": index,
                "localId": id, "message": "NOT_DISABLED : Disable the account before batch deletion." })),
            Some(_) => drop(going.insert(id.as_str())),
            None => {}
        }
    }
    identity
        .accounts
        .remove(|account| going.contains(account.local_id.as_str()))?;
    match errors.is_empty() {
        true => Ok(json!({})),
        false => Ok(json!({ "errors": errors })),
    }
}

/// What is imported.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Import {
    users: Vec<Imported>,
    allow_overwrite: bool,
    hash_algorithm: Option<String>,
    #[serde(deserialize_with = "super::integer")]
    rounds: Option<u64>,
}

/// One account of another system.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Imported {
    local_id: Option<String>,
    tenant_id: Option<String>,
    email: Option<String>,
    email_verified: bool,
    display_name: Option<String>,
    photo_url: Option<String>,
    phone_number: Option<String>,
    raw_password: Option<String>,
    password_hash: Option<String>,
    salt: Option<String>,
    custom_attributes: Option<String>,
    disabled: bool,
    provider_user_info: Vec<Link>,
    mfa_info: Vec<Enrollment>,
    /// Milliseconds.
    #[serde(deserialize_with = "super::integer")]
    created_at: Option<u64>,
    #[serde(deserialize_with = "super::integer")]
    last_login_at: Option<u64>,
}

/// `accounts:batchCreate`: those that cannot be are in `error`, the others are imported.
pub(super) fn create(identity: &Identity, tenant: Option<&str>, mut import: Import) -> Result<Value, Error> {
    let users = std::mem::take(&mut import.users);
    if users.is_empty() {
        return Err(Error::Code("MISSING_USER_ACCOUNT"));
    }
    if users.len() > MOST {
        return Err(Error::Malformed(format!("At most {MOST} accounts at once.")));
    }
    let now = identity.clock.tokens();
    let made: Vec<_> = users
        .iter()
        .map(|user| account(user, tenant, &import, now))
        .collect();
    let mut errors = Vec::new();
    identity.accounts.change(|all| {
        for (index, account) in made.into_iter().enumerate() {
            let put = account.and_then(|account| match all.get(&account.local_id) {
                Some(there) if !import.allow_overwrite || there.tenant != account.tenant => Err(Error::Code(
                    "localId belongs to an existing account - can not overwrite.",
                )),
                _ => put(all, account),
            });
            if let Err(error) = put {
                errors.push(json!({ "index": index, "message": message(error) }));
            }
        }
        Ok(())
    })?;
    let mut answer = json!({ "kind": "identitytoolkit#UploadAccountResponse" });
    if !errors.is_empty() {
        answer["error"] = errors.into();
    }
    Ok(answer)
}

/// For people, as production words some of them here.
fn message(error: Error) -> String {
    match error {
        Error::Code("EMAIL_EXISTS") => "email exists in other account in database".to_owned(),
        Error::Code("INVALID_EMAIL") => "email is invalid".to_owned(),
        Error::Code("FEDERATED_USER_ID_ALREADY_LINKED") => {
            "raw id exists in other account in database".to_owned()
        }
        Error::Code("INVALID_CLAIMS") => "Invalid custom claims provided.".to_owned(),
        Error::Code("CLAIMS_TOO_LARGE") => "Custom claims provided are too large.".to_owned(),
        Error::Said(text) if text.starts_with("FORBIDDEN_CLAIM") => {
            "Custom claims provided include a reserved claim.".to_owned()
        }
        other => other.to_string(),
    }
}

fn account(user: &Imported, tenant: Option<&str>, import: &Import, now: u64) -> Result<Account, Error> {
    let id = given(&user.local_id).ok_or(Error::Code("localId is missing"))?;
    if given(&user.tenant_id).is_some_and(|named| Some(named) != tenant) {
        return Err(Error::Code(
            "Tenant id in userInfo does not match the tenant id in request.",
        ));
    }
    let mut account = Account::new(tenant, now)?;
    id.clone_into(&mut account.local_id);
    account.email = given(&user.email).map(|given| email(Some(given))).transpose()?;
    account.email_verified = user.email_verified;
    account.display_name = given(&user.display_name).map(str::to_owned);
    account.photo_url = given(&user.photo_url).map(str::to_owned);
    account.disabled = user.disabled;
    let number = given(&user.phone_number).map(|number| phone::number(Some(number)));
    account.phone_number = number
        .transpose()
        .map_err(|_| Error::Code("phone number format is invalid"))?;
    account.password = password(user, import)?;
    if let Some(text) = given(&user.custom_attributes) {
        account.custom_attributes = claims::attributes(text)?;
    }
    let own = [PASSWORD, PHONE];
    for link in &user.provider_user_info {
        match (own.contains(&link.provider_id.as_str()), link.raw_id.is_empty()) {
            (true, _) => {}
            (false, false) if !link.provider_id.is_empty() => account.link(link.clone()),
            _ => return Err(Error::Code("federatedId or (providerId & rawId) is required")),
        }
    }
    account.factors = factors(&[], &user.mfa_info, now)?;
    let seconds = |millis: u64| (millis / 1000).min(LATEST);
    account.created_at = user.created_at.map_or(now, seconds);
    account.last_login_at = user.last_login_at.map_or(account.created_at, seconds);
    Ok(account)
}

/// A password in clear, or a hash of the one kind that is kept here.
fn password(user: &Imported, import: &Import) -> Result<Option<Hash>, Error> {
    if let Some(password) = given(&user.raw_password) {
        return Hash::new(password).map(Some);
    }
    let Some(hash) = given(&user.password_hash) else {
        return Ok(None);
    };
    match import.hash_algorithm.as_deref() {
        Some("PBKDF2_SHA256") => {
            Hash::imported(hash, user.salt.as_deref().unwrap_or_default(), import.rounds).map(Some)
        }
        other => Err(Error::Said(format!(
            "hashes of {} are not imported here; PBKDF2_SHA256 is, and a password in rawPassword",
            other.unwrap_or("an unnamed algorithm")
        ))),
    }
}
