//! The second step: enrolled by a signed-in user, asked for at every sign-in from then on, withdrawn. A code of
//! an app, or a text message that nobody sends: tests read it from `verificationCodes`.

mod begun;
mod factor;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use self::begun::Begun;
use self::begun::What;
pub(super) use self::factor::Factor;
use super::account::{ANONYMOUS, Account, CUSTOM, PHONE, SignIn};
use super::calls::{self, given, in_background, session_of, signed_in};
use super::error::Error;
use super::time::rfc3339;
use super::{Identity, mail, phone, totp};

/// The fields of all of its calls.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    id_token: Option<String>,
    tenant_id: Option<String>,
    display_name: Option<String>,
    mfa_pending_credential: Option<String>,
    mfa_enrollment_id: Option<String>,
    totp_enrollment_info: Option<Value>,
    totp_verification_info: Option<Verification>,
    phone_enrollment_info: Option<Number>,
    phone_sign_in_info: Option<Value>,
    phone_verification_info: Option<phone::Typed>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Verification {
    session_info: String,
    verification_code: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Number {
    phone_number: Option<String>,
}

/// `v2/accounts/CALL` with an API key.
pub(super) async fn with_key(
    State(identity): State<Arc<Identity>>,
    Path(call): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    calls::api_key(&uri, &headers)?;
    let fields: Fields = calls::read(&body)?;
    let base = calls::base_url(&identity, &headers)?;
    let work = move || match call.as_str() {
        "mfaEnrollment:start" => start(&identity, &fields),
        "mfaEnrollment:finalize" => finalize(&identity, &fields, &base),
        "mfaEnrollment:withdraw" => withdraw(&identity, &fields),
        "mfaSignIn:start" => call_up(&identity, &fields),
        "mfaSignIn:finalize" => sign_in(&identity, &fields),
        _ => Err(Error::NotImplemented),
    };
    in_background(work).await.map(Json)
}

/// The first step was right; the answer to it asks for the second.
pub(super) fn pending(
    identity: &Identity,
    account: &Account,
    kind: &str,
    sign_in: SignIn,
) -> Result<Value, Error> {
    let until = identity.clock.codes() + SIGN_IN;
    let ticket = identity
        .begun
        .add(&account.local_id, What::SignIn(sign_in), until)?;
    let factors: Vec<Value> = account.factors.iter().map(Factor::shown).collect();
    Ok(json!({
        "kind": kind, "localId": account.local_id, "email": account.address(),
        "mfaPendingCredential": ticket, "mfaInfo": factors,
    }))
}

fn start(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (account, sign_in) = session(identity, fields)?;
    if fields.totp_enrollment_info.is_none() && fields.phone_enrollment_info.is_none() {
        return Err(Error::Code("INVALID_ARGUMENT : MFA provider not supported!"));
    }
    if [ANONYMOUS, CUSTOM, PHONE].contains(&sign_in.provider.as_str()) {
        return Err(Error::Code(
            "UNSUPPORTED_FIRST_FACTOR : MFA is not available for the given first factor.",
        ));
    }
    if !account.email_verified {
        return Err(Error::Code(
            "UNVERIFIED_EMAIL : Need to verify email first before enrolling second factors.",
        ));
    }
    calls::recent(identity, &sign_in)?;
    if let Some(number) = &fields.phone_enrollment_info {
        let number = phone::number(number.phone_number.as_deref())?;
        if account
            .factors
            .iter()
            .any(|factor| factor.phone.as_ref() == Some(&number))
        {
            return Err(Error::Code(
                "SECOND_FACTOR_EXISTS : Phone number already enrolled as second factor for this account.",
            ));
        }
        if account.factors.len() >= MOST_FACTORS {
            return Err(Error::Code("SECOND_FACTOR_LIMIT_EXCEEDED"));
        }
        let session = identity.messages.send(number, identity.clock.codes())?;
        return Ok(json!({ "phoneSessionInfo": { "sessionInfo": session } }));
    }
    if account.factors.iter().any(|factor| factor.phone.is_none()) {
        return Err(Error::Code("SECOND_FACTOR_EXISTS"));
    }
    let mut secret = [0_u8; 20];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| Error::Internal("no random bytes".to_owned()))?;
    let secret = totp::base32(&secret);
    let until = identity.clock.codes() + ENROLMENT;
    let ticket = identity
        .begun
        .add(&account.local_id, What::Enrolment(secret.clone()), until)?;
    Ok(json!({ "totpSessionInfo": {
        "sharedSecretKey": secret, "verificationCodeLength": totp::DIGITS, "hashingAlgorithm": "SHA1",
        "periodSec": totp::PERIOD, "sessionInfo": ticket, "finalizeEnrollmentTime": rfc3339(until),
    } }))
}

