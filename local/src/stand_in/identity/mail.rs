//! The calls that send mails and those that the links in them lead to: `sendOobCode`, `resetPassword` and
//! `update{oobCode}`. With e-mail privacy, whether an address has an account cannot be learned from any of them.

use reqwest::Url;
use serde_json::{Value, json};

use super::Identity;
use super::account::{Account, PASSWORD, SignIn};
use super::calls::{self, Fields, email, enter, given};
use super::error::Error;
use super::oob::{self, Kind, Mail};
use super::password::Hash;
use super::policy;
use super::second::Factor;
use super::sign_in::check_password;

/// `accounts:sendOobCode`.
pub(super) fn send(identity: &Identity, fields: &Fields, base: &str) -> Result<Value, Error> {
    let kind = kind(fields)?;
    let privacy = identity.project.settings().email_privacy;
    let letter = |account: Option<&Account>, email: &str, new_email: Option<String>| Letter {
        kind,
        tenant: fields.tenant_id().map(str::to_owned),
        local_id: account.map(|account| account.local_id.clone()),
        email: email.to_owned(),
        new_email,
        continue_url: given(&fields.continue_url).map(str::to_owned),
        factor: None,
        silent: false,
    };
    continue_url(fields)?;
    let answered = match kind {
        Kind::VerifyEmail => {
            let account = of_token(identity, fields)?;
            let email = account.email.clone().ok_or(Error::Code("MISSING_EMAIL"))?;
            write(identity, letter(Some(&account), &email, None).of(&account), base)?;
            email
        }
        Kind::ChangeEmail => {
            let account = of_token(identity, fields)?;
            let new = email(fields.new_email.as_deref()).map_err(|error| match error {
                Error::Code("MISSING_EMAIL") => Error::Code("MISSING_NEW_EMAIL"),
                other => other,
            })?;
            let taken = identity.accounts.by_email(account.tenant.as_deref(), &new);
            match (taken, privacy) {
                (Some(_), true) => {} // a taken address gets no mail, and the answer does not tell
                (Some(_), false) => return Err(Error::Code("EMAIL_EXISTS")),
                (None, _) => {
                    let letter = letter(Some(&account), account.address(), Some(new));
                    drop(write(identity, letter.of(&account), base)?);
                }
            }
            account.address().to_owned()
        }
        Kind::ResetPassword => {
            let (tenant, _) = calls::tenant(identity, fields)?;
            let email = email(fields.email.as_deref())?;
            match identity.accounts.by_email(tenant, &email) {
                Some(account) => drop(write(identity, letter(Some(&account), &email, None), base)?),
                None if privacy => {}
                None => return Err(Error::Code("EMAIL_NOT_FOUND")),
            }
            email
        }
        Kind::SignIn => {
            let (_, allowed) = calls::tenant(identity, fields)?;
            if !allowed.enable_email_link_signin {
                return Err(Error::Code("OPERATION_NOT_ALLOWED"));
            }
            let email = email(fields.email.as_deref())?;
            write(identity, letter(None, &email, None), base)?;
            email
        }
        Kind::RecoverEmail | Kind::RevertSecondStep => {
            return Err(Error::Code("INVALID_REQ_TYPE")); // only we send them
        }
    };
    Ok(json!({ "kind": SENT, "email": answered }))
}

/// The answer to every mail that was sent, or not.
pub(super) const SENT: &str = "identitytoolkit#GetOobConfirmationCodeResponse";

/// What a mail is to be for.
pub(super) fn kind(fields: &Fields) -> Result<Kind, Error> {
    match given(&fields.request_type) {
        None => Err(Error::Code("MISSING_REQ_TYPE")),
        Some(name) => Kind::of(name).ok_or(Error::Code("INVALID_REQ_TYPE")),
    }
}

/// A page to go on to is a whole URL.
pub(super) fn continue_url(fields: &Fields) -> Result<(), Error> {
    match given(&fields.continue_url).map(Url::parse) {
        Some(Ok(url)) if url.has_host() => Ok(()),
        Some(_) => Err(Error::Code("INVALID_CONTINUE_URI")),
        None => Ok(()),
    }
}

fn of_token(identity: &Identity, fields: &Fields) -> Result<Account, Error> {
    calls::session(identity, fields).map(|(account, _)| account)
}

/// A mail before it has its code.
pub(super) struct Letter {
    pub(super) kind: Kind,
    pub(super) tenant: Option<String>,
    pub(super) local_id: Option<String>,
    pub(super) email: String,
    pub(super) new_email: Option<String>,
    pub(super) continue_url: Option<String>,
    pub(super) factor: Option<Factor>,
    /// Whoever asked has the link: no mail is sent.
    pub(super) silent: bool,
}

