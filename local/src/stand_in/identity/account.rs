//! One user: what is kept, what changes it, and how it is shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::accounts::{ALPHANUMERIC, random_text};
use super::error::Error;
use super::password::Hash;
use super::second::Factor;
use super::time::rfc3339;

/// The provider of a sign-in with a password or by a link in a mail.
pub(super) const PASSWORD: &str = "password";
/// That of a sign-in with a text message.
pub(super) const PHONE: &str = "phone";
/// That of a user nobody knows.
pub(super) const ANONYMOUS: &str = "anonymous";
/// That of a token of the project's own server.
pub(super) const CUSTOM: &str = "custom";

/// The last second of the year 9999: no time is later, so that sums of times cannot overflow.
pub(super) const LATEST: u64 = 253_402_300_799;
/// Longest name or address of a picture.
const LONGEST: usize = 2048;
/// Providers of an account.
const MOST_LINKS: usize = 20;

/// One user. No `Debug`: it holds a password's hash.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    pub(super) local_id: String,
    /// Whose it is; the project's own without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<String>,
    #[serde(default)]
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) email_verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) phone_number: Option<String>,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) photo_url: Option<String>,
    #[serde(default)]
    pub(super) password: Option<Hash>,
    /// Whether it has signed in by a link in a mail.
    #[serde(default)]
    pub(super) email_link: bool,
    /// Whether it has signed in with a token of the project's own server.
    #[serde(default)]
    pub(super) custom_auth: bool,
    /// Its accounts at other providers.
    #[serde(default)]
    pub(super) links: Vec<Link>,
    /// Claims that the owner of the project gave it: a JSON object, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) custom_attributes: Option<String>,
    #[serde(default)]
    pub(super) disabled: bool,
    #[serde(default)]
    pub(super) factors: Vec<Factor>,
    /// Tokens of sign-ins before this second are no longer good.
    pub(super) valid_since: u64,
    pub(super) created_at: u64,
    pub(super) last_login_at: u64,
    #[serde(default)]
    pub(super) last_refresh_at: u64,
    #[serde(default)]
    pub(super) refresh_tokens: Vec<RefreshToken>,
}

/// An account at another provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Link {
    pub(super) provider_id: String,
    /// Its id there.
    pub(super) raw_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) photo_url: Option<String>,
}

impl Link {
    /// Whether it is the same account at the same provider.
    pub(super) fn is(&self, other: &Link) -> bool {
        (&self.provider_id, &self.raw_id) == (&other.provider_id, &other.raw_id)
    }
}

/// A refresh token: its digest only, and the sign-in it came from.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RefreshToken {
    pub(super) digest: String,
    #[serde(flatten)]
    pub(super) sign_in: SignIn,
}

/// How somebody signed in: what every token of it says.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SignIn {
    pub(super) auth_time: u64,
    #[serde(default = "password")]
    pub(super) provider: String,
    /// The second step that was taken, by its id.
    #[serde(default)]
    pub(super) factor: Option<String>,
    /// Claims for this sign-in only, of a custom token.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) claims: Map<String, Value>,
}

fn password() -> String {
    PASSWORD.to_owned()
}

impl SignIn {
    /// With this provider; when is for the one who hands out the tokens to say.
    pub(super) fn with(provider: &str) -> SignIn {
        SignIn {
            auth_time: 0,
            provider: provider.to_owned(),
            factor: None,
            claims: Map::new(),
        }
    }
}

impl Account {
    /// An account that was made now, of the project's own or of a tenant.
    pub(super) fn new(tenant: Option<&str>, now: u64) -> Result<Account, Error> {
        Ok(Account {
            local_id: random_text(28, ALPHANUMERIC)?,
            tenant: tenant.map(str::to_owned),
            email: None,
            email_verified: false,
            phone_number: None,
            display_name: None,
            photo_url: None,
            password: None,
            email_link: false,
            custom_auth: false,
            links: Vec::new(),
            custom_attributes: None,
            disabled: false,
            factors: Vec::new(),
            valid_since: now,
            created_at: now,
            last_login_at: now,
            last_refresh_at: now,
            refresh_tokens: Vec::new(),
        })
    }

    /// Whether everything that others chose is of a size that can be kept.
    pub(super) fn fits(&self) -> bool {
        let links = self.links.iter();
        let links = links.flat_map(|link| {
            [
                link.email.as_ref(),
                link.display_name.as_ref(),
                link.photo_url.as_ref(),
            ]
        });
        let own = [
            self.display_name.as_ref(),
            self.photo_url.as_ref(),
            self.email.as_ref(),
        ];
        let mut texts = own.into_iter().chain(links).flatten();
        self.links.len() <= MOST_LINKS && texts.all(|text| text.len() <= LONGEST)
    }

    /// The address, or nothing, for answers that always have the field.
    pub(super) fn address(&self) -> &str {
        self.email.as_deref().unwrap_or_default()
    }