fn finalize(identity: &Identity, fields: &Fields, base: &str) -> Result<Value, Error> {
    let (account, mut sign_in) = session(identity, fields)?;
    let name = fields.display_name.clone().unwrap_or_default();
    let now = identity.clock.tokens();
    let (factor, info) = match &fields.phone_verification_info {
        Some(typed) => {
            let number = identity.messages.check(typed, identity.clock.codes())?;
            (Factor::phone(number, name, now)?, "phoneAuthInfo")
        }
        None => (app(identity, fields, &account, name)?, "totpAuthInfo"),
    };
    sign_in.factor = Some(factor.id.clone());
    let added = factor.clone();
    let account = identity
        .accounts
        .update(&account.local_id, |account| account.factors.push(factor))?;
    mail::second_step_added(identity, &account, &added, base)?;
    let mut answer = tokens(identity, &account, sign_in)?;
    answer[info] = json!({});
    Ok(answer)
}

/// The app that shows the right code for the secret it was given.
fn app(identity: &Identity, fields: &Fields, account: &Account, name: String) -> Result<Factor, Error> {
    let given = fields
        .totp_verification_info
        .as_ref()
        .ok_or(Error::Code("MISSING_SESSION_INFO"))?;
    let step = identity
        .begun
        .get(&given.session_info, identity.clock.codes())
        .filter(|step| step.local_id == account.local_id);
    let Some(What::Enrolment(secret)) = step.map(|step| step.what) else {
        return Err(Error::Code("SESSION_EXPIRED"));
    };
    let last = check(identity, &secret, &given.verification_code, 0)?;
    identity.begun.end(&given.session_info);
    Factor::app(secret, name, identity.clock.tokens(), last)
}

/// The account of a sign-in that waits for its second step, and its first one.
fn waiting(identity: &Identity, ticket: &str) -> Result<(Account, SignIn), Error> {
    let step = identity.begun.get(ticket, identity.clock.codes());
    let Some((What::SignIn(sign_in), local_id)) = step.map(|step| (step.what, step.local_id)) else {
        return Err(Error::Code("INVALID_MFA_PENDING_CREDENTIAL"));
    };
    let account = identity
        .accounts
        .get(&local_id)
        .ok_or(Error::Code("USER_NOT_FOUND"))?;
    Ok((account, sign_in))
}

fn enrolled<'a>(account: &'a Account, fields: &Fields) -> Result<&'a Factor, Error> {
    let id = given(&fields.mfa_enrollment_id).ok_or(Error::Code("MISSING_MFA_ENROLLMENT_ID"))?;
    let factor = account.factors.iter().find(|factor| factor.id == id);
    factor.ok_or(Error::Code("MFA_ENROLLMENT_NOT_FOUND"))
}

/// `mfaSignIn:start`: the telephone gets its text message.
fn call_up(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let ticket =
        given(&fields.mfa_pending_credential).ok_or(Error::Code("MISSING_MFA_PENDING_CREDENTIAL"))?;
    let (account, _) = waiting(identity, ticket)?;
    let number = enrolled(&account, fields)?.phone.clone();
    let number = number.ok_or(Error::Code("INVALID_ARGUMENT : MFA provider not supported!"))?;
    if fields.phone_sign_in_info.is_none() {
        return Err(Error::Code("INVALID_ARGUMENT : Missing phoneSignInInfo."));
    }
    let session = identity.messages.send(number, identity.clock.codes())?;
    Ok(json!({ "phoneResponseInfo": { "sessionInfo": session } }))
}

