//! What a signed-in user does with the account: look it up, change it, delete it.

use serde_json::{Value, json};

use super::Identity;
use super::calls::{self, Fields, email, given, signed_in};
use super::error::Error;
use super::mail;
use super::password::Hash;
use super::policy;

/// `accounts:lookup`.
pub(super) fn lookup(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (account, _) = calls::session(identity, fields)?;
    Ok(json!({ "kind": "identitytoolkit#GetAccountInfoResponse", "users": [account.shown()] }))
}

/// `accounts:update`: name, picture, password, ways in. A new password signs out everywhere else; an address
/// changes by its own flow, unless e-mail privacy is off.
pub(super) fn update(identity: &Identity, fields: &Fields, base: &str) -> Result<Value, Error> {
    if let Some(code) = given(&fields.oob_code) {
        return mail::apply(identity, code, base);
    }
    let (account, mut sign_in) = calls::session(identity, fields)?;
    let email = given(&fields.email)
        .map(|given| email(Some(given)))
        .transpose()?
        .filter(|email| account.email.as_ref() != Some(email));
    if email.is_some() && identity.project.settings().email_privacy {
        return Err(Error::Code("EMAIL_CHANGE_NEEDS_VERIFICATION"));
    }
    let hash = given(&fields.password).map(Hash::new).transpose()?;
    given(&fields.password)
        .map(|password| policy::check(identity, password))
        .transpose()?;
    let ends_sessions = hash.is_some() || email.is_some();
    if ends_sessions {
        calls::recent(identity, &sign_in)?;
    }
    let now = identity.clock.tokens();
    let removes = |name: &str| fields.delete_attribute.iter().any(|attribute| attribute == name);
    let account = identity.accounts.update(&account.local_id, |account| {
        for (old, new, attribute) in [
            (&mut account.display_name, &fields.display_name, "DISPLAY_NAME"),
            (&mut account.photo_url, &fields.photo_url, "PHOTO_URL"),
        ] {
            if let Some(new) = new {
                *old = Some(new.clone()).filter(|new| !new.is_empty());
            }
            if removes(attribute) {
                *old = None;
            }
        }
        if let Some(email) = &email {
            account.set_email(email, false, now);
        }
        if let Some(hash) = hash {
            account.set_password(hash, now);
        }
        account.unlink(&fields.delete_provider);
    })?;
    let kind = "identitytoolkit#SetAccountInfoResponse";
    let mut answer = match ends_sessions {
        true => {
            sign_in.claims.clear();
            signed_in(identity, &account, kind, sign_in)?
        }
        false => json!({ "kind": kind, "localId": account.local_id, "email": account.address(),
            "displayName": account.display_name.as_deref().unwrap_or_default() }),
    };
    if let Some(photo) = &account.photo_url {
        answer["photoUrl"] = photo.as_str().into();
    }
    answer["emailVerified"] = account.email_verified.into();
    answer["providerUserInfo"] = account.provider_info();
    Ok(answer)
}

/// `accounts:delete`.
pub(super) fn delete(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (account, sign_in) = calls::session(identity, fields)?;
    calls::recent(identity, &sign_in)?;
    if identity.project.settings().no_deletion {
        return Err(Error::Code("ADMIN_ONLY_OPERATION"));
    }
    identity
        .accounts
        .remove(|other| other.local_id == account.local_id)?;
    Ok(json!({ "kind": "identitytoolkit#DeleteAccountResponse" }))
}
