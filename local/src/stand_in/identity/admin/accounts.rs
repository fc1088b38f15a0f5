//! One account, by the owner of the project: made, found, changed, deleted, written to.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Mailing;
use crate::stand_in::identity::Identity;
use crate::stand_in::identity::account::{Account, LATEST, Link};
use crate::stand_in::identity::calls::{email, given};
use crate::stand_in::identity::claims;
use crate::stand_in::identity::error::Error;
use crate::stand_in::identity::mail::{self, Letter};
use crate::stand_in::identity::oob::Kind;
use crate::stand_in::identity::password::Hash;
use crate::stand_in::identity::phone;
use crate::stand_in::identity::second::Factor;

/// What an account is made of, or what is to change.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Fields {
    local_id: Option<String>,
    email: Option<String>,
    email_verified: Option<bool>,
    phone_number: Option<String>,
    display_name: Option<String>,
    photo_url: Option<String>,
    password: Option<String>,
    disabled: Option<bool>,
    disable_user: Option<bool>,
    custom_attributes: Option<String>,
    #[serde(deserialize_with = "super::integer")]
    valid_since: Option<u64>,
    delete_attribute: Vec<String>,
    delete_provider: Vec<String>,
    link_provider_user_info: Option<Link>,
    mfa_info: Vec<Enrollment>,
    mfa: Option<Mfa>,
}

/// All second steps of an account.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Mfa {
    enrollments: Vec<Enrollment>,
}

/// A second step: a telephone, or by its id one that is there.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Enrollment {
    mfa_enrollment_id: Option<String>,
    display_name: Option<String>,
    phone_info: Option<String>,
}

/// The account's second steps as they are to be.
pub(super) fn factors(account: &[Factor], wanted: &[Enrollment], now: u64) -> Result<Vec<Factor>, Error> {
    let kept = |id: &str| account.iter().find(|factor| factor.id == id).cloned();
    let factor = |wanted: &Enrollment| {
        if let Some(mut factor) = given(&wanted.mfa_enrollment_id).and_then(kept) {
            if let Some(name) = &wanted.display_name {
                factor.name.clone_from(name);
            }
            return Ok(factor);
        }
        let number = phone::number(wanted.phone_info.as_deref());
        let number = number.map_err(|_| Error::Code("INVALID_MFA_PHONE_NUMBER : Invalid format."))?;
        Factor::phone(number, wanted.display_name.clone().unwrap_or_default(), now)
    };
    wanted.iter().map(factor).collect()
}

/// `accounts`. No tokens are in the answer, and the rules for passwords are not the owner's.
pub(super) fn create(identity: &Identity, tenant: Option<&str>, fields: &Fields) -> Result<Value, Error> {
    let now = identity.clock.tokens();
    let mut account = Account::new(tenant, now)?;
    if let Some(id) = given(&fields.local_id) {
        if id.len() > 128 {
            return Err(Error::Code("INVALID_LOCAL_ID"));
        }
        id.clone_into(&mut account.local_id);
    }
    apply(&mut account, fields, now)?;
    account.valid_since = now;
    account.factors = factors(&[], &fields.mfa_info, now)?;
    identity.accounts.add(account.clone())?;
    Ok(
        json!({ "kind": "identitytoolkit#SignupNewUserResponse", "localId": account.local_id,
        "email": account.address(), "displayName": account.display_name.as_deref().unwrap_or_default() }),
    )
}

/// What both creating and changing set.
fn apply(account: &mut Account, fields: &Fields, now: u64) -> Result<(), Error> {
    if let Some(new) = given(&fields.email) {
        let new = email(Some(new))?;
        if account.email.as_ref() != Some(&new) {
            account.set_email(&new, false, now);
        }
    }
    if let Some(number) = given(&fields.phone_number) {
        account.phone_number = Some(phone::number(Some(number))?);
    }
    for (old, new) in [
        (&mut account.display_name, &fields.display_name),
        (&mut account.photo_url, &fields.photo_url),
    ] {
        if let Some(new) = new {
            *old = Some(new.clone()).filter(|new| !new.is_empty());
        }
    }
    if let Some(password) = &fields.password {
        account.set_password(Hash::new(password)?, now);
    }
    if let Some(text) = &fields.custom_attributes {
        account.custom_attributes = claims::attributes(text)?;
    }
    account.email_verified = fields.email_verified.unwrap_or(account.email_verified);
    account.disabled = fields
        .disable_user
        .or(fields.disabled)
        .unwrap_or(account.disabled);
    account.valid_since = fields.valid_since.unwrap_or(account.valid_since).min(LATEST);
    Ok(())
}

/// Which accounts are meant.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sought {
    local_id: Texts,
    email: Texts,
    phone_number: Texts,
    federated_user_id: Vec<Link>,
}

/// One value or a list of them, as the two spellings of the API have it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Default for Texts {
    fn default() -> Texts {
        Texts::Many(Vec::new())
    }
}

impl Texts {
    fn has(&self, value: Option<&str>) -> bool {
        let same = |text: &String| value == Some(text.as_str());
        match self {
            Texts::One(text) => same(text),
            Texts::Many(texts) => texts.iter().any(same),
        }
    }

