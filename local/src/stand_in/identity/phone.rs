//! Text messages that nobody sends: their codes are read from `verificationCodes`. They sign in, or are a
//! second step.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Identity;
use super::account::{Account, PHONE, SignIn};
use super::accounts::{URL_SAFE, random_text};
use super::calls::{enter, given, session_of};
use super::error::Error;

/// Seconds for which a code is good.
const LIFE: u64 = 300;
/// Wrong codes that end a message.
const ATTEMPTS: u32 = 5;
/// Messages that are kept; the oldest goes.
const MOST: usize = 1000;

struct Message {
    session: String,
    number: String,
    code: String,
    until: u64,
    wrong: u32,
}

/// What was sent and not used yet, the oldest first.
#[derive(Default)]
pub(super) struct Messages(Mutex<VecDeque<Message>>);

/// What came back: which message, and the code in it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Typed {
    session_info: Option<String>,
    code: Option<String>,
}

impl Messages {
    /// Sends a code; the session to give it back with.
    pub(super) fn send(&self, number: String, now: u64) -> Result<String, Error> {
        let message = Message {
            session: random_text(40, URL_SAFE)?,
            code: random_text(6, b"0123456789")?,
            until: now + LIFE,
            wrong: 0,
            number,
        };
        let session = message.session.clone();
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() >= MOST {
            messages.pop_front();
        }
        messages.push_back(message);
        Ok(session)
    }

    /// The number that the code was sent to. A code is good once.
    pub(super) fn check(&self, typed: &Typed, now: u64) -> Result<String, Error> {
        let session = given(&typed.session_info).ok_or(Error::Code("MISSING_SESSION_INFO"))?;
        let code = given(&typed.code).ok_or(Error::Code("MISSING_CODE"))?;
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = messages.iter().position(|message| message.session == session);
        let at = at.ok_or(Error::Code("INVALID_SESSION_INFO"))?;
        let message = &mut messages[at];
        if message.until <= now || message.wrong >= ATTEMPTS {
            return Err(Error::Code("SESSION_EXPIRED"));
        }
        if message.code != code {
            message.wrong += 1;
            return Err(Error::Code("INVALID_CODE"));
        }
        let number = message.number.clone();
        messages.remove(at);
        Ok(number)
    }

    /// As the emulator lists them.
    pub(super) fn shown(&self, now: u64) -> Value {
        let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = messages.iter().filter(|message| message.until > now);
        let shown: Vec<Value> = open
            .map(|message| {
                json!({ "phoneNumber": message.number, "sessionInfo": message.session, "code": message.code })
            })
            .collect();
        json!({ "verificationCodes": shown })
    }
}

/// A number as E.164 has it, `+16505550100`; spaces and hyphens are left out.
pub(super) fn number(given: Option<&str>) -> Result<String, Error> {
    let number: String = given
        .unwrap_or_default()
        .chars()
        .filter(|letter| !" -().".contains(*letter))
        .collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    match (5..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        true => Ok(number),
        false => Err(Error::Code("INVALID_PHONE_NUMBER : Invalid format.")),
    }
}

/// The fields of both calls.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Fields {
    phone_number: Option<String>,
    id_token: Option<String>,
    tenant_id: Option<String>,
    session_info: Option<String>,
    code: Option<String>,
}

/// `accounts:sendVerificationCode`. Tenants have none, as in production.
pub(super) fn send(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    no_tenant(fields)?;
    let number = number(fields.phone_number.as_deref())?;
    let session = identity.messages.send(number, identity.clock.codes())?;
    Ok(json!({ "kind": "identitytoolkit#SendVerificationCodeResponse", "sessionInfo": session }))
}

/// `accounts:signInWithPhoneNumber`; with an ID token the user of the token gets the number.
pub(super) fn sign_in(identity: &Identity, fields: Fields) -> Result<Value, Error> {
    no_tenant(&fields)?;
    let session = match given(&fields.id_token) {
        Some(_) => Some(session_of(identity, &fields.id_token, None)?.0),
        None => None,
    };
    if session.as_ref().is_some_and(|account| account.tenant.is_some()) {
        return Err(Error::Code("UNSUPPORTED_TENANT_OPERATION"));
    }
    let typed = Typed {
        session_info: fields.session_info,
        code: fields.code,
    };
    let number = identity.messages.check(&typed, identity.clock.codes())?;
    let known = identity
        .accounts
        .find(|account| account.tenant.is_none() && account.phone_number.as_ref() == Some(&number));
    let is_new = session.is_none() && known.is_none();
    let account = match session.or(known) {
        Some(account) if !account.factors.is_empty() => {
            return Err(Error::Code(
                "UNSUPPORTED_FIRST_FACTOR : A phone number cannot be set as a first factor on an SMS based MFA \
                 user.",
            ));
        }
        Some(account) => identity.accounts.update(&account.local_id, |account| {
            account.phone_number = Some(number.clone());
        })?,
        None => {
            let account = Account {
                phone_number: Some(number.clone()),
                ..Account::new(None, identity.clock.tokens())?
            };
            identity.accounts.add(account.clone())?;
            account
        }
    };
    let kind = "identitytoolkit#SignInWithPhoneNumberResponse";
    let mut answer = enter(identity, &account, kind, SignIn::with(PHONE))?;
    answer["phoneNumber"] = number.into();
    answer["isNewUser"] = is_new.into();
    Ok(answer)
}

fn no_tenant(fields: &Fields) -> Result<(), Error> {
    match given(&fields.tenant_id) {
        Some(_) => Err(Error::Code("UNSUPPORTED_TENANT_OPERATION")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_international() {
        assert_eq!(number(Some("+1 (650) 555-0100")).unwrap(), "+16505550100");
        for wrong in [
            None,
            Some(""),
            Some("650"),
            Some("+"),
            Some("+1a2345"),
            Some("+1234567890123456"),
        ] {
            assert!(number(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_code_is_good_once_and_not_after_five_wrong_ones() {
        let messages = Messages::default();
        let typed = |session: &str, code: &str| Typed {
            session_info: Some(session.to_owned()),
            code: Some(code.to_owned()),
        };
        let session = messages.send("+16505550100".to_owned(), 0).unwrap();
        let code = messages.shown(0)["verificationCodes"][0]["code"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            messages.check(&typed(&session, "wrong"), 0),
            Err(Error::Code("INVALID_CODE"))
        );
        assert_eq!(
            messages.check(&typed(&session, &code), LIFE),
            Err(Error::Code("SESSION_EXPIRED"))
        );
        assert_eq!(
            messages.check(&typed(&session, &code), 0).unwrap(),
            "+16505550100"
        );
        assert_eq!(
            messages.check(&typed(&session, &code), 0),
            Err(Error::Code("INVALID_SESSION_INFO"))
        );
        let session = messages.send("+16505550100".to_owned(), 0).unwrap();
        for _ in 0..ATTEMPTS {
            assert_eq!(
                messages.check(&typed(&session, "wrong"), 0),
                Err(Error::Code("INVALID_CODE"))
            );
        }
        let code = messages.shown(0)["verificationCodes"][0]["code"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            messages.check(&typed(&session, &code), 0),
            Err(Error::Code("SESSION_EXPIRED"))
        );
    }
}
