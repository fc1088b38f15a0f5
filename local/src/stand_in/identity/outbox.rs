//! The mails that nobody sends: a page on which a person clicks their links, and a list for tests.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::Identity;
use super::html::{self, escaped};
use super::oob::{Kind, Mail};

/// The path of the page.
pub(crate) const OUTBOX: &str = "/emulator/outbox";

/// `GET /emulator/v1/projects/{p}[/tenants/{t}]/oobCodes`: the codes that can still be used, as the emulator
/// shows them.
pub(super) fn codes(identity: &Identity, tenant: Option<&str>) -> Value {
    let now = identity.clock.codes();
    let open = identity.mails.all();
    let open = open
        .iter()
        .filter(|mail| mail.tenant.as_deref() == tenant && !mail.used && !mail.is_over(now));
    let codes: Vec<Value> = open.map(shown).collect();
    json!({ "oobCodes": codes })
}

fn shown(mail: &Mail) -> Value {
    let mut code = json!({
        "email": mail.email, "requestType": mail.kind.name(), "oobCode": mail.code, "oobLink": mail.link,
    });
    if let Some(new) = &mail.new_email {
        code["newEmail"] = new.as_str().into();
    }
    code
}

/// `GET /emulator/outbox`: every mail, the newest first.
pub(super) async fn page(State(identity): State<Arc<Identity>>) -> Response {
    let now = identity.clock.codes();
    let mut text = String::from(HEAD);
    let mut mails = identity.mails.all();
    mails.retain(|mail| !mail.silent);
    if mails.is_empty() {
        text.push_str("<p>No mail has been sent. Sign up or reset a password, then reload this page.</p>\n");
    }
    for mail in mails.iter().rev() {
        let state = match (mail.used, mail.is_over(now)) {
            (true, _) => " (used)",
            (false, true) => " (too old)",
            (false, false) => "",
        };
        let age = now.saturating_sub(mail.sent) / 60;
        let tenant = mail
            .tenant
            .as_deref()
            .map(|tenant| format!(" of {}", escaped(tenant)));
        // writing to a String cannot fail
        let _ = writeln!(
            text,
            "<article><h2>{}{state}</h2><p>To {}{}, {age} min ago</p><p>{}</p><p><a href=\"{}\">{}</a></p></article>",
            mail.kind.subject(),
            escaped(mail.to()),
            tenant.unwrap_or_default(),
            body(mail),
            escaped(&mail.link),
            button(mail.kind),
        );
    }
    html::page("Outbox", &text)
}

fn body(mail: &Mail) -> String {
    match mail.kind {
        Kind::ResetPassword => "Somebody, probably you, asked for a new password.".to_owned(),
        Kind::VerifyEmail => "Follow the link to show that this address is yours.".to_owned(),
        Kind::SignIn => "Follow the link to sign in.".to_owned(),
        Kind::ChangeEmail => format!(
            "Follow the link to use this address in place of {}.",
            escaped(&mail.email)
        ),
        Kind::RevertSecondStep => format!(
            "From now on a sign-in asks for {}, too. If that was not you, follow the link.",
            escaped(mail.factor.as_ref().map_or("", |factor| factor.name.as_str()))
        ),
        Kind::RecoverEmail => format!(
            "Your account now has the address {}. If that was not you, follow the link.",
            escaped(mail.new_email.as_deref().unwrap_or_default())
        ),
    }
}

fn button(kind: Kind) -> &'static str {
    match kind {
        Kind::ResetPassword => "Choose a new password",
        Kind::VerifyEmail | Kind::ChangeEmail => "Verify the address",
        Kind::SignIn => "Sign in",
        Kind::RecoverEmail => "Take the old address back",
        Kind::RevertSecondStep => "Remove the second step",
    }
}

const HEAD: &str = "<h1>Outbox</h1>\n<p>Mails that Identity Platform would have sent.</p>\n";