    fn lower(&self) -> Texts {
        match self {
            Texts::One(text) => Texts::One(text.to_lowercase()),
            Texts::Many(texts) => Texts::Many(texts.iter().map(|text| text.to_lowercase()).collect()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Texts::One(_) => 1,
            Texts::Many(texts) => texts.len(),
        }
    }
}

/// `accounts:lookup`; `users` is absent when there is none.
pub(super) fn lookup(identity: &Identity, tenant: Option<&str>, sought: &Sought) -> Result<Value, Error> {
    let asked = sought.local_id.len() + sought.email.len() + sought.phone_number.len();
    if asked + sought.federated_user_id.len() > MOST_SOUGHT {
        return Err(Error::Code("LOCAL_ID_LIST_EXCEEDS_LIMIT"));
    }
    let emails = sought.email.lower();
    let is_sought = |account: &Account| {
        let linked = |link: &Link| sought.federated_user_id.iter().any(|other| other.is(link));
        sought.local_id.has(Some(&account.local_id))
            || emails.has(account.email.as_deref())
            || sought.phone_number.has(account.phone_number.as_deref())
            || account.links.iter().any(linked)
    };
    let found = identity.accounts.all(tenant, is_sought);
    let mut answer = json!({ "kind": "identitytoolkit#GetAccountInfoResponse" });
    if !found.is_empty() {
        answer["users"] = found.iter().map(Account::shown).collect();
    }
    Ok(answer)
}

/// Accounts that one call may ask for.
const MOST_SOUGHT: usize = 100;

/// `accounts:update`.
pub(super) fn update(identity: &Identity, tenant: Option<&str>, fields: &Fields) -> Result<Value, Error> {
    let account = meant(identity, tenant, fields)?;
    let now = identity.clock.tokens();
    let mut changed = account.clone();
    apply(&mut changed, fields, now)?;
    if let Some(mfa) = &fields.mfa {
        changed.factors = factors(&account.factors, &mfa.enrollments, now)?;
    }
    if let Some(link) = &fields.link_provider_user_info {
        if link.provider_id.is_empty() {
            return Err(Error::Code("MISSING_PROVIDER_ID"));
        }
        if link.raw_id.is_empty() {
            return Err(Error::Code("MISSING_RAW_ID"));
        }
        changed.link(link.clone());
    }
    for attribute in &fields.delete_attribute {
        match attribute.as_str() {
            "DISPLAY_NAME" => changed.display_name = None,
            "PHOTO_URL" => changed.photo_url = None,
            "PASSWORD" => changed.password = None,
            "EMAIL" => {
                changed.email = None;
                changed.email_verified = false;
            }
            _ => {}
        }
    }
    changed.unlink(&fields.delete_provider);
    let account = identity
        .accounts
        .update(&account.local_id, |account| *account = changed)?;
    identity.throttle.forgive(tenant, account.address());
    Ok(
        json!({ "kind": "identitytoolkit#SetAccountInfoResponse", "localId": account.local_id,
        "email": account.address(), "emailVerified": account.email_verified,
        "providerUserInfo": account.provider_info() }),
    )
}

fn meant(identity: &Identity, tenant: Option<&str>, fields: &Fields) -> Result<Account, Error> {
    let id = given(&fields.local_id).ok_or(Error::Code("MISSING_LOCAL_ID"))?;
    let account = identity.accounts.get_in(tenant, id);
    account.ok_or(Error::Code("USER_NOT_FOUND"))
}

/// `accounts:delete`.
pub(super) fn delete(identity: &Identity, tenant: Option<&str>, fields: &Fields) -> Result<Value, Error> {
    let id = meant(identity, tenant, fields)?.local_id;
    identity.accounts.remove(|account| account.local_id == id)?;
    Ok(json!({ "kind": "identitytoolkit#DeleteAccountResponse" }))
}

/// What a mail is to be about.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Asked {
    #[serde(flatten)]
    mailing: Mailing,
    return_oob_link: bool,
}

/// `accounts:sendOobCode`: with `returnOobLink` the link is in the answer and no mail is sent. The owner is told
/// who has no account.
pub(super) fn send(
    identity: &Identity,
    tenant: Option<&str>,
    asked: &Asked,
    base: &str,
) -> Result<Value, Error> {
    let fields = &asked.mailing;
    let kind = mail::kind(fields)?;
    mail::continue_url(fields)?;
    let address = email(fields.email.as_deref())?;
    let account = identity.accounts.by_email(tenant, &address);
    let (account, new_email) = match kind {
        Kind::SignIn => (None, None),
        Kind::ResetPassword | Kind::VerifyEmail => (account, None),
        Kind::ChangeEmail => (account, Some(email(fields.new_email.as_deref())?)),
        Kind::RecoverEmail | Kind::RevertSecondStep => return Err(Error::Code("INVALID_REQ_TYPE")),
    };
    if account.is_none() && kind != Kind::SignIn {
        return Err(Error::Code("EMAIL_NOT_FOUND"));
    }
    let letter = Letter {
        kind,
        tenant: tenant.map(str::to_owned),
        local_id: account.map(|account| account.local_id),
        email: address.clone(),
        new_email,
        continue_url: given(&fields.continue_url).map(str::to_owned),
        factor: None,
        silent: asked.return_oob_link,
    };
    let mail = mail::write(identity, letter, base)?;
    let mut answer = json!({ "kind": mail::SENT, "email": address });
    if asked.return_oob_link {
        answer["oobCode"] = mail.code.into();
        answer["oobLink"] = mail.link.into();
    }
    Ok(answer)
}
