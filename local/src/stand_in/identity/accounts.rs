//! All accounts and their refresh tokens, in memory and in one file that is replaced with every change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use super::account::{Account, Link, RefreshToken, SignIn};
use super::error::Error;
use super::password::Hash;
use crate::files;
use crate::stand_in::key::now;

/// The user everybody may sign in as.
pub(crate) const TEST_USER: &str = "shopper@acme.example";
/// And its password, public on purpose.
pub(crate) const TEST_PASSWORD: &str = "Acme-demo-2026";
const TEST_ID: &str = "AcmeDemoShopper0000000000001";

/// Accounts that are kept at most.
const MOST: usize = 10_000;
/// Refresh tokens of one account; the oldest goes.
const MOST_TOKENS: usize = 100;

/// By local id.
pub(super) type Users = BTreeMap<String, Account>;

/// All accounts. Those of a tenant are apart: every search says whose it means.
pub(super) struct Accounts {
    file: PathBuf,
    users: Mutex<Users>,
}

impl Accounts {
    /// Reads the file, or begins with nobody.
    pub(super) fn open(file: &Path) -> Result<Accounts> {
        let users = match std::fs::read(file) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("{} cannot be read; delete it to start afresh", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Users::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        Ok(Accounts {
            file: file.to_owned(),
            users: Mutex::new(users),
        })
    }

    /// Adds the test user where there is none.
    pub(super) fn seed(&self) -> Result<()> {
        if self.by_email(None, TEST_USER).is_some() {
            return Ok(());
        }
        let account = || -> Result<Account, Error> {
            Ok(Account {
                local_id: TEST_ID.to_owned(),
                email: Some(TEST_USER.to_owned()),
                email_verified: true,
                password: Some(Hash::new(TEST_PASSWORD)?),
                ..Account::new(None, now())?
            })
        };
        let added = account().and_then(|account| self.add(account));
        added.map_err(|error| anyhow::anyhow!("cannot add the test user: {error}"))
    }

    /// A copy of the first account that fits.
    pub(super) fn find(&self, fits: impl Fn(&Account) -> bool) -> Option<Account> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.values().find(|account| fits(account)).cloned()
    }

