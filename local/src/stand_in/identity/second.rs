//! The second step: enrolled by a signed-in user, asked for at every sign-in from then on, withdrawn.
//! Time-based codes only; text messages need a browser's reCAPTCHA.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::accounts::{Account, URL_SAFE, random_text};
use super::calls::{self, signed_in};
use super::error::Error;
use super::{Identity, totp};
use crate::stand_in::key::now;

/// A second step of an account.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Factor {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) enrolled_at: u64,
    /// Base32.
    secret: String,
    /// The step of the last code that was used.
    last: u64,
}

impl Factor {
    /// As its owner sees it.
    pub(super) fn shown(&self) -> Value {
        json!({ "mfaEnrollmentId": self.id, "displayName": self.name, "enrolledAt": self.enrolled_at.to_string(),
            "totpInfo": {} })
    }
}

/// What was begun and waits for a code: enrolments and sign-ins.
#[derive(Default)]
pub(super) struct Begun(Mutex<HashMap<String, Step>>);

#[derive(Clone)]
struct Step {
    local_id: String,
    /// The secret of an enrolment; none for a sign-in.
    secret: Option<String>,
    until: u64,
}

impl Begun {
    fn add(&self, local_id: &str, secret: Option<String>, until: u64) -> Result<String, Error> {
        let ticket = random_text(40, URL_SAFE)?;
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() >= MOST {
            steps.clear(); // whoever was at it starts again
        }
        let local_id = local_id.to_owned();
        let step = Step {
            local_id,
            secret,
            until,
        };
        steps.insert(ticket.clone(), step);
        Ok(ticket)
    }

    fn get(&self, ticket: &str, now: u64) -> Option<Step> {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.get(ticket).filter(|step| step.until > now).cloned()
    }

    fn end(&self, ticket: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(ticket);
    }
}

/// The fields of all of its calls.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fields {
    id_token: Option<String>,
    display_name: Option<String>,
    mfa_pending_credential: Option<String>,
    mfa_enrollment_id: Option<String>,
    totp_enrollment_info: Option<Value>,
    totp_verification_info: Option<Verification>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Verification {
    session_info: String,
    verification_code: String,
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
    let answer = match call.as_str() {
        "mfaEnrollment:start" => start(&identity, &fields),
        "mfaEnrollment:finalize" => finalize(&identity, &fields),
        "mfaEnrollment:withdraw" => withdraw(&identity, &fields),
        "mfaSignIn:finalize" => sign_in(&identity, &fields),
        _ => Err(Error::NotImplemented),
    };
    answer.map(Json)
}

/// The first step was right; the answer to it asks for the second.
pub(super) fn pending(identity: &Identity, account: &Account) -> Result<Value, Error> {
    let ticket = identity
        .begun
        .add(&account.local_id, None, identity.now() + SIGN_IN)?;
    let factors: Vec<Value> = account.factors.iter().map(Factor::shown).collect();
    Ok(json!({
        "kind": "identitytoolkit#VerifyPasswordResponse", "localId": account.local_id, "email": account.email,
        "registered": true, "mfaPendingCredential": ticket, "mfaInfo": factors,
    }))
}

fn start(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (account, auth_time) = owner(identity, fields)?;
    if fields.totp_enrollment_info.is_none() {
        return Err(Error::Code("INVALID_ARGUMENT : MFA provider not supported!"));
    }
    if !account.email_verified {
        return Err(Error::Code("UNVERIFIED_EMAIL"));
    }
    if now() > auth_time + RECENT {
        return Err(Error::Code("CREDENTIAL_TOO_OLD_LOGIN_AGAIN"));
    }
    if !account.factors.is_empty() {
        return Err(Error::Code("SECOND_FACTOR_EXISTS"));
    }
    let mut secret = [0_u8; 20];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| Error::Internal("no random bytes".to_owned()))?;
    let secret = totp::base32(&secret);
    let until = identity.now() + ENROLMENT;
    let ticket = identity
        .begun
        .add(&account.local_id, Some(secret.clone()), until)?;
    Ok(json!({ "totpSessionInfo": {
        "sharedSecretKey": secret, "verificationCodeLength": totp::DIGITS, "hashingAlgorithm": "SHA1",
        "periodSec": totp::PERIOD, "sessionInfo": ticket, "finalizeEnrollmentTime": until.to_string(),
    } }))
}

