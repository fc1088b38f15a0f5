//! The page that a mail's link leads to when no front end has one: `/emulator/action`, with the parameters and
//! the answers of the emulator. As there, opening a link acts; only a new password is asked for first.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Identity;
use super::calls::{Fields, base_url, given, in_background};
use super::error::Error;
use super::html::{self, escaped};
use super::mail;

/// Where it is.
pub(super) const PATH: &str = "/emulator/action";

/// The parameters of a link.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Link {
    mode: String,
    oob_code: Option<String>,
    new_password: Option<String>,
    continue_url: Option<String>,
    api_key: Option<String>,
}

/// `GET`.
pub(super) async fn open(
    State(identity): State<Arc<Identity>>,
    Query(link): Query<Link>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let base = base_url(&identity, &headers)?;
    if link.mode == "resetPassword" && given(&link.new_password).is_none() {
        return in_background(move || ask(&identity, &link)).await;
    }
    let then = link.continue_url.clone().filter(|url| !url.is_empty());
    let email = match link.mode.as_str() {
        // the application reads the code from its own address
        "signIn" => then
            .as_ref()
            .map(|_| Value::Null)
            .ok_or(Error::Code("MISSING_CONTINUE_URI"))?,
        _ => {
            in_background({
                let link = link.clone();
                move || act(&identity, &link, &base)
            })
            .await?
        }
    };
    let Some(then) = then else {
        return Ok(Json(
            json!({ "authEmulator": { "success": "The link did what it is for.", "email": email } }),
        )
        .into_response());
    };
    let mut url = reqwest::Url::parse(&then).map_err(|_| Error::Code("INVALID_CONTINUE_URI"))?;
    if link.mode == "signIn" {
        url.query_pairs_mut()
            .append_pair("mode", "signIn")
            .append_pair("oobCode", link.oob_code.as_deref().unwrap_or_default())
            .append_pair("apiKey", link.api_key.as_deref().unwrap_or("demo-key"));
    }
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url.as_str())]).into_response())
}

fn act(identity: &Identity, link: &Link, base: &str) -> Result<Value, Error> {
    let code = given(&link.oob_code).ok_or(Error::Code("MISSING_OOB_CODE"))?;
    let answer = match link.mode.as_str() {
        "resetPassword" => mail::reset(
            identity,
            &Fields {
                oob_code: link.oob_code.clone(),
                new_password: link.new_password.clone(),
                ..Fields::default()
            },
        ),
        "verifyEmail" | "verifyAndChangeEmail" | "recoverEmail" | "revertSecondFactorAddition" => {
            mail::apply(identity, code, base)
        }
        _ => Err(Error::Code(
            "INVALID_REQ_TYPE : The mode of this link is not known.",
        )),
    }?;
    Ok(answer["email"].clone())
}

/// A form for the new password.
fn ask(identity: &Identity, link: &Link) -> Result<Response, Error> {
    let code = given(&link.oob_code).ok_or(Error::Code("MISSING_OOB_CODE"))?;
    let mail = identity.mails.look(code, identity.clock.codes())?;
    let hidden = |name: &str, value: &str| {
        format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n",
            escaped(value)
        )
    };
    let then = given(&link.continue_url).map(|url| hidden("continueUrl", url));
    let main = format!(
        "<h1>Choose a new password</h1>\n<p>For {}.</p>\n<form action=\"{PATH}\">\n{}{}{}\
         <label for=\"password\">New password</label>\n<input id=\"password\" name=\"newPassword\" type=\"password\" \
         autocomplete=\"new-password\" required>\n<button>Save the password</button>\n</form>\n",
        escaped(&mail.email),
        hidden("mode", &link.mode),
        hidden("oobCode", code),
        then.unwrap_or_default(),
    );
    Ok(html::page("Choose a new password", &main))
}