    /// Copies of all accounts of the project's own or of a tenant that fit, by id.
    pub(super) fn all(&self, tenant: Option<&str>, fits: impl Fn(&Account) -> bool) -> Vec<Account> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = users
            .values()
            .filter(|account| account.tenant.as_deref() == tenant);
        theirs.filter(|account| fits(account)).cloned().collect()
    }

    /// The account with this address, in lower case.
    pub(super) fn by_email(&self, tenant: Option<&str>, email: &str) -> Option<Account> {
        self.find(|account| account.tenant.as_deref() == tenant && account.email.as_deref() == Some(email))
    }

    /// The account that this account at a provider is linked to.
    pub(super) fn by_link(&self, tenant: Option<&str>, link: &Link) -> Option<Account> {
        let linked = |account: &Account| account.links.iter().any(|other| other.is(link));
        self.find(|account| account.tenant.as_deref() == tenant && linked(account))
    }

    /// A copy of the account with this id.
    pub(super) fn get(&self, local_id: &str) -> Option<Account> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.get(local_id).cloned()
    }

    /// The same, when it is the project's own or this tenant's.
    pub(super) fn get_in(&self, tenant: Option<&str>, local_id: &str) -> Option<Account> {
        self.get(local_id)
            .filter(|account| account.tenant.as_deref() == tenant)
    }

    /// Adds an account whose id, address, number and links are not taken.
    pub(super) fn add(&self, account: Account) -> Result<(), Error> {
        self.change(|users| {
            if users.contains_key(&account.local_id) {
                return Err(Error::Code("DUPLICATE_LOCAL_ID"));
            }
            put(users, account)
        })
    }

    /// Changes one account and tells how it is now.
    pub(super) fn update(&self, local_id: &str, act: impl FnOnce(&mut Account)) -> Result<Account, Error> {
        self.change(|users| {
            let mut account = users
                .get(local_id)
                .cloned()
                .ok_or(Error::Code("USER_NOT_FOUND"))?;
            act(&mut account);
            put(users, account.clone())?;
            Ok(account)
        })
    }

    /// Removes the accounts that fit; how many they were.
    pub(super) fn remove(&self, fits: impl Fn(&Account) -> bool) -> Result<usize, Error> {
        self.change(|users| {
            let before = users.len();
            users.retain(|_, account| !fits(account));
            Ok(before - users.len())
        })
    }

    /// Notes a sign-in and hands out its refresh token.
    pub(super) fn signed_in(&self, local_id: &str, sign_in: &SignIn) -> Result<String, Error> {
        let token = random_text(32, URL_SAFE)?;
        self.update(local_id, |account| {
            account.last_login_at = sign_in.auth_time;
            account.last_refresh_at = sign_in.auth_time;
            let excess = (account.refresh_tokens.len() + 1).saturating_sub(MOST_TOKENS);
            account.refresh_tokens.drain(..excess);
            account.refresh_tokens.push(RefreshToken {
                digest: digest(&token),
                sign_in: sign_in.clone(),
            });
        })?;
        Ok(token)
    }

    /// The account of a refresh token and the sign-in it came from.
    pub(super) fn of_refresh_token(&self, token: &str) -> Option<(Account, SignIn)> {
        let digest = digest(token);
        let of = |account: &Account| {
            let mut tokens = account.refresh_tokens.iter();
            tokens.find(|kept| kept.digest == digest).cloned()
        };
        let account = self.find(|account| of(account).is_some())?;
        let token = of(&account)?;
        Some((account, token.sign_in))
    }

    /// Notes a refresh. It is on disk with the next change: nothing depends on it.
    pub(super) fn refreshed(&self, local_id: &str, now: u64) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = users.get_mut(local_id) {
            account.last_refresh_at = now;
        }
    }

    /// A change counts when it is on disk.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut Users) -> Result<T, Error>) -> Result<T, Error> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = users.clone();
        let result = act(&mut changed)?;
        let internal = |error: String| Error::Internal(error);
        let json = serde_json::to_vec_pretty(&changed).map_err(|error| internal(error.to_string()))?;
        files::write(&self.file, &json, files::PRIVATE).map_err(|error| internal(format!("{error:#}")))?;
        *users = changed;
        Ok(result)
    }
}

/// Puts an account in its place, unless another one of the same tenant has its address, number or link.
pub(super) fn put(users: &mut Users, account: Account) -> Result<(), Error> {
    if !account.fits() {
        return Err(Error::Code(
            "INVALID_ARGUMENT : A text of the account is too long, or there are too many providers.",
        ));
    }
    let mut others = users
        .values()
        .filter(|other| other.local_id != account.local_id && other.tenant == account.tenant);
    let taken = others.find_map(|other| {
        let same = |ours: &Option<String>, theirs: &Option<String>| ours.is_some() && ours == theirs;
        let linked = |link: &Link| other.links.iter().any(|theirs| theirs.is(link));
        if same(&account.email, &other.email) {
            Some("EMAIL_EXISTS")
        } else if same(&account.phone_number, &other.phone_number) {
            Some("PHONE_NUMBER_EXISTS")
        } else if account.links.iter().any(linked) {
            Some("FEDERATED_USER_ID_ALREADY_LINKED")
        } else {
            None
        }
    });
    if let Some(code) = taken {
        return Err(Error::Code(code));
    }
    if users.len() >= MOST && !users.contains_key(&account.local_id) {
        return Err(Error::Code("QUOTA_EXCEEDED"));
    }
    users.insert(account.local_id.clone(), account);
    Ok(())
}

pub(super) const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(super) const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Letters nobody can guess. The modulo's bias is small, and 32 letters leave plenty.
pub(super) fn random_text(length: usize, letters: &[u8]) -> Result<String, Error> {
    let mut bytes = vec![0_u8; length];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::Internal("no random bytes".to_owned()))?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(letters[usize::from(*byte) % letters.len()]))
        .collect())
}

fn digest(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()))
}
