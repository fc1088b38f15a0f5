//! The names that the calls had before `v1`: `www.googleapis.com/identitytoolkit/v3/relyingparty/NAME`. Old SDKs
//! use them; the fields are the same.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde_json::Value;

use super::Identity;
use super::calls;
use super::error::Error;

const NAMES: [(&str, &str); 13] = [
    ("createAuthUri", "createAuthUri"),
    ("deleteAccount", "delete"),
    ("emailLinkSignin", "signInWithEmailLink"),
    ("getAccountInfo", "lookup"),
    ("getOobConfirmationCode", "sendOobCode"),
    ("resetPassword", "resetPassword"),
    ("sendVerificationCode", "sendVerificationCode"),
    ("setAccountInfo", "update"),
    ("signupNewUser", "signUp"),
    ("verifyAssertion", "signInWithIdp"),
    ("verifyCustomToken", "signInWithCustomToken"),
    ("verifyPassword", "signInWithPassword"),
    ("verifyPhoneNumber", "signInWithPhoneNumber"),
];

/// The same call by its name of today.
pub(super) async fn with_key(
    state: State<Arc<Identity>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    let known = NAMES.iter().find(|(old, _)| *old == name);
    let (_, call) = known.ok_or(Error::NotImplemented)?;
    calls::with_key(state, Path(format!("accounts:{call}")), uri, headers, body).await
}
