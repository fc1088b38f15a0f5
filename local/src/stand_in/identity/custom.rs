//! `signInWithCustomToken`: the project's own server says who somebody is. It signs with a key that nobody here
//! has, so the signature is not checked; everything else is.

use serde_json::{Map, Value};

use super::Identity;
use super::account::{Account, CUSTOM, SignIn};
use super::calls::{self, Fields, enter, given};
use super::claims;
use super::compact;
use super::error::Error;

const AUDIENCE: &str =
    "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit";
/// Seconds between `iat` and `exp` at most, as in production.
const LONGEST: u64 = 3600;

/// `accounts:signInWithCustomToken`.
pub(super) fn sign_in(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let token = given(&fields.token).ok_or(Error::Code("MISSING_CUSTOM_TOKEN"))?;
    let (tenant, _) = calls::tenant(identity, fields)?;
    let payload =
        compact::claims(token).ok_or(Error::Code("INVALID_CUSTOM_TOKEN : Invalid assertion format"))?;
    // plain JSON, as the emulator takes it, is made by hand and has neither audience nor times
    if !token.starts_with('{') {
        check(&payload, identity.clock.tokens())?;
    }
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    if text("tenant_id") != tenant {
        return Err(Error::Code("TENANT_ID_MISMATCH"));
    }
    let uid = text("uid").or(text("user_id")).filter(|uid| !uid.is_empty());
    let uid = uid.ok_or(Error::Code("MISSING_IDENTIFIER"))?;
    if uid.len() > 128 {
        return Err(Error::Code(
            "INVALID_CUSTOM_TOKEN : The uid is longer than 128 characters",
        ));
    }
    let mut sign_in = SignIn::with(CUSTOM);
    if let Some(given) = payload.get("claims") {
        sign_in.claims = claims::allowed(given)?;
    }
    let known = identity.accounts.get(uid);
    let is_new = known.is_none();
    match known {
        Some(account) if account.tenant.as_deref() != tenant => {
            return Err(Error::Code("TENANT_ID_MISMATCH"));
        }
        Some(_) => {}
        None => identity.accounts.add(Account {
            local_id: uid.to_owned(),
            ..Account::new(tenant, identity.clock.tokens())?
        })?,
    }
    let account = identity
        .accounts
        .update(uid, |account| account.custom_auth = true)?;
    let kind = "identitytoolkit#VerifyCustomTokenResponse";
    let mut answer = enter(identity, &account, kind, sign_in)?;
    answer["isNewUser"] = is_new.into();
    Ok(answer)
}

fn check(payload: &Map<String, Value>, now: u64) -> Result<(), Error> {
    let refused = |why: &str| Err(Error::Said(format!("INVALID_CUSTOM_TOKEN : {why}")));
    let number = |name: &str| payload.get(name).and_then(Value::as_u64);
    if payload.get("aud").and_then(Value::as_str) != Some(AUDIENCE) {
        return refused("The audience is not that of a custom token; an ID token is none");
    }
    match (number("iat"), number("exp")) {
        (Some(issued), Some(expires)) if expires > now && expires.saturating_sub(issued) <= LONGEST => Ok(()),
        (Some(_), Some(expires)) if expires <= now => refused("The token has expired"),
        _ => refused("iat and exp must be there, at most an hour apart"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_custom_token_has_its_audience_and_its_time() {
        let token = |claims: Value| claims.as_object().cloned().unwrap();
        let good = json!({ "aud": AUDIENCE, "iat": 1000, "exp": 4600 });
        assert!(check(&token(good), 4599).is_ok());
        for (claims, why) in [
            (
                json!({ "aud": "demo-acme", "iat": 1000, "exp": 4600 }),
                "audience",
            ),
            (json!({ "aud": AUDIENCE, "iat": 1000, "exp": 2000 }), "expired"),
            (json!({ "aud": AUDIENCE, "iat": 1000, "exp": 4601 }), "hour"),
            (json!({ "aud": AUDIENCE }), "must be there"),
        ] {
            let error = check(&token(claims.clone()), 2000);
            assert!(format!("{error:?}").contains(why), "{claims}: {error:?}");
        }
    }
}
