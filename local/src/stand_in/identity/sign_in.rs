//! Signing up, and signing in with a password.

use serde_json::Value;

use super::Identity;
use super::account::{ANONYMOUS, Account, PASSWORD, SignIn};
use super::calls::{self, Fields, email, enter, given, signed_in};
use super::error::Error;
use super::password::Hash;
use super::policy;

const SIGNED_UP: &str = "identitytoolkit#SignupNewUserResponse";

/// `accounts:signUp`: with an address and a password, with neither (a user nobody knows), or with an ID token
/// (the user of the token gets a password).
pub(super) fn sign_up(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    if given(&fields.id_token).is_some() {
        return add_password(identity, fields);
    }
    let (tenant, allowed) = calls::tenant(identity, fields)?;
    if identity.project.settings().no_sign_up {
        return Err(Error::Code("ADMIN_ONLY_OPERATION"));
    }
    let now = identity.clock.tokens();
    if given(&fields.email).is_none() && given(&fields.password).is_none() {
        if !allowed.enable_anonymous_user {
            return Err(Error::Code("ADMIN_ONLY_OPERATION"));
        }
        let account = Account::new(tenant, now)?;
        identity.accounts.add(account.clone())?;
        return signed_in(identity, &account, SIGNED_UP, SignIn::with(ANONYMOUS));
    }
    if !allowed.allow_password_signup {
        return Err(Error::Code("OPERATION_NOT_ALLOWED"));
    }
    let email = email(fields.email.as_deref())?;
    let hash = new_password(identity, fields)?;
    let account = Account {
        email: Some(email),
        password: Some(hash),
        display_name: given(&fields.display_name).map(str::to_owned),
        ..Account::new(tenant, now)?
    };
    identity.accounts.add(account.clone())?;
    signed_in(identity, &account, SIGNED_UP, SignIn::with(PASSWORD))
}

fn add_password(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (account, _) = calls::session(identity, fields)?;
    let email = email(fields.email.as_deref())?;
    let hash = new_password(identity, fields)?;
    let now = identity.clock.tokens();
    let account = identity.accounts.update(&account.local_id, |account| {
        if account.email.as_ref() != Some(&email) {
            account.set_email(&email, false, now);
        }
        account.set_password(hash, now);
    })?;
    signed_in(identity, &account, SIGNED_UP, SignIn::with(PASSWORD))
}

/// The hash of a password that keeps the rules.
fn new_password(identity: &Identity, fields: &Fields) -> Result<Hash, Error> {
    let password = given(&fields.password).ok_or(Error::Code("MISSING_PASSWORD"))?;
    let hash = Hash::new(password)?;
    policy::check(identity, password)?;
    Ok(hash)
}

/// `accounts:signInWithPassword`.
pub(super) fn with_password(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (tenant, allowed) = calls::tenant(identity, fields)?;
    if !allowed.allow_password_signup {
        return Err(Error::Code("PASSWORD_LOGIN_DISABLED"));
    }
    let email = email(fields.email.as_deref())?;
    let password = given(&fields.password).ok_or(Error::Code("MISSING_PASSWORD"))?;
    let account = check_password(identity, tenant, &email, password)?;
    let kind = "identitytoolkit#VerifyPasswordResponse";
    let mut answer = enter(identity, &account, kind, SignIn::with(PASSWORD))?;
    answer["registered"] = true.into();
    Ok(answer)
}

/// The account, when this is its password. Too many wrong ones lock an address, known or not.
pub(super) fn check_password(
    identity: &Identity,
    tenant: Option<&str>,
    email: &str,
    password: &str,
) -> Result<Account, Error> {
    if identity.throttle.is_locked(tenant, email) {
        return Err(Error::Code(
            "TOO_MANY_ATTEMPTS_TRY_LATER : Access to this account has been temporarily disabled due to many \
             failed login attempts. You can immediately restore it by resetting your password or you can try \
             again later.",
        ));
    }
    let account = identity.accounts.by_email(tenant, email);
    let hash = account.as_ref().and_then(|account| account.password.as_ref());
    let fits = match hash {
        Some(hash) => hash.fits(password),
        None => {
            Hash::waste_time(password);
            false
        }
    };
    match account {
        Some(account) if fits => {
            identity.throttle.forgive(tenant, email);
            Ok(account)
        }
        other => {
            identity.throttle.wrong(tenant, email);
            Err(Error::Code(match identity.project.settings().email_privacy {
                true => "INVALID_LOGIN_CREDENTIALS",
                false if other.is_none() => "EMAIL_NOT_FOUND",
                false => "INVALID_PASSWORD",
            }))
        }
    }
}
