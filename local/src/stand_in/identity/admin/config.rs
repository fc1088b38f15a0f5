//! The project's configuration, as `identitytoolkit/admin/v2` has them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::owner;
use crate::stand_in::identity::Identity;
use crate::stand_in::identity::calls::{self, in_background};
use crate::stand_in::identity::error::Error;
use crate::stand_in::identity::project::Settings;

/// What can be switched. Everything else that production's configuration has is ignored.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::stand_in::identity) struct Changes {
    sign_in: SignIn,
    email_privacy_config: Privacy,
    client: Client,
    password_policy_config: PasswordPolicy,
    authorized_domains: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SignIn {
    allow_duplicate_emails: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Privacy {
    enable_improved_email_privacy: Option<bool>,
}

/// Whether the rules are kept; which they are cannot be changed.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PasswordPolicy {
    password_policy_enforcement_state: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Client {
    permissions: Permissions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Permissions {
    disabled_user_signup: Option<bool>,
    disabled_user_deletion: Option<bool>,
}

impl Changes {
    /// Changes what is named, and tells how everything is then.
    pub(in crate::stand_in::identity) fn apply(self, identity: &Identity) -> Result<Settings, Error> {
        let policy = match self
            .password_policy_config
            .password_policy_enforcement_state
            .as_deref()
        {
            None => None,
            Some("ENFORCE") => Some(true),
            Some("OFF") => Some(false),
            Some(other) => {
                return Err(Error::Malformed(format!(
                    "passwordPolicyEnforcementState is ENFORCE or OFF, not {other:?}."
                )));
            }
        };
        identity.project.change(|settings| {
            let permissions = self.client.permissions;
            for (old, new) in [
                (
                    &mut settings.duplicate_emails,
                    self.sign_in.allow_duplicate_emails,
                ),
                (
                    &mut settings.email_privacy,
                    self.email_privacy_config.enable_improved_email_privacy,
                ),
                (&mut settings.password_policy, policy),
                (&mut settings.no_sign_up, permissions.disabled_user_signup),
                (&mut settings.no_deletion, permissions.disabled_user_deletion),
            ] {
                *old = new.unwrap_or(*old);
            }
            if let Some(domains) = self.authorized_domains {
                if domains.len() > MOST_DOMAINS {
                    return Err(Error::Malformed(format!(
                        "At most {MOST_DOMAINS} authorizedDomains."
                    )));
                }
                settings.authorized_domains = domains;
            }
            Ok(settings.clone())
        })
    }
}

/// Domains of a project.
const MOST_DOMAINS: usize = 100;

fn shown(project: &str, settings: &Settings) -> Value {
    let enforced = match settings.password_policy {
        true => "ENFORCE",
        false => "OFF",
    };
    json!({
        "name": format!("projects/{project}/config"),
        "signIn": { "allowDuplicateEmails": settings.duplicate_emails, "email": { "enabled": true } },
        "emailPrivacyConfig": { "enableImprovedEmailPrivacy": settings.email_privacy },
        "client": { "permissions": { "disabledUserSignup": settings.no_sign_up,
            "disabledUserDeletion": settings.no_deletion } },
        "authorizedDomains": settings.authorized_domains,
        "passwordPolicyConfig": { "passwordPolicyEnforcementState": enforced },
        "mfa": { "state": "ENABLED", "enabledProviders": ["PHONE_SMS"],
            "providerConfigs": [{ "state": "ENABLED", "totpProviderConfig": { "adjacentIntervals": 1 } }] },
    })
}

/// `GET v2/projects/{p}/config`.
pub(in crate::stand_in::identity) async fn get(
    State(identity): State<Arc<Identity>>,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&project)?;
    Ok(Json(shown(&project, &identity.project.settings())))
}

/// `PATCH v2/projects/{p}/config`. Fields that are named change, whatever `updateMask` says.
pub(in crate::stand_in::identity) async fn patch(
    State(identity): State<Arc<Identity>>,
    Path(project): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&project)?;
    let changes: Changes = calls::read(&body)?;
    in_background(move || {
        let settings = changes.apply(&identity)?;
        Ok(Json(shown(&project, &settings)))
    })
    .await
}
