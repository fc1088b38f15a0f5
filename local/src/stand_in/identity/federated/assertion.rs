//! What a provider says about a user, and the three ways in which `signInWithIdp` hears of it: a return from the
//! provider's page, a word that was kept, or a token that the caller got itself.

use std::collections::BTreeMap;

use reqwest::Url;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::Fields;
use super::attempts::Attempt;
use crate::stand_in::identity::Identity;
use crate::stand_in::identity::account::Link;
use crate::stand_in::identity::calls::{email, given};
use crate::stand_in::identity::compact;
use crate::stand_in::identity::error::Error;

pub(super) const KIND: &str = "identitytoolkit#VerifyAssertionResponse";

/// A provider's word on a user.
#[derive(Clone)]
pub(super) struct Assertion {
    pub(super) link: Link,
    /// Whether the provider has verified the address.
    pub(super) verified: bool,
    claims: Map<String, Value>,
    /// The provider's own tokens, which a caller may want.
    id_token: Option<String>,
    access_token: Option<String>,
    context: Option<String>,
}

impl Assertion {
    /// What an ID token's claims say.
    pub(super) fn of(provider: &str, claims: Map<String, Value>) -> Result<Assertion, Error> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let missing = "INVALID_IDP_RESPONSE : Invalid Idp Response: id_token missing required fields (sub).";
        let raw_id = text("sub").filter(|sub| !sub.is_empty() && sub.len() <= 256);
        let address = text("email").filter(|email| !email.is_empty());
        let address = address.map(|address| email(Some(&address))).transpose();
        Ok(Assertion {
            link: Link {
                provider_id: provider.to_owned(),
                raw_id: raw_id.ok_or(Error::Code(missing))?,
                email: address
                    .map_err(|_| Error::Code("INVALID_IDP_RESPONSE : The e-mail address is none."))?,
                display_name: text("name"),
                photo_url: text("picture"),
            },
            // some providers send it as text
            verified: claims
                .get("email_verified")
                .is_some_and(|verified| *verified == true || *verified == "true"),
            claims,
            id_token: None,
            access_token: None,
            context: None,
        })
    }

    /// With the provider's own tokens.
    pub(super) fn with_tokens(self, id_token: Option<String>, access_token: Option<String>) -> Assertion {
        Assertion {
            id_token,
            access_token,
            ..self
        }
    }

    /// The part of the answer that is the provider's word.
    pub(super) fn shown(&self) -> Value {
        let Link {
            provider_id,
            raw_id,
            email,
            display_name,
            photo_url,
        } = &self.link;
        let claim = |name: &str| self.claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let is_google = provider_id == "google.com";
        let federated = match is_google {
            true => format!("https://accounts.google.com/{raw_id}"),
            false => raw_id.clone(),
        };
        let mut answer = json!({ "kind": KIND, "providerId": provider_id, "federatedId": federated,
            "emailVerified": self.verified, "rawUserInfo": self.raw_user_info(is_google) });
        for (name, value) in [
            ("email", email.clone()),
            ("displayName", display_name.clone()),
            ("fullName", display_name.clone()),
            ("firstName", claim("given_name")),
            ("lastName", claim("family_name")),
            ("screenName", claim("preferred_username")),
            ("photoUrl", photo_url.clone()),
            ("oauthIdToken", self.id_token.clone()),
            ("oauthAccessToken", self.access_token.clone()),
            ("context", self.context.clone()),
        ] {
            if let Some(value) = value {
                answer[name] = value.into();
            }
        }
        if self.access_token.is_some() {
            answer["oauthExpireIn"] = 3600.into();
        }
        answer
    }

    /// The profile as the provider spells it, as text.
    fn raw_user_info(&self, is_google: bool) -> String {
        if !is_google {
            return Value::Object(self.claims.clone()).to_string();
        }
        let mut profile = json!({ "id": self.link.raw_id, "verified_email": self.verified,
            "granted_scopes": "openid https://www.googleapis.com/auth/userinfo.profile \
                               https://www.googleapis.com/auth/userinfo.email" });
        for name in ["name", "given_name", "family_name", "email", "picture", "hd"] {
            if let Some(value) = self.claims.get(name) {
                profile[name] = value.clone();
            }
        }
        profile.to_string()
    }
}

/// Who it is, by what the call carries.
pub(super) fn read(identity: &Identity, fields: &Fields, tenant: Option<&str>) -> Result<Assertion, Error> {
    let uri = given(&fields.request_uri).ok_or(Error::Code("MISSING_REQUEST_URI"))?;
    let uri = Url::parse(uri).map_err(|_| Error::Code("INVALID_REQUEST_URI"))?;
    if let Some(token) = given(&fields.pending_token) {
        let kept = identity.attempts.kept(token, tenant, identity.clock.codes());
        return kept.ok_or(Error::Code("INVALID_PENDING_TOKEN"));
    }
    let parameters = parameters(&uri, fields.post_body.as_deref().unwrap_or_default());
    let get = |name: &str| {
        let value = parameters.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    };
    match (get("error"), get("state")) {
        (Some("access_denied"), _) => Err(Error::Code("USER_CANCELLED : The user did not sign in.")),
        (Some(error), _) => Err(Error::Said(format!(
            "INVALID_IDP_RESPONSE : The provider answered with an error: {error:?}"
        ))),
        (None, Some(state)) => {
            let attempt = identity.attempts.get(state, identity.clock.codes());
            let attempt =
                attempt.ok_or_else(|| refused("there is no sign-in with this state, or it took too long"))?;
            let who = returned(identity, fields, &attempt, tenant, &uri, get)?;
            identity.attempts.end(state);
            Ok(who)
        }
        (None, None) => credential(identity, get),
    }
}