fn sign_in(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let ticket =
        given(&fields.mfa_pending_credential).ok_or(Error::Code("MISSING_MFA_PENDING_CREDENTIAL"))?;
    let (account, sign_in) = match &fields.phone_verification_info {
        Some(typed) => {
            let (account, mut sign_in) = waiting(identity, ticket)?;
            let number = identity.messages.check(typed, identity.clock.codes())?;
            let factor = account
                .factors
                .iter()
                .find(|factor| factor.phone.as_ref() == Some(&number));
            let factor = factor.ok_or(Error::Code("MFA_ENROLLMENT_NOT_FOUND"))?;
            sign_in.factor = Some(factor.id.clone());
            (account, sign_in)
        }
        None => with_app(identity, fields, ticket)?,
    };
    identity.begun.end(ticket);
    if account.disabled {
        return Err(Error::Code("USER_DISABLED"));
    }
    tokens(identity, &account, sign_in)
}

fn with_app(identity: &Identity, fields: &Fields, ticket: &str) -> Result<(Account, SignIn), Error> {
    if given(&fields.mfa_enrollment_id).is_none() {
        return Err(Error::Code("MISSING_MFA_ENROLLMENT_ID"));
    }
    let (account, mut sign_in) = waiting(identity, ticket)?;
    let factor = enrolled(&account, fields)?;
    let tenant = account.tenant.as_deref();
    if identity.throttle.is_locked(tenant, account.address()) {
        return Err(Error::Code("TOO_MANY_ATTEMPTS_TRY_LATER"));
    }
    let typed = fields
        .totp_verification_info
        .as_ref()
        .map_or("", |given| &given.verification_code);
    let last = check(identity, &factor.secret, typed, factor.last)
        .inspect_err(|_| identity.throttle.wrong(tenant, account.address()))?;
    identity.throttle.forgive(tenant, account.address());
    let id = factor.id.clone();
    let account = identity.accounts.update(&account.local_id, |account| {
        if let Some(factor) = account.factors.iter_mut().find(|factor| factor.id == id) {
            factor.last = last;
        }
    })?;
    sign_in.factor = Some(id);
    Ok((account, sign_in))
}

fn withdraw(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (account, mut sign_in) = session(identity, fields)?;
    let id = enrolled(&account, fields)?.id.clone();
    let account = identity.accounts.update(&account.local_id, |account| {
        account.factors.retain(|factor| factor.id != id);
    })?;
    sign_in.factor = None;
    tokens(identity, &account, sign_in)
}

fn session(identity: &Identity, fields: &Fields) -> Result<(Account, SignIn), Error> {
    session_of(identity, &fields.id_token, given(&fields.tenant_id))
}

fn check(identity: &Identity, secret: &str, typed: &str, last: u64) -> Result<u64, Error> {
    let secret =
        totp::of_base32(secret).ok_or_else(|| Error::Internal("a secret that is none".to_owned()))?;
    totp::accept(&secret, typed, identity.clock.codes(), last).ok_or(Error::Code("INVALID_CODE"))
}

/// Only the two tokens, as production answers here.
fn tokens(identity: &Identity, account: &Account, sign_in: SignIn) -> Result<Value, Error> {
    let full = signed_in(identity, account, "", sign_in)?;
    Ok(json!({ "idToken": full["idToken"], "refreshToken": full["refreshToken"] }))
}

/// Seconds for the second step of a sign-in.
const SIGN_IN: u64 = 300;
/// Seconds for an enrolment.
const ENROLMENT: u64 = 600;
/// Second steps of an account.
const MOST_FACTORS: usize = 5;
