//! Accounts and refresh tokens, in memory and in one file that is replaced with every change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::password::Hash;
use super::second::Factor;
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

/// One user. No `Debug`: it holds a password's hash.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    pub(super) local_id: String,
    pub(super) email: String,
    #[serde(default)]
    pub(super) email_verified: bool,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    pub(super) password: Hash,
    #[serde(default)]
    pub(super) disabled: bool,
    #[serde(default)]
    pub(super) factors: Vec<Factor>,
    /// Tokens of sign-ins before this second are no longer good.
    pub(super) valid_since: u64,
    pub(super) created_at: u64,
    pub(super) last_login_at: u64,
    #[serde(default)]
    pub(super) refresh_tokens: Vec<RefreshToken>,
}

/// A refresh token: its digest only, and the sign-in it came from.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RefreshToken {
    digest: String,
    pub(super) auth_time: u64,
    /// The second step that was taken.
    #[serde(default)]
    pub(super) factor: Option<String>,
}

/// By local id.
type Users = BTreeMap<String, Account>;

/// All accounts.
pub(super) struct Accounts {
    file: PathBuf,
    users: Mutex<Users>,
}

impl Accounts {
    /// Reads the file, or begins with the test user.
    pub(super) fn open(file: &Path) -> Result<Accounts> {
        let users = match std::fs::read(file) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("{} cannot be read; delete it to start afresh", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Users::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let accounts = Accounts {
            file: file.to_owned(),
            users: Mutex::new(users),
        };
        accounts.seed().map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(accounts)
    }

    fn seed(&self) -> Result<(), Error> {
        if self.find(|account| account.email == TEST_USER).is_some() {
            return Ok(());
        }
        let account = Account {
            email_verified: true,
            local_id: TEST_ID.to_owned(),
            ..Account::new(TEST_USER, Hash::new(TEST_PASSWORD)?)?
        };
        self.change(|users| {
            users.insert(account.local_id.clone(), account);
            Ok(())
        })
    }

    /// A copy of the first account that fits.
    pub(super) fn find(&self, fits: impl Fn(&Account) -> bool) -> Option<Account> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.values().find(|account| fits(account)).cloned()
    }

    /// A copy of the account with this id.
    pub(super) fn get(&self, local_id: &str) -> Option<Account> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.get(local_id).cloned()
    }

    /// Adds an account whose address is not taken.
    pub(super) fn add(&self, account: Account) -> Result<(), Error> {
        self.change(|users| {
            if users.values().any(|other| other.email == account.email) {
                return Err(Error::Code("EMAIL_EXISTS"));
            }
            if users.len() >= MOST {
                return Err(Error::Code("QUOTA_EXCEEDED"));
            }
            users.insert(account.local_id.clone(), account);
            Ok(())
        })
    }

    /// Changes one account and tells how it is now.
    pub(super) fn update(&self, local_id: &str, act: impl FnOnce(&mut Account)) -> Result<Account, Error> {
        self.change(|users| {
            let account = users.get_mut(local_id).ok_or(Error::Code("USER_NOT_FOUND"))?;
            act(account);
            Ok(account.clone())
        })
    }

    /// Removes the accounts that fit.
    pub(super) fn remove(&self, fits: impl Fn(&Account) -> bool) -> Result<(), Error> {
        self.change(|users| {
            users.retain(|_, account| !fits(account));
            Ok(())
        })
    }

    /// Notes a sign-in and hands out its refresh token.
    pub(super) fn signed_in(
        &self,
        local_id: &str,
        auth_time: u64,
        factor: Option<&str>,
    ) -> Result<String, Error> {
        let token = random_text(32, URL_SAFE)?;
        self.update(local_id, |account| {
            account.last_login_at = auth_time;
            let excess = (account.refresh_tokens.len() + 1).saturating_sub(MOST_TOKENS);
            account.refresh_tokens.drain(..excess);
            account.refresh_tokens.push(RefreshToken {
                digest: digest(&token),
                auth_time,
                factor: factor.map(str::to_owned),
            });
        })?;
        Ok(token)
    }

    /// The account of a refresh token and the time of its sign-in.
    pub(super) fn of_refresh_token(&self, token: &str) -> Option<(Account, RefreshToken)> {
        let digest = digest(token);
        let of = |account: &Account| {
            account
                .refresh_tokens
                .iter()
                .find(|kept| kept.digest == digest)
                .cloned()
        };
        let account = self.find(|account| of(account).is_some())?;
        let token = of(&account)?;
        Some((account, token))
    }

    /// A change counts when it is on disk.
    fn change<T>(&self, act: impl FnOnce(&mut Users) -> Result<T, Error>) -> Result<T, Error> {
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

impl Account {
    /// An account that was made now. The address is kept in lower case.
    pub(super) fn new(email: &str, password: Hash) -> Result<Account, Error> {
        let now = now();
        Ok(Account {
            local_id: random_text(28, ALPHANUMERIC)?,
            email: email.to_owned(),
            email_verified: false,
            display_name: None,
            password,
            disabled: false,
            factors: Vec::new(),
            valid_since: now,
            created_at: now,
            last_login_at: now,
            refresh_tokens: Vec::new(),
        })
    }

    /// A new password ends every earlier sign-in.
    pub(super) fn set_password(&mut self, hash: Hash) {
        self.password = hash;
        self.valid_since = now();
        self.refresh_tokens.clear();
    }

    /// So does a new address, which is a verified one.
    pub(super) fn set_email(&mut self, email: &str) {
        email.clone_into(&mut self.email);
        self.email_verified = true;
        self.valid_since = now();
        self.refresh_tokens.clear();
    }

    /// Whether a token of this sign-in is still good for this account.
    pub(super) fn admits(&self, auth_time: u64) -> Result<(), Error> {
        match (self.disabled, auth_time < self.valid_since) {
            (true, _) => Err(Error::Code("USER_DISABLED")),
            (false, true) => Err(Error::Code("TOKEN_EXPIRED")),
            (false, false) => Ok(()),
        }
    }
}

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
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