impl Letter {
    /// The tenant is the account's.
    fn of(self, account: &Account) -> Letter {
        Letter {
            tenant: account.tenant.clone(),
            ..self
        }
    }
}

/// Makes the code and the link, and keeps the mail for the outbox.
pub(super) fn write(identity: &Identity, letter: Letter, base: &str) -> Result<Mail, Error> {
    let mail = made(identity, letter, base)?;
    identity.mails.send(mail.clone());
    Ok(mail)
}

fn made(identity: &Identity, letter: Letter, base: &str) -> Result<Mail, Error> {
    let code = oob::code()?;
    let mut query = vec![
        ("mode", letter.kind.mode()),
        ("oobCode", &code),
        ("apiKey", "demo-key"),
        ("lang", "en"),
    ];
    if let Some(url) = &letter.continue_url {
        query.push(("continueUrl", url));
    }
    if let Some(tenant) = &letter.tenant {
        query.push(("tenantId", tenant));
    }
    let own = format!("{base}{}", super::action::PATH);
    let page = identity.action_url.as_ref().unwrap_or(&own);
    let link = Url::parse_with_params(page, query)
        .map_err(|error| Error::Internal(format!("the action URL {page:?}: {error}")))?;
    Ok(Mail {
        kind: letter.kind,
        tenant: letter.tenant,
        local_id: letter.local_id,
        email: letter.email,
        new_email: letter.new_email,
        factor: letter.factor,
        link: link.into(),
        code,
        sent: identity.clock.codes(),
        silent: letter.silent,
        used: false,
    })
}

/// `accounts:resetPassword`: with a code alone what the code is for, with a password too a new password; or an
/// address, the old password and a new one, without a code.
pub(super) fn reset(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let Some(code) = given(&fields.oob_code) else {
        return exchange_password(identity, fields);
    };
    let mail = identity.mails.look(code, identity.clock.codes())?;
    if fields.tenant_id().is_some() && fields.tenant_id() != mail.tenant.as_deref() {
        return Err(Error::Code("TENANT_ID_MISMATCH"));
    }
    if let Some(password) = &fields.new_password {
        if mail.kind != Kind::ResetPassword {
            return Err(Error::Code("INVALID_OOB_CODE"));
        }
        let hash = Hash::new(password)?;
        policy::check(identity, password)?; // a password that is refused does not use the code up
        identity.mails.take(code, identity.clock.codes())?;
        let now = identity.clock.tokens();
        let account = change(identity, &mail, |account| {
            account.set_password(hash, now);
            account.email_verified = true; // who reads its mail has the address
        })?;
        identity
            .throttle
            .forgive(account.tenant.as_deref(), account.address());
    }
    let mut answer =
        json!({ "kind": "identitytoolkit#ResetPasswordResponse", "requestType": mail.kind.name() });
    if mail.kind != Kind::SignIn {
        answer["email"] = mail.email.into();
    }
    if let Some(new) = mail.new_email {
        answer["newEmail"] = new.into();
    }
    if let Some(factor) = mail.factor {
        answer["mfaInfo"] = factor.shown();
    }
    Ok(answer)
}

fn exchange_password(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (Some(old), Some(new)) = (given(&fields.old_password), given(&fields.new_password)) else {
        return Err(Error::Code("MISSING_OOB_CODE"));
    };
    let (tenant, _) = calls::tenant(identity, fields)?;
    let email = email(fields.email.as_deref())?;
    let account = check_password(identity, tenant, &email, old)?;
    let hash = Hash::new(new)?;
    policy::check(identity, new)?;
    let now = identity.clock.tokens();
    identity
        .accounts
        .update(&account.local_id, |account| account.set_password(hash, now))?;
    Ok(
        json!({ "kind": "identitytoolkit#ResetPasswordResponse", "email": email,
        "requestType": Kind::ResetPassword.name() }),
    )
}