fn finalize(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (account, _) = owner(identity, fields)?;
    let given = fields
        .totp_verification_info
        .as_ref()
        .ok_or(Error::Code("MISSING_SESSION_INFO"))?;
    let step = identity.begun.get(&given.session_info, identity.now());
    let step = step.filter(|step| step.local_id == account.local_id);
    let secret = step
        .and_then(|step| step.secret)
        .ok_or(Error::Code("SESSION_EXPIRED"))?;
    let last = check(identity, &secret, &given.verification_code, 0)?;
    identity.begun.end(&given.session_info);
    let factor = Factor {
        id: random_text(28, URL_SAFE)?,
        name: fields.display_name.clone().unwrap_or_default(),
        enrolled_at: now(),
        secret,
        last,
    };
    let id = factor.id.clone();
    let account = identity
        .accounts
        .update(&account.local_id, |account| account.factors.push(factor))?;
    let mut answer = tokens(identity, &account, Some(&id))?;
    answer["totpAuthInfo"] = json!({});
    Ok(answer)
}

fn sign_in(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let ticket = fields
        .mfa_pending_credential
        .as_deref()
        .filter(|ticket| !ticket.is_empty());
    let ticket = ticket.ok_or(Error::Code("MISSING_MFA_PENDING_CREDENTIAL"))?;
    let id = fields.mfa_enrollment_id.as_deref().filter(|id| !id.is_empty());
    let id = id.ok_or(Error::Code("MISSING_MFA_ENROLLMENT_ID"))?;
    let step = identity
        .begun
        .get(ticket, identity.now())
        .filter(|step| step.secret.is_none());
    let step = step.ok_or(Error::Code("INVALID_MFA_PENDING_CREDENTIAL"))?;
    let account = identity
        .accounts
        .get(&step.local_id)
        .ok_or(Error::Code("USER_NOT_FOUND"))?;
    let factor = account.factors.iter().find(|factor| factor.id == id);
    let factor = factor.ok_or(Error::Code("MFA_ENROLLMENT_NOT_FOUND"))?;
    if identity.throttle.is_locked(&account.email) {
        return Err(Error::Code("TOO_MANY_ATTEMPTS_TRY_LATER"));
    }
    let typed = fields
        .totp_verification_info
        .as_ref()
        .map_or("", |given| &given.verification_code);
    let last = check(identity, &factor.secret, typed, factor.last)
        .inspect_err(|_| identity.throttle.wrong(&account.email))?;
    identity.throttle.forgive(&account.email);
    identity.begun.end(ticket);
    let account = identity.accounts.update(&account.local_id, |account| {
        if let Some(factor) = account.factors.iter_mut().find(|factor| factor.id == id) {
            factor.last = last;
        }
    })?;
    if account.disabled {
        return Err(Error::Code("USER_DISABLED"));
    }
    tokens(identity, &account, Some(id))
}

fn withdraw(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let (account, _) = owner(identity, fields)?;
    let id = fields.mfa_enrollment_id.as_deref().unwrap_or_default();
    if !account.factors.iter().any(|factor| factor.id == id) {
        return Err(Error::Code("MFA_ENROLLMENT_NOT_FOUND"));
    }
    let account = identity.accounts.update(&account.local_id, |account| {
        account.factors.retain(|factor| factor.id != id);
    })?;
    tokens(identity, &account, None)
}

/// The account of the ID token, and when it signed in.
fn owner(identity: &Identity, fields: &Fields) -> Result<(Account, u64), Error> {
    let token = fields.id_token.as_deref().filter(|token| !token.is_empty());
    let token = token.ok_or(Error::Code("MISSING_ID_TOKEN"))?;
    let account = identity.account_of(token)?;
    let auth_time = identity
        .key
        .claims(token)
        .and_then(|claims| claims.get("auth_time")?.as_u64());
    Ok((account, auth_time.unwrap_or_default()))
}

fn check(identity: &Identity, secret: &str, typed: &str, last: u64) -> Result<u64, Error> {
    let secret =
        totp::of_base32(secret).ok_or_else(|| Error::Internal("a secret that is none".to_owned()))?;
    totp::accept(&secret, typed, identity.now(), last).ok_or(Error::Code("INVALID_CODE"))
}

/// Only the two tokens, as production answers here.
fn tokens(identity: &Identity, account: &Account, factor: Option<&str>) -> Result<Value, Error> {
    let full = signed_in(identity, account, "", factor)?;
    Ok(json!({ "idToken": full["idToken"], "refreshToken": full["refreshToken"] }))
}

/// Seconds for the second step of a sign-in.
const SIGN_IN: u64 = 300;
/// Seconds for an enrolment.
const ENROLMENT: u64 = 600;
/// Seconds after a sign-in in which a second step may be added.
const RECENT: u64 = 300;
/// Steps that wait at a time.
const MOST: usize = 10_000;