    /// A new password ends every earlier sign-in.
    pub(super) fn set_password(&mut self, hash: Hash, now: u64) {
        self.password = Some(hash);
        self.end_sessions(now);
    }

    /// So does a new address.
    pub(super) fn set_email(&mut self, email: &str, verified: bool, now: u64) {
        self.email = Some(email.to_owned());
        self.email_verified = verified;
        self.end_sessions(now);
    }

    /// Signed out everywhere. Times are whole seconds: a sign-in of this very second is over, too, and the next
    /// one gets another token, for a client tells by it that it has a new one.
    pub(super) fn end_sessions(&mut self, now: u64) {
        let sign_ins = self.refresh_tokens.iter().map(|token| token.sign_in.auth_time);
        let last = sign_ins.max().unwrap_or_default().max(self.last_login_at);
        self.valid_since = now.max(last.saturating_add(1)).min(LATEST);
    }

    /// Adds the account at a provider, or takes over what the provider says of it now.
    pub(super) fn link(&mut self, link: Link) {
        self.links.retain(|other| other.provider_id != link.provider_id);
        self.links.push(link);
    }

    /// Removes ways in. An address that came with a password goes with it, unless a provider has it, too.
    pub(super) fn unlink(&mut self, providers: &[String]) {
        let removes = |name: &str| providers.iter().any(|provider| provider == name);
        self.links.retain(|link| !removes(&link.provider_id));
        if removes(PHONE) {
            self.phone_number = None;
        }
        if removes(PASSWORD) {
            self.password = None;
            self.email_link = false;
            if !self.links.iter().any(|link| link.email == self.email) {
                self.email = None;
                self.email_verified = false;
            }
        }
    }

    /// Whether a token of this sign-in is still good for this account.
    pub(super) fn admits(&self, auth_time: u64) -> Result<(), Error> {
        match (self.disabled, auth_time < self.valid_since) {
            (true, _) => Err(Error::Code("USER_DISABLED")),
            (false, true) => Err(Error::Code("TOKEN_EXPIRED")),
            (false, false) => Ok(()),
        }
    }

    /// The ways in that an address has, as `createAuthUri` tells them.
    pub(super) fn sign_in_methods(&self) -> Vec<&str> {
        let mut methods: Vec<&str> = self.links.iter().map(|link| link.provider_id.as_str()).collect();
        if self.password.is_some() {
            methods.push(PASSWORD);
        }
        if self.email_link {
            methods.push("emailLink");
        }
        methods
    }

    /// As its owner sees it; 64-bit numbers are strings, as in all of Google's JSON.
    pub(super) fn shown(&self) -> Value {
        let mut user = json!({
            "localId": self.local_id,
            "emailVerified": self.email_verified,
            "disabled": self.disabled,
            "providerUserInfo": self.provider_info(),
            "validSince": self.valid_since.to_string(),
            "createdAt": (self.created_at * 1000).to_string(),
            "lastLoginAt": (self.last_login_at * 1000).to_string(),
            "lastRefreshAt": rfc3339(self.last_refresh_at.max(self.created_at)),
        });
        for (name, value) in [
            ("email", &self.email),
            ("displayName", &self.display_name),
            ("photoUrl", &self.photo_url),
            ("phoneNumber", &self.phone_number),
            ("customAttributes", &self.custom_attributes),
            ("tenantId", &self.tenant),
        ] {
            if let Some(value) = value {
                user[name] = value.as_str().into();
            }
        }
        if !self.factors.is_empty() {
            user["mfaInfo"] = self.factors.iter().map(Factor::shown).collect();
        }
        if self.custom_auth {
            user["customAuth"] = true.into();
        }
        user
    }

    /// One entry for each way in.
    pub(super) fn provider_info(&self) -> Value {
        let mut all = Vec::new();
        if let Some(email) = &self.email
            && (self.password.is_some() || self.email_link)
        {
            all.push(entry(
                PASSWORD,
                email,
                Some(email),
                &self.display_name,
                &self.photo_url,
            ));
        }
        if let Some(number) = &self.phone_number {
            all.push(json!({ "providerId": PHONE, "phoneNumber": number, "rawId": number }));
        }
        all.extend(self.links.iter().map(|link| {
            let Link {
                provider_id,
                raw_id,
                email,
                display_name,
                photo_url,
            } = link;
            entry(provider_id, raw_id, email.as_ref(), display_name, photo_url)
        }));
        all.into()
    }
}

fn entry(
    provider: &str,
    id: &str,
    email: Option<&String>,
    name: &Option<String>,
    photo: &Option<String>,
) -> Value {
    let mut entry = json!({ "providerId": provider, "rawId": id, "federatedId": id });
    for (field, value) in [
        ("email", email),
        ("displayName", name.as_ref()),
        ("photoUrl", photo.as_ref()),
    ] {
        if let Some(value) = value {
            entry[field] = value.as_str().into();
        }
    }
    entry
}
