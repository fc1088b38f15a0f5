//! Sign-in with other providers: where to send the browser (`createAuthUri`), and what comes back
//! (`signInWithIdp`). The provider is a page of this stand-in ([`page`]); or the caller ran the provider's flow
//! itself and hands over its token.

mod assertion;
mod attempts;
pub(super) mod page;

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::assertion::Assertion;
pub(super) use self::attempts::Attempts;
use self::attempts::{Attempt, Flow};
use super::Identity;
use super::account::{Account, Link, SignIn};
use super::accounts::{ALPHANUMERIC, URL_SAFE, random_text};
use super::calls::{self, email, enter, given};
use super::error::Error;

/// Providers by the names that Identity Platform has for them, and those of people.
const PROVIDERS: [(&str, &str); 8] = [
    ("google.com", "Google"),
    ("apple.com", "Apple"),
    ("facebook.com", "Facebook"),
    ("github.com", "GitHub"),
    ("linkedin.com", "LinkedIn"),
    ("microsoft.com", "Microsoft"),
    ("twitter.com", "Twitter"),
    ("yahoo.com", "Yahoo"),
];

/// The fields of both calls.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Fields {
    identifier: Option<String>,
    provider_id: Option<String>,
    continue_uri: Option<String>,
    session_id: Option<String>,
    auth_flow_type: Option<String>,
    oauth_scope: Option<String>,
    context: Option<String>,
    hosted_domain: Option<String>,
    custom_parameter: Map<String, Value>,
    tenant_id: Option<String>,
    request_uri: Option<String>,
    post_body: Option<String>,
    pending_token: Option<String>,
    id_token: Option<String>,
    return_idp_credential: bool,
}

/// A provider's name for people; none when there is no such provider. SAML is not played.
fn provider_name(id: &str) -> Option<&str> {
    let known = PROVIDERS.iter().find(|(known, _)| *known == id);
    let own = id
        .strip_prefix("oidc.")
        .filter(|name| !name.is_empty() && id.len() <= 64);
    known.map(|(_, name)| *name).or(own)
}

/// `accounts:createAuthUri`: where the browser goes, for a provider; or which ways in an address has.
pub(super) fn create_auth_uri(identity: &Identity, fields: &Fields, base: &str) -> Result<Value, Error> {
    let tenant = given(&fields.tenant_id);
    identity.project.tenant(tenant)?;
    let session = match given(&fields.session_id) {
        Some(session) => session.to_owned(),
        None => random_text(27, ALPHANUMERIC)?,
    };
    let Some(provider) = given(&fields.provider_id) else {
        return ways_in(identity, fields, tenant, &session);
    };
    if provider_name(provider).is_none() {
        return Err(Error::Code("INVALID_PROVIDER_ID : Provider Id is not supported."));
    }
    let back = continue_uri(identity, fields)?;
    // Google answers in the fragment, which no server sees, unless it is asked for a code
    let wants_code =
        given(&fields.auth_flow_type) == Some("CODE_FLOW") || given(&fields.oauth_scope).is_some();
    let flow = match provider == "google.com" && !wants_code {
        true => Flow::IdToken,
        false => Flow::Code,
    };
    let state = random_text(40, URL_SAFE)?;
    let uri = authorization(fields, provider, flow, &back, &state, base)?;
    identity.attempts.begin(
        state,
        Attempt {
            provider: provider.to_owned(),
            back,
            session: session.clone(),
            tenant: tenant.map(str::to_owned),
            context: fields.context.clone(),
            flow,
        },
        identity.clock.codes(),
    );
    Ok(json!({ "kind": AUTH_URI, "authUri": uri, "providerId": provider, "sessionId": session }))
}

const AUTH_URI: &str = "identitytoolkit#CreateAuthUriResponse";

/// With e-mail privacy nothing is told.
fn ways_in(
    identity: &Identity,
    fields: &Fields,
    tenant: Option<&str>,
    session: &str,
) -> Result<Value, Error> {
    let identifier = given(&fields.identifier).ok_or(Error::Code("MISSING_IDENTIFIER"))?;
    continue_uri(identity, fields)?;
    let email = email(Some(identifier)).map_err(|_| Error::Code("INVALID_IDENTIFIER"))?;
    let mut answer = json!({ "kind": AUTH_URI, "sessionId": session });
    if identity.project.settings().email_privacy {
        return Ok(answer);
    }
    let account = identity.accounts.by_email(tenant, &email);
    let methods = account.as_ref().map(Account::sign_in_methods).unwrap_or_default();
    let mut providers: Vec<&str> = methods
        .iter()
        .map(|method| match *method {
            "emailLink" => super::account::PASSWORD,
            other => other,
        })
        .collect();
    providers.dedup();
    answer["registered"] = account.is_some().into();
    answer["allProviders"] = providers.into();
    answer["signinMethods"] = methods.into();
    Ok(answer)
}

