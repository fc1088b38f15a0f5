//! The calls that send mails and those that the links in them lead to: `sendOobCode`, `resetPassword` and
//! `update{oobCode}`. Whether an address has an account cannot be learned from any of them.

use reqwest::Url;
use serde_json::{Value, json};

use super::Identity;
use super::accounts::Account;
use super::calls::{Fields, email, of_token, signed_in};
use super::error::Error;
use super::oob::{self, Kind, Mail};
use super::password::Hash;
use super::policy;
use super::second;

/// `accounts:sendOobCode`.
pub(super) fn send(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let kind = match fields.request_type.as_deref() {
        None | Some("") => return Err(Error::Code("MISSING_REQ_TYPE")),
        Some(name) => Kind::of(name).ok_or(Error::Code("INVALID_REQ_TYPE"))?,
    };
    let answered = match kind {
        Kind::VerifyEmail => {
            let account = of_token(identity, fields)?;
            write(identity, kind, &account.email, Some(&account), None, fields)?;
            account.email
        }
        Kind::ChangeEmail => {
            let account = of_token(identity, fields)?;
            let new = email(fields.new_email.as_deref()).map_err(|error| match error {
                Error::Code("MISSING_EMAIL") => Error::Code("MISSING_NEW_EMAIL"),
                other => other,
            })?;
            // a taken address gets no mail, and the answer does not tell
            if identity.accounts.find(|other| other.email == new).is_none() {
                write(identity, kind, &account.email, Some(&account), Some(new), fields)?;
            }
            account.email
        }
        Kind::ResetPassword => {
            let email = email(fields.email.as_deref())?;
            if let Some(account) = identity.accounts.find(|account| account.email == email) {
                write(identity, kind, &email, Some(&account), None, fields)?;
            }
            email
        }
        Kind::SignIn => {
            let email = email(fields.email.as_deref())?;
            write(identity, kind, &email, None, None, fields)?;
            email
        }
        Kind::RecoverEmail => return Err(Error::Code("INVALID_REQ_TYPE")), // only we send it
    };
    Ok(json!({ "kind": "identitytoolkit#GetOobConfirmationCodeResponse", "email": answered }))
}

fn write(
    identity: &Identity,
    kind: Kind,
    email: &str,
    account: Option<&Account>,
    new_email: Option<String>,
    fields: &Fields,
) -> Result<(), Error> {
    let code = oob::code()?;
    let mut query = vec![("mode", kind.mode()), ("oobCode", &code), ("apiKey", "demo-key")];
    query.push(("lang", "en"));
    if let Some(url) = &fields.continue_url {
        query.push(("continueUrl", url));
    }
    let link = Url::parse_with_params(&identity.action_url, query)
        .map_err(|error| Error::Internal(format!("the action URL: {error}")))?;
    identity.mails.send(Mail {
        kind,
        local_id: account.map(|account| account.local_id.clone()),
        email: email.to_owned(),
        new_email,
        link: link.into(),
        code,
        sent: identity.now(),
        used: false,
    });
    Ok(())
}

/// `accounts:resetPassword`: with a code alone what the code is for, with a password too a new password.
pub(super) fn reset(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let code = fields.oob_code.as_deref().filter(|code| !code.is_empty());
    let code = code.ok_or(Error::Code("MISSING_OOB_CODE"))?;
    let mail = identity.mails.look(code, identity.now())?;
    if let Some(password) = &fields.new_password {
        if mail.kind != Kind::ResetPassword {
            return Err(Error::Code("INVALID_OOB_CODE"));
        }
        let hash = Hash::new(password)?;
        policy::check(password)?; // a password that is refused does not use the code up
        identity.mails.take(code, identity.now())?;
        let account = change(identity, &mail, |account| {
            account.set_password(hash);
            account.email_verified = true; // who reads its mail has the address
        })?;
        identity.throttle.forgive(&account.email);
    }
    let mut answer =
        json!({ "kind": "identitytoolkit#ResetPasswordResponse", "requestType": mail.kind.name() });
    if mail.kind != Kind::SignIn {
        answer["email"] = mail.email.into();
    }
    if let Some(new) = mail.new_email {
        answer["newEmail"] = new.into();
    }
    Ok(answer)
}

/// `accounts:signInWithEmailLink`: whoever reads an address's mail is its user, an old one or a new one.
pub(super) fn sign_in(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let email = email(fields.email.as_deref())?;
    let code = fields.oob_code.as_deref().filter(|code| !code.is_empty());
    let code = code.ok_or(Error::Code("MISSING_OOB_CODE"))?;
    let mail = identity.mails.look(code, identity.now())?;
    if mail.kind != Kind::SignIn {
        return Err(Error::Code("INVALID_OOB_CODE"));
    }
    if mail.email != email {
        return Err(Error::Code(
            "INVALID_EMAIL : The email provided does not match the sign-in email address.",
        ));
    }
    let known = identity.accounts.find(|account| account.email == email);
    if known.as_ref().is_some_and(|account| account.disabled) {
        return Err(Error::Code("USER_DISABLED"));
    }
    identity.mails.take(code, identity.now())?;
    let is_new = known.is_none();
    let account = match known {
        Some(account) => account,
        None => {
            // no password that anybody knows
            let account = Account::new(&email, Hash::new(&oob::code()?)?)?;
            identity.accounts.add(account.clone())?;
            account
        }
    };
    let verify = |account: &mut Account| account.email_verified = true;
    let account = identity.accounts.update(&account.local_id, verify)?;
    if !account.factors.is_empty() {
        return second::pending(identity, &account);
    }
    let mut answer = signed_in(
        identity,
        &account,
        "identitytoolkit#EmailLinkSigninResponse",
        None,
    )?;
    answer["isNewUser"] = is_new.into();
    Ok(answer)
}

/// `accounts:update{oobCode}`: the address is verified, changed or changed back.
pub(super) fn apply(identity: &Identity, code: &str) -> Result<Value, Error> {
    let mail = identity.mails.look(code, identity.now())?;
    if matches!(mail.kind, Kind::ResetPassword | Kind::SignIn) {
        return Err(Error::Code("INVALID_OOB_CODE"));
    }
    let mail = identity.mails.take(code, identity.now())?;
    let account = match (mail.kind, mail.new_email.clone()) {
        (Kind::ChangeEmail, Some(new)) => {
            if identity.accounts.find(|other| other.email == new).is_some() {
                return Err(Error::Code("EMAIL_EXISTS"));
            }
            let account = change(identity, &mail, |account| account.set_email(&new))?;
            // the old address hears of it and can undo it
            write(
                identity,
                Kind::RecoverEmail,
                &mail.email,
                Some(&account),
                Some(new),
                &Fields::default(),
            )?;
            account
        }
        (Kind::RecoverEmail, _) => change(identity, &mail, |account| account.set_email(&mail.email))?,
        _ => change(identity, &mail, |account| account.email_verified = true)?,
    };
    Ok(json!({
        "kind": "identitytoolkit#SetAccountInfoResponse",
        "localId": account.local_id, "email": account.email, "emailVerified": account.email_verified,
    }))
}

fn change(identity: &Identity, mail: &Mail, act: impl FnOnce(&mut Account)) -> Result<Account, Error> {
    let local_id = mail.local_id.as_deref().ok_or(Error::Code("INVALID_OOB_CODE"))?;
    identity.accounts.update(local_id, act)
}
