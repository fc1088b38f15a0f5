//! `/emulator/v1/…`: what tests ask and change. Nobody has to be anybody for it, as in the emulator, which is why
//! all of this listens on loopback.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::config::Changes;
use super::admin::known_tenant;
use super::calls::{self, in_background};
use super::error::Error;
use super::project::Settings;
use super::time::Of;
use super::{Identity, faults, outbox};

/// All of it.
pub(super) fn routes() -> Router<Arc<Identity>> {
    let lists = Router::new()
        .route("/accounts", delete(delete_all))
        .route("/oobCodes", get(codes))
        .route("/verificationCodes", get(messages));
    let project = "/emulator/v1/projects/{project}";
    Router::new()
        .nest(project, lists.clone())
        .nest(&format!("{project}/tenants/{{tenant}}"), lists)
        .route(&format!("{project}/config"), get(config).patch(change_config))
        .route(
            "/emulator/v1/clock",
            get(show_clock).post(move_clock).delete(reset_clock),
        )
        .route("/emulator/v1/keys:rotate", post(rotate))
        .route(
            "/emulator/v1/faults",
            get(faults::list).post(faults::add).delete(faults::clear),
        )
}

/// `GET /`, which the emulator's users ask to know whether it is up.
pub(super) async fn ready(State(identity): State<Arc<Identity>>) -> Json<Value> {
    Json(
        json!({ "authEmulator": { "ready": true, "signedTokens": identity.keys.sign_tokens(),
        "project": identity.project.id, "docs": "local/README.md" } }),
    )
}

/// Whose accounts are meant.
#[derive(Deserialize)]
struct Place {
    project: String,
    tenant: Option<String>,
}

impl Place {
    fn check(&self, identity: &Identity) -> Result<Option<&str>, Error> {
        identity.project.is(&self.project)?;
        known_tenant(identity, self.tenant.as_deref())?;
        Ok(self.tenant.as_deref())
    }
}

/// `DELETE …/accounts`: everybody, the test user too.
async fn delete_all(
    State(identity): State<Arc<Identity>>,
    Path(place): Path<Place>,
) -> Result<Json<Value>, Error> {
    in_background(move || {
        let tenant = place.check(&identity)?;
        identity
            .accounts
            .remove(|account| account.tenant.as_deref() == tenant)?;
        identity.mails.clear(tenant);
        Ok(Json(json!({})))
    })
    .await
}

/// `GET …/oobCodes`.
async fn codes(
    State(identity): State<Arc<Identity>>,
    Path(place): Path<Place>,
) -> Result<Json<Value>, Error> {
    Ok(Json(outbox::codes(&identity, place.check(&identity)?)))
}

/// `GET …/verificationCodes`: of text messages, which tenants do not have.
async fn messages(
    State(identity): State<Arc<Identity>>,
    Path(place): Path<Place>,
) -> Result<Json<Value>, Error> {
    place.check(&identity)?;
    Ok(Json(identity.messages.shown(identity.clock.codes())))
}

fn shown(settings: &Settings) -> Json<Value> {
    Json(json!({
        "signIn": { "allowDuplicateEmails": settings.duplicate_emails },
        "emailPrivacyConfig": { "enableImprovedEmailPrivacy": settings.email_privacy },
    }))
}

/// `GET …/config`.
async fn config(
    State(identity): State<Arc<Identity>>,
    Path(place): Path<Place>,
) -> Result<Json<Value>, Error> {
    place.check(&identity)?;
    Ok(shown(&identity.project.settings()))
}

/// `PATCH …/config`.
async fn change_config(
    State(identity): State<Arc<Identity>>,
    Path(place): Path<Place>,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    let changes: Changes = calls::read(&body)?;
    in_background(move || {
        place.check(&identity)?;
        changes.apply(&identity).map(|settings| shown(&settings))
    })
    .await
}

/// How far a clock moves, in seconds, and which.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Advance {
    advance: i32,
    of: Of,
}

fn times(identity: &Identity) -> Json<Value> {
    Json(json!({ "now": identity.clock.codes(), "tokens": identity.clock.tokens() }))
}

/// `GET /emulator/v1/clock`.
async fn show_clock(State(identity): State<Arc<Identity>>) -> Json<Value> {
    times(&identity)
}

/// `POST /emulator/v1/clock` with `{"advance": SECONDS, "of": "codes" | "tokens" | "everything"}`.
async fn move_clock(State(identity): State<Arc<Identity>>, body: Bytes) -> Result<Json<Value>, Error> {
    let by: Advance = calls::read(&body)?;
    identity.clock.advance(by.of, by.advance);
    Ok(times(&identity))
}

/// `DELETE /emulator/v1/clock`: the real time again.
async fn reset_clock(State(identity): State<Arc<Identity>>) -> Json<Value> {
    identity.clock.reset();
    times(&identity)
}

/// Whether signing moves to a key that nobody has seen.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Rotate {
    fresh: bool,
}

/// `POST /emulator/v1/keys:rotate` with `{"fresh": true}` or nothing: the key set that is published then.
async fn rotate(State(identity): State<Arc<Identity>>, body: Bytes) -> Result<Json<Value>, Error> {
    let asked: Rotate = calls::read(&body)?;
    in_background(move || {
        identity.keys.rotate(asked.fresh)?;
        Ok(Json(identity.keys.jwks()))
    })
    .await
}