/// Where the sign-in ends: a page of a domain that is the project's own.
fn continue_uri(identity: &Identity, fields: &Fields) -> Result<Url, Error> {
    let given = given(&fields.continue_uri).ok_or(Error::Code("MISSING_CONTINUE_URI"))?;
    let invalid = |why: &str| Error::Said(format!("INVALID_CONTINUE_URI : {why}"));
    let url = Url::parse(given).map_err(|error| invalid(&error.to_string()))?;
    let host = url
        .host_str()
        .filter(|_| ["http", "https"].contains(&url.scheme()));
    let host = host.ok_or_else(|| invalid("it is not an http or https URL"))?;
    if url.fragment().is_some() || url.query_pairs().any(|(name, _)| name == "state") {
        return Err(invalid(
            "it may have neither a fragment nor a parameter named state",
        ));
    }
    let domains = identity.project.settings().authorized_domains;
    match domains.iter().any(|domain| domain == host) {
        true => Ok(url),
        false => Err(Error::Said(format!(
            "UNAUTHORIZED_DOMAIN : {host} is not one of the project's authorizedDomains"
        ))),
    }
}

/// The page's address, with what an OpenID Connect provider is asked. The caller's own parameters do not
/// replace any of it.
fn authorization(
    fields: &Fields,
    provider: &str,
    flow: Flow,
    back: &Url,
    state: &str,
    base: &str,
) -> Result<String, Error> {
    let scope = given(&fields.oauth_scope).map_or("openid profile email".to_owned(), |scope| {
        format!("openid profile email {scope}")
    });
    let mut query = vec![
        ("providerId", provider),
        ("client_id", page::CLIENT),
        ("response_type", flow.response_type()),
        ("redirect_uri", back.as_str()),
        ("scope", &scope),
        ("state", state),
    ];
    if let Some(domain) = given(&fields.hosted_domain) {
        query.push(("hd", domain));
    }
    let reserved = |name: &str| query.iter().any(|(ours, _)| *ours == name) || name == "nonce";
    let custom = fields.custom_parameter.iter();
    let custom: Vec<(&str, &str)> = custom
        .filter(|(name, _)| !reserved(name))
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    query.extend(custom);
    Url::parse_with_params(&format!("{base}{}", page::PATH), query)
        .map(String::from)
        .map_err(|error| Error::Internal(format!("the provider's URL: {error}")))
}

/// `accounts:signInWithIdp`.
pub(super) fn sign_in(identity: &Identity, fields: &Fields) -> Result<Value, Error> {
    let session = match given(&fields.id_token) {
        Some(_) => Some(calls::session_of(identity, &fields.id_token, given(&fields.tenant_id))?.0),
        None => None,
    };
    let tenant = match &session {
        Some(account) => account.tenant.clone(),
        None => fields.tenant_id.clone().filter(|id| !id.is_empty()),
    };
    identity.project.tenant(tenant.as_deref())?;
    let assertion = assertion::read(identity, fields, tenant.as_deref())?;
    let mut answer = assertion.shown();
    if let Some(tenant) = &tenant {
        answer["tenantId"] = tenant.as_str().into();
    }
    match decide(identity, &assertion, session, tenant.as_deref()) {
        Ok(Decision::Enter(account, notes)) => {
            add(&mut answer, notes);
            let sign_in = SignIn::with(&assertion.link.provider_id);
            let entered = enter(identity, &account, assertion::KIND, sign_in)?;
            // the profile in the answer is the provider's, not the account's
            let tokens = ["email", "displayName"];
            let entered = entered.as_object().cloned().unwrap_or_default();
            let entered = entered
                .into_iter()
                .filter(|(name, _)| !tokens.contains(&name.as_str()));
            add(&mut answer, Value::Object(entered.collect()));
            if account.email == assertion.link.email {
                answer["emailVerified"] = account.email_verified.into();
            }
            if fields.return_idp_credential {
                answer["pendingToken"] = pending(identity, assertion, tenant)?;
            }
        }
        Ok(Decision::Confirm(account)) => {
            let verified: Vec<&str> = account
                .links
                .iter()
                .map(|link| link.provider_id.as_str())
                .collect();
            answer["needConfirmation"] = true.into();
            answer["localId"] = account.local_id.as_str().into();
            answer["verifiedProvider"] = verified.into();
            answer["pendingToken"] = pending(identity, assertion, tenant)?;
        }
        // who has the credential can do something else with it
        Err(Error::Code(code)) if fields.return_idp_credential && TAKEN.contains(&code) => {
            answer["errorMessage"] = code.into();
            answer["pendingToken"] = pending(identity, assertion, tenant)?;
        }
        Err(error) => return Err(error),
    }
    Ok(answer)
}