fn refused(why: &str) -> Error {
    Error::Said(format!("INVALID_IDP_RESPONSE : {why}"))
}

/// Query, body and fragment together, the later ones first.
fn parameters(uri: &Url, body: &str) -> BTreeMap<String, String> {
    // a fragment and a body are read as a query
    let parse = |query: &str| {
        let mut url = uri.clone();
        url.set_query(Some(query));
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        pairs
    };
    let mut all = BTreeMap::new();
    for part in [
        uri.query().unwrap_or_default(),
        body,
        uri.fragment().unwrap_or_default(),
    ] {
        all.extend(parse(part));
    }
    all
}

/// The browser came back from the provider's page.
fn returned<'a>(
    identity: &Identity,
    fields: &Fields,
    attempt: &Attempt,
    tenant: Option<&str>,
    uri: &Url,
    get: impl Fn(&str) -> Option<&'a str>,
) -> Result<Assertion, Error> {
    if given(&fields.session_id) != Some(attempt.session.as_str()) {
        return Err(refused(
            "the sessionId is not the one that this sign-in began with",
        ));
    }
    if attempt.tenant.as_deref() != tenant {
        return Err(Error::Code("TENANT_ID_MISMATCH"));
    }
    let place = |url: &Url| (url.origin().ascii_serialization(), url.path().to_owned());
    if place(uri) != place(&attempt.back) {
        return Err(refused(
            "requestUri is not the continueUri that this sign-in began with",
        ));
    }
    let code = get("code").or(get("id_token"));
    let code = code.ok_or_else(|| refused("there is neither a code nor an ID token in it"))?;
    let chosen = identity.attempts.redeem(code, identity.clock.codes());
    let chosen = chosen.filter(|chosen| chosen.link.provider_id == attempt.provider);
    let chosen = chosen.ok_or_else(|| refused("the code was used, is too old, or is none"))?;
    Ok(Assertion {
        context: attempt.context.clone(),
        ..chosen
    })
}

/// The caller ran the provider's flow itself. Nobody verifies the token: who calls a stand-in may say anything.
fn credential<'a>(identity: &Identity, get: impl Fn(&str) -> Option<&'a str>) -> Result<Assertion, Error> {
    let provider = get("providerId").map(str::to_lowercase);
    let provider = provider.filter(|id| super::provider_name(id).is_some());
    let provider = provider.ok_or(Error::Code(
        "INVALID_CREDENTIAL_OR_PROVIDER_ID : There is no providerId in it that this stand-in knows.",
    ))?;
    let (id_token, access_token) = (get("id_token"), get("access_token"));
    let claims = id_token.or(access_token).and_then(compact::claims);
    let claims = claims.ok_or_else(|| refused(
        "there is no ID token in it; a JWT and plain JSON are accepted, an access token only as one of these",
    ))?;
    if claims
        .get("exp")
        .and_then(Value::as_u64)
        .is_some_and(|exp| exp <= identity.clock.tokens())
    {
        return Err(refused("the ID token has expired"));
    }
    check_nonce(claims.get("nonce").and_then(Value::as_str), get("nonce"))?;
    let assertion = Assertion::of(&provider, claims)?;
    // clients make credentials of access tokens, so there always is one
    let access_token =
        access_token.map_or_else(|| format!("stand-in-access-token-{provider}"), str::to_owned);
    Ok(assertion.with_tokens(id_token.map(str::to_owned), Some(access_token)))
}

/// The token has the digest of what the caller knows.
fn check_nonce(in_token: Option<&str>, raw: Option<&str>) -> Result<(), Error> {
    let expected = raw.map(|raw| {
        let digest = digest(&SHA256, raw.as_bytes());
        let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        hex.collect::<String>()
    });
    match in_token == expected.as_deref() {
        true => Ok(()),
        false => Err(Error::Code(
            "MISSING_OR_INVALID_NONCE : The nonce in ID Token does not match the SHA256 hash of the raw nonce.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_there_as_its_digest_or_not_at_all() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // of "abc"
        assert!(check_nonce(None, None).is_ok() && check_nonce(Some(hex), Some("abc")).is_ok());
        for (in_token, raw) in [(Some("abc"), Some("abc")), (Some(hex), None), (None, Some("abc"))] {
            assert!(check_nonce(in_token, raw).is_err(), "{in_token:?} {raw:?}");
        }
    }

    #[test]
    fn what_came_back_is_read_from_query_body_and_fragment() {
        let uri = Url::parse("http://localhost/back?a=query&b=query#c=frag%20ment").unwrap();
        let all = parameters(&uri, "b=body&d=%2B");
        let all: Vec<(&str, &str)> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            all,
            [("a", "query"), ("b", "body"), ("c", "frag ment"), ("d", "+")]
        );
    }
}
