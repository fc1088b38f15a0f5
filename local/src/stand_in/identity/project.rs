//! What the owner of the project has decided: e-mail privacy, who may sign up, which domains are its own, and
//! its tenants. Kept in a file of its own, because accounts of a tenant are of no use without the tenant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::files;

/// Tenants that are kept at most.
const MOST_TENANTS: usize = 100;

/// Everything that can be switched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Settings {
    /// Whether answers hide who has an account: production's default.
    pub(super) email_privacy: bool,
    /// Whether accounts of providers may have an address that another account has.
    pub(super) duplicate_emails: bool,
    /// Whether the rules for passwords are kept.
    pub(super) password_policy: bool,
    /// Whether users may not make accounts.
    pub(super) no_sign_up: bool,
    /// Whether users may not delete theirs.
    pub(super) no_deletion: bool,
    /// Hosts to which a sign-in may lead back.
    pub(super) authorized_domains: Vec<String>,
    pub(super) tenants: BTreeMap<String, Tenant>,
}

impl Settings {
    /// What a project of this name begins with.
    fn of(project: &str) -> Settings {
        Settings {
            authorized_domains: vec![
                "localhost".to_owned(),
                "127.0.0.1".to_owned(),
                "[::1]".to_owned(),
                format!("{project}.firebaseapp.com"),
                format!("{project}.web.app"),
            ],
            ..Settings::default()
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            email_privacy: true,
            duplicate_emails: false,
            password_policy: true,
            no_sign_up: false,
            no_deletion: false,
            authorized_domains: Vec::new(),
            tenants: BTreeMap::new(),
        }
    }
}

/// An organisation with accounts of its own. Without a word from the owner nobody can sign in, as in
/// production.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Tenant {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<String>,
    pub(super) allow_password_signup: bool,
    pub(super) enable_email_link_signin: bool,
    pub(super) enable_anonymous_user: bool,
    pub(super) disable_auth: bool,
}

impl Tenant {
    /// What the command line makes: everything is on.
    pub(super) fn open() -> Tenant {
        Tenant {
            display_name: None,
            allow_password_signup: true,
            enable_email_link_signin: true,
            enable_anonymous_user: true,
            disable_auth: false,
        }
    }
}

/// The project's settings, in memory and in their file.
pub(super) struct Project {
    pub(super) id: String,
    file: PathBuf,
    settings: Mutex<Settings>,
}

impl Project {
    /// Reads the file, or begins with production's defaults.
    pub(super) fn open(id: String, file: &Path) -> Result<Project> {
        let settings = match std::fs::read(file) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("{} cannot be read; delete it to start afresh", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Settings::of(&id),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        Ok(Project {
            id,
            file: file.to_owned(),
            settings: Mutex::new(settings),
        })
    }

    /// How it is set now.
    pub(super) fn settings(&self) -> Settings {
        self.settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A change counts when it is on disk.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut Settings) -> Result<T, Error>) -> Result<T, Error> {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = settings.clone();
        let result = act(&mut changed)?;
        if changed != *settings {
            let json =
                serde_json::to_vec_pretty(&changed).map_err(|error| Error::Internal(error.to_string()))?;
            files::write(&self.file, &json, files::PRIVATE)
                .map_err(|error| Error::Internal(format!("{error:#}")))?;
            *settings = changed;
        }
        Ok(result)
    }

    /// Adds a tenant in which everything is on, unless it is there.
    pub(super) fn ensure(&self, tenant: &str) -> Result<(), Error> {
        match self.settings().tenants.contains_key(tenant) {
            true => Ok(()),
            false => self.add(tenant, Tenant::open()),
        }
    }

    /// Adds a tenant with a new, well-formed id.
    pub(super) fn add(&self, id: &str, tenant: Tenant) -> Result<(), Error> {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if !(4..=64).contains(&id.len()) || !id.chars().all(letter) {
            return Err(Error::Code(
                "INVALID_TENANT_ID : 4 to 64 letters, digits and hyphens are an id of a tenant",
            ));
        }
        self.change(|settings| {
            if settings.tenants.contains_key(id) {
                return Err(Error::Code("INVALID_TENANT_ID : there is a tenant with this id"));
            }
            if settings.tenants.len() >= MOST_TENANTS {
                return Err(Error::Code("QUOTA_EXCEEDED"));
            }
            settings.tenants.insert(id.to_owned(), tenant);
            Ok(())
        })
    }

    /// Refuses another project's name.
    pub(super) fn is(&self, named: &str) -> Result<(), Error> {
        match named == self.id {
            true => Ok(()),
            false => Err(Error::Said(format!(
                "PROJECT_NOT_FOUND : This stand-in plays {:?}, not {named:?}; start it with --project {named}",
                self.id
            ))),
        }
    }

    /// The tenant that a user's call names, if it names one.
    pub(super) fn tenant(&self, named: Option<&str>) -> Result<Option<Tenant>, Error> {
        let Some(id) = named else { return Ok(None) };
        let tenant = self.settings().tenants.remove(id);
        let tenant = tenant.ok_or(Error::Code("INVALID_TENANT_ID"))?;
        match tenant.disable_auth {
            true => Err(Error::Code("PROJECT_DISABLED")),
            false => Ok(Some(tenant)),
        }
    }
}