/// Refusals that are told beside the credential.
const TAKEN: [&str; 2] = ["FEDERATED_USER_ID_ALREADY_LINKED", "EMAIL_EXISTS"];

fn pending(identity: &Identity, assertion: Assertion, tenant: Option<String>) -> Result<Value, Error> {
    let token = random_text(40, URL_SAFE)?;
    let until = identity.clock.codes();
    identity.attempts.keep(token.clone(), assertion, tenant, until);
    Ok(token.into())
}

fn add(answer: &mut Value, more: Value) {
    if let (Value::Object(answer), Value::Object(more)) = (answer, more) {
        answer.extend(more);
    }
}

/// Whose sign-in it is.
enum Decision {
    /// This account's, and what the answer says of it.
    Enter(Account, Value),
    /// Perhaps this account's: the address is the same, but the provider did not verify it.
    Confirm(Account),
}

fn decide(
    identity: &Identity,
    assertion: &Assertion,
    session: Option<Account>,
    tenant: Option<&str>,
) -> Result<Decision, Error> {
    let link = assertion.link.clone();
    let by_link = identity.accounts.by_link(tenant, &link);
    let one_per_email = !identity.project.settings().duplicate_emails;
    let by_email = link.email.as_deref().filter(|_| one_per_email);
    let by_email = by_email.and_then(|email| identity.accounts.by_email(tenant, email));
    let whose = by_link.as_ref().or(by_email.as_ref());
    if session.is_none() && whose.is_some_and(|account| account.disabled) {
        return Err(Error::Code("USER_DISABLED"));
    }
    if let Some(account) = session {
        if by_link.is_some() {
            return Err(Error::Code("FEDERATED_USER_ID_ALREADY_LINKED"));
        }
        if by_email.is_some_and(|other| other.local_id != account.local_id) {
            return Err(Error::Code("EMAIL_EXISTS"));
        }
        return connect(identity, assertion, &account, one_per_email);
    }
    if let Some(account) = by_link {
        let account = identity
            .accounts
            .update(&account.local_id, |account| account.link(link))?;
        return Ok(Decision::Enter(account, json!({ "isNewUser": false })));
    }
    match by_email {
        Some(account) if assertion.verified => take_over(identity, assertion, &account),
        Some(account) => Ok(Decision::Confirm(account)),
        None => {
            let account = Account {
                email: link.email.clone().filter(|_| one_per_email),
                email_verified: assertion.verified && link.email.is_some() && one_per_email,
                display_name: link.display_name.clone(),
                photo_url: link.photo_url.clone(),
                links: vec![link],
                ..Account::new(tenant, identity.clock.tokens())?
            };
            identity.accounts.add(account.clone())?;
            Ok(Decision::Enter(account, json!({ "isNewUser": true })))
        }
    }
}

/// The user who is signed in adds the provider.
fn connect(
    identity: &Identity,
    assertion: &Assertion,
    account: &Account,
    one_per_email: bool,
) -> Result<Decision, Error> {
    let link = assertion.link.clone();
    let account = identity.accounts.update(&account.local_id, |account| {
        if account.email.is_none() && one_per_email {
            account.email.clone_from(&link.email);
            account.email_verified = false;
        }
        if assertion.verified && link.email.is_some() && account.email == link.email {
            account.email_verified = true;
        }
        account.link(link);
    })?;
    Ok(Decision::Enter(account, json!({ "isNewUser": false })))
}

/// The provider has verified the address, so its user has the account. If nobody had shown before that the
/// address is theirs, whoever made the account loses every way in: it may have been made to wait for its owner.
fn take_over(identity: &Identity, assertion: &Assertion, account: &Account) -> Result<Decision, Error> {
    let link: Link = assertion.link.clone();
    let recycled = account
        .links
        .iter()
        .any(|other| other.provider_id == link.provider_id);
    let now = identity.clock.tokens();
    let account = identity.accounts.update(&account.local_id, |account| {
        if !account.email_verified {
            account.password = None;
            account.email_link = false;
            account.phone_number = None;
            account.links.clear();
            account.end_sessions(now);
        }
        account.email_verified = true;
        account.display_name.clone_from(&link.display_name);
        account.photo_url.clone_from(&link.photo_url);
        account.link(link);
    })?;
    let mut notes = json!({ "isNewUser": false });
    if recycled {
        notes["emailRecycled"] = true.into();
    }
    Ok(Decision::Enter(account, notes))
}