/// `accounts:signInWithEmailLink`: whoever reads an address's mail is its user, an old one or a new one. With an
/// ID token, the user of the token gets the address.
pub(super) fn sign_in(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let session = match given(&fields.id_token) {
        Some(_) => Some(calls::session(identity, fields)?.0),
        None => None,
    };
    let (named, allowed) = calls::tenant(identity, fields)?;
    if !allowed.enable_email_link_signin {
        return Err(Error::Code("OPERATION_NOT_ALLOWED"));
    }
    let email = email(fields.email.as_deref())?;
    let code = given(&fields.oob_code).ok_or(Error::Code("MISSING_OOB_CODE"))?;
    let mail = identity.mails.look(code, identity.clock.codes())?;
    if mail.kind != Kind::SignIn {
        return Err(Error::Code("INVALID_OOB_CODE"));
    }
    if mail.email != email {
        return Err(Error::Code(
            "INVALID_EMAIL : The email provided does not match the sign-in email address.",
        ));
    }
    let tenant = session
        .as_ref()
        .map_or(named, |account| account.tenant.as_deref());
    let tenant = tenant.map(str::to_owned);
    let tenant = tenant.as_deref();
    if mail.tenant.as_deref() != tenant {
        return Err(Error::Code("TENANT_ID_MISMATCH"));
    }
    let known = identity.accounts.by_email(tenant, &email);
    if known.as_ref().is_some_and(|account| account.disabled) {
        return Err(Error::Code("USER_DISABLED"));
    }
    if let (Some(session), Some(known)) = (&session, &known)
        && session.local_id != known.local_id
    {
        return Err(Error::Code("EMAIL_EXISTS"));
    }
    identity.mails.take(code, identity.clock.codes())?;
    let known = session.or(known);
    let is_new = known.is_none();
    let now = identity.clock.tokens();
    let account = match known {
        Some(account) => account,
        None => {
            let account = Account {
                email: Some(email.clone()),
                ..Account::new(tenant, now)?
            };
            identity.accounts.add(account.clone())?;
            account
        }
    };
    let account = identity.accounts.update(&account.local_id, |account| {
        account.email = Some(email);
        account.email_verified = true;
        account.email_link = true;
    })?;
    let kind = "identitytoolkit#EmailLinkSigninResponse";
    let mut answer = enter(identity, &account, kind, SignIn::with(PASSWORD))?;
    answer["isNewUser"] = is_new.into();
    Ok(answer)
}

/// Tells the address of an account that it has a second step, so that one whose account was taken can undo it.
pub(super) fn second_step_added(
    identity: &Identity,
    account: &Account,
    factor: &Factor,
    base: &str,
) -> Result<(), Error> {
    let letter = Letter {
        kind: Kind::RevertSecondStep,
        tenant: account.tenant.clone(),
        local_id: Some(account.local_id.clone()),
        email: account.address().to_owned(),
        new_email: None,
        continue_url: None,
        factor: Some(factor.clone()),
        silent: false,
    };
    write(identity, letter, base).map(drop)
}

/// `accounts:update{oobCode}`: the address is verified, changed or changed back, or a
/// second step is removed.
pub(super) fn apply(identity: &Identity, code: &str, base: &str) -> Result<Value, Error> {
    let mail = identity.mails.look(code, identity.clock.codes())?;
    if matches!(mail.kind, Kind::ResetPassword | Kind::SignIn) {
        return Err(Error::Code("INVALID_OOB_CODE"));
    }
    let mail = identity.mails.take(code, identity.clock.codes())?;
    let now = identity.clock.tokens();
    let account = match (mail.kind, mail.new_email.clone()) {
        (Kind::ChangeEmail, Some(new)) => {
            let account = change(identity, &mail, |account| account.set_email(&new, true, now))?;
            // the old address hears of it and can undo it
            let undo = Letter {
                kind: Kind::RecoverEmail,
                tenant: mail.tenant,
                local_id: mail.local_id,
                email: mail.email,
                new_email: Some(new),
                continue_url: None,
                factor: None,
                silent: false,
            };
            write(identity, undo, base)?;
            account
        }
        (Kind::RevertSecondStep, _) => {
            let id = mail.factor.as_ref().map(|factor| factor.id.clone());
            change(identity, &mail, |account| {
                account.factors.retain(|factor| Some(&factor.id) != id.as_ref());
                account.end_sessions(now); // whoever added it is signed in
            })?
        }
        (Kind::RecoverEmail, _) => change(identity, &mail, |account| {
            account.set_email(&mail.email, true, now);
        })?,
        _ => change(identity, &mail, |account| account.email_verified = true)?,
    };
    Ok(json!({
        "kind": "identitytoolkit#SetAccountInfoResponse",
        "localId": account.local_id, "email": account.address(), "emailVerified": account.email_verified,
        "providerUserInfo": account.provider_info(),
    }))
}

fn change(identity: &Identity, mail: &Mail, act: impl FnOnce(&mut Account)) -> Result<Account, Error> {
    let local_id = mail.local_id.as_deref().ok_or(Error::Code("INVALID_OOB_CODE"))?;
    identity.accounts.update(local_id, act)
}
