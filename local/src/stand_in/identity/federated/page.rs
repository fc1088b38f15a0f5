//! The page that stands for a provider: one chooses who one is, or cancels. Works without JavaScript.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::assertion::Assertion;
use super::attempts::{Attempt, Flow};
use super::provider_name;
use crate::stand_in::identity::Identity;
use crate::stand_in::identity::accounts::{TEST_USER, URL_SAFE, random_text};
use crate::stand_in::identity::calls::email;
use crate::stand_in::identity::error::Error;
use crate::stand_in::identity::html::{self, escaped};
use crate::stand_in::identity::keys;

/// Where the page is.
pub(crate) const PATH: &str = "/emulator/idp/authorize";
/// The project, as the provider knows it.
pub(super) const CLIENT: &str = "stand-in-client";

/// Who can be chosen without typing: name, address, whether it is verified.
const PRESETS: [(&str, &str, bool); 3] = [
    ("Ada Example", "ada@provider.example", true),
    ("Sam Shopper", TEST_USER, true),
    ("Sam Shopper", TEST_USER, false),
];

/// What the page is told by its address; what else is in it is for real providers.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::stand_in::identity) struct Asked {
    state: String,
    login_hint: String,
}

/// What a person chose.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::stand_in::identity) struct Choice {
    state: String,
    email: String,
    name: String,
    verified: Option<String>,
    cancel: Option<String>,
}

/// `GET`: who are you?
pub(in crate::stand_in::identity) async fn show(
    State(identity): State<Arc<Identity>>,
    Query(asked): Query<Asked>,
) -> Response {
    match identity.attempts.get(&asked.state, identity.clock.codes()) {
        Some(attempt) => {
            let typed = Choice {
                email: asked.login_hint,
                state: asked.state,
                verified: Some(String::new()),
                ..Choice::default()
            };
            form(&attempt, &typed, None)
        }
        None => unknown(),
    }
}

/// `POST`: back to where the sign-in began, with a code, or with the error that a cancelled one has.
pub(in crate::stand_in::identity) async fn choose(
    State(identity): State<Arc<Identity>>,
    Form(choice): Form<Choice>,
) -> Result<Response, Error> {
    let now = identity.clock.codes();
    let Some(attempt) = identity.attempts.get(&choice.state, now) else {
        return Ok(unknown());
    };
    if choice.cancel.is_some() {
        let pairs = [("error", "access_denied"), ("state", &choice.state)];
        return Ok(back(&attempt, &pairs));
    }
    let Ok(address) = email(Some(&choice.email)) else {
        let wrong = "Write an e-mail address with a name, an @ and a host.";
        return Ok(form(&attempt, &choice, Some(wrong)));
    };
    let claims = claims(&attempt, &address, &choice);
    let token = keys::unsigned(&claims);
    let access = random_text(40, URL_SAFE)?;
    let who = Assertion::of(&attempt.provider, claims.as_object().cloned().unwrap_or_default())?;
    let who = who.with_tokens(Some(token.clone()), Some(access));
    let (name, answer) = match attempt.flow {
        Flow::Code => ("code", random_text(40, URL_SAFE)?),
        Flow::IdToken => ("id_token", token),
    };
    identity.attempts.choose(answer.clone(), who, now);
    Ok(back(&attempt, &[("state", &choice.state), (name, &answer)]))
}

/// What the provider's ID token says. The same address is the same user there, verified or not.
fn claims(attempt: &Attempt, address: &str, choice: &Choice) -> Value {
    let now = crate::stand_in::key::now();
    let subject = digest(&SHA256, format!("{} {address}", attempt.provider).as_bytes());
    let subject = subject.as_ref().iter().take(8);
    let subject = subject.fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let issuer = match attempt.provider.as_str() {
        "google.com" => "https://accounts.google.com".to_owned(),
        other => format!("https://{}.example", other.replace('.', "-")),
    };
    let mut claims = json!({
        "iss": issuer, "aud": CLIENT, "sub": format!("1{subject:020}"), "iat": now, "exp": now + 3600,
        "email": address, "email_verified": choice.verified.is_some(),
    });
    let name = choice.name.trim();
    if !name.is_empty() {
        claims["name"] = name.into();
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        claims["given_name"] = first.into();
        if !last.is_empty() {
            claims["family_name"] = last.into();
        }
    }
    claims
}

/// Sends the browser back, with the answer where the flow has it.
fn back(attempt: &Attempt, pairs: &[(&str, &str)]) -> Response {
    let mut url = attempt.back.clone();
    match attempt.flow {
        Flow::Code => drop(url.query_pairs_mut().extend_pairs(pairs)),
        Flow::IdToken => {
            let mut query = url.clone();
            query.set_query(None);
            query.query_pairs_mut().extend_pairs(pairs);
            url.set_fragment(query.query());
        }
    }
    let headers = [
        (header::LOCATION, url.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn unknown() -> Response {
    let main = "<h1>This sign-in is over</h1>\n<p>It was finished, or it took longer than ten minutes. Go back \
                to the page that you came from and begin again.</p>\n";
    (StatusCode::BAD_REQUEST, html::page("This sign-in is over", main)).into_response()
}

fn form(attempt: &Attempt, typed: &Choice, wrong: Option<&str>) -> Response {
    let provider = escaped(provider_name(&attempt.provider).unwrap_or_default());
    let host = escaped(attempt.back.host_str().unwrap_or_default());
    let state = format!(
        "<input type=\"hidden\" name=\"state\" value=\"{}\">",
        escaped(&typed.state)
    );
    let begin = format!("<form method=\"post\" action=\"{PATH}\">\n{state}\n");
    let mut main = format!(
        "<h1>Sign in with {provider}</h1>\n<p>This page stands for {provider}. Whoever you choose is signed in \
         at {host}.</p>\n<h2>Choose an account</h2>\n"
    );
    // writing to a String cannot fail
    for (name, address, verified) in PRESETS {
        let (flag, hint) = match verified {
            true => (
                "<input type=\"hidden\" name=\"verified\" value=\"on\">",
                "verified",
            ),
            false => ("", "not verified"),
        };
        let _ = writeln!(
            main,
            "{begin}<input type=\"hidden\" name=\"name\" value=\"{name}\">\n\
             <input type=\"hidden\" name=\"email\" value=\"{address}\">{flag}\n\
             <button class=\"choice\">{name} <span>{address}, {hint}</span></button>\n</form>"
        );
    }
    let (invalid, error) = match wrong {
        Some(wrong) => (
            " aria-invalid=\"true\" aria-describedby=\"wrong\" autofocus",
            format!("<p id=\"wrong\" class=\"wrong\">{wrong}</p>\n"),
        ),
        None => ("", String::new()),
    };
    let checked = match typed.verified {
        Some(_) => " checked",
        None => "",
    };
    let _ = writeln!(
        main,
        "<h2>Use another account</h2>\n{begin}<label for=\"email\">E-mail</label>\n\
         <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" required value=\"{}\"{invalid}>\n\
         {error}<label for=\"name\">Name</label>\n\
         <input id=\"name\" name=\"name\" autocomplete=\"name\" value=\"{}\">\n\
         <p><input id=\"verified\" name=\"verified\" type=\"checkbox\"{checked}> \
         <label for=\"verified\">{provider} has verified the address</label></p>\n\
         <button>Continue</button>\n</form>\n\
         {begin}<button class=\"quiet\" name=\"cancel\" value=\"cancel\">Cancel</button>\n</form>",
        escaped(&typed.email),
        escaped(&typed.name),
    );
    html::page(&format!("Sign in with {provider}"), &main)
}
