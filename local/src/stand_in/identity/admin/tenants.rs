//! The project's tenants, as `identitytoolkit/admin/v2` has them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::owner;
use crate::stand_in::identity::Identity;
use crate::stand_in::identity::account::Account;
use crate::stand_in::identity::accounts::random_text;
use crate::stand_in::identity::calls::{self, in_background};
use crate::stand_in::identity::error::Error;
use crate::stand_in::identity::project::Tenant;

/// What a tenant is set to.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TenantChanges {
    display_name: Option<String>,
    allow_password_signup: Option<bool>,
    enable_email_link_signin: Option<bool>,
    enable_anonymous_user: Option<bool>,
    disable_auth: Option<bool>,
}

impl TenantChanges {
    fn apply(self, tenant: &mut Tenant) {
        if let Some(name) = self.display_name {
            tenant.display_name = Some(name);
        }
        for (old, new) in [
            (&mut tenant.allow_password_signup, self.allow_password_signup),
            (
                &mut tenant.enable_email_link_signin,
                self.enable_email_link_signin,
            ),
            (&mut tenant.enable_anonymous_user, self.enable_anonymous_user),
            (&mut tenant.disable_auth, self.disable_auth),
        ] {
            *old = new.unwrap_or(*old);
        }
    }
}

fn tenant_shown(project: &str, id: &str, tenant: &Tenant) -> Value {
    let mut shown = serde_json::to_value(tenant).unwrap_or_default();
    shown["name"] = format!("projects/{project}/tenants/{id}").into();
    shown
}

/// The id that a new tenant is to have: production has no such parameter and makes one up.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::stand_in::identity) struct NewTenant {
    tenant_id: Option<String>,
}

/// `POST v2/projects/{p}/tenants[?tenantId=ID]`.
pub(in crate::stand_in::identity) async fn create(
    State(identity): State<Arc<Identity>>,
    Path(project): Path<String>,
    Query(new): Query<NewTenant>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&project)?;
    let changes: TenantChanges = calls::read(&body)?;
    in_background(move || {
        let id = match new.tenant_id.filter(|id| !id.is_empty()) {
            Some(id) => id,
            None => {
                let name = changes
                    .display_name
                    .clone()
                    .unwrap_or_else(|| "tenant".to_owned());
                format!(
                    "{name}-{}",
                    random_text(5, b"abcdefghijklmnopqrstuvwxyz0123456789")?
                )
                .to_lowercase()
            }
        };
        let mut tenant = Tenant::default();
        changes.apply(&mut tenant);
        identity.project.add(&id, tenant.clone())?;
        Ok(Json(tenant_shown(&project, &id, &tenant)))
    })
    .await
}

/// `GET v2/projects/{p}/tenants`: all of them on one page.
pub(in crate::stand_in::identity) async fn list(
    State(identity): State<Arc<Identity>>,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&project)?;
    let tenants = identity.project.settings().tenants;
    let shown = tenants
        .iter()
        .map(|(id, tenant)| tenant_shown(&project, id, tenant));
    Ok(Json(json!({ "tenants": shown.collect::<Vec<_>>() })))
}

type TenantPath = Path<(String, String)>;

/// `GET v2/projects/{p}/tenants/{t}`.
pub(in crate::stand_in::identity) async fn get(
    State(identity): State<Arc<Identity>>,
    Path((project, id)): TenantPath,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&project)?;
    let tenants = identity.project.settings().tenants;
    let tenant = tenants.get(&id).ok_or(Error::Code("TENANT_NOT_FOUND"))?;
    Ok(Json(tenant_shown(&project, &id, tenant)))
}

/// `PATCH v2/projects/{p}/tenants/{t}`.
pub(in crate::stand_in::identity) async fn patch(
    State(identity): State<Arc<Identity>>,
    Path((project, id)): TenantPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&project)?;
    let changes: TenantChanges = calls::read(&body)?;
    in_background(move || {
        let tenant = identity.project.change(|settings| {
            let tenant = settings.tenants.get_mut(&id);
            let tenant = tenant.ok_or(Error::Code("TENANT_NOT_FOUND"))?;
            changes.apply(tenant);
            Ok(tenant.clone())
        })?;
        Ok(Json(tenant_shown(&project, &id, &tenant)))
    })
    .await
}

/// `DELETE v2/projects/{p}/tenants/{t}`: with all of its accounts.
pub(in crate::stand_in::identity) async fn delete(
    State(identity): State<Arc<Identity>>,
    Path((project, id)): TenantPath,
    headers: HeaderMap,
) -> Result<Json<Value>, Error> {
    owner(&headers)?;
    identity.project.is(&project)?;
    in_background(move || {
        identity
            .project
            .change(|settings| match settings.tenants.remove(&id) {
                Some(_) => Ok(()),
                None => Err(Error::Code("TENANT_NOT_FOUND")),
            })?;
        let theirs = |account: &Account| account.tenant.as_ref() == Some(&id);
        identity.accounts.remove(theirs)?;
        Ok(Json(json!({})))
    })
    .await
}
