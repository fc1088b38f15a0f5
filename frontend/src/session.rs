//! The session: an encrypted cookie and nothing on the server. Opened, checked and, when its ID token is
//! about to end, refreshed before any handler sees it; a handler's argument says who is there.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::App;
use crate::access::Note;
use crate::arrival::Arrival;
use crate::config::Config;
use crate::error::Failure;
use crate::identity::Refusal;
use crate::words::Words;

pub(crate) use content::Session;
pub(crate) use cookie::Parts as CookieParts;

mod content;
mod cookie;
mod over;
mod parts;
pub(crate) mod pocket;
mod refresh;
mod seal;

/// Who asks. An argument of every handler that cares.
pub(crate) enum Visitor {
    SignedIn(SignedIn),
    SignedOut(SignedOut),
    /// Signed in, but the ID token is over and could not be replaced: the session is kept for later.
    Undecided(Failure),
}

pub(crate) struct SignedIn {
    pub(crate) session: Session,
    /// The browser's cookie is not the current one any more.
    renewed: bool,
}

/// Signed out, and why if it was not the user's own doing.
#[derive(Default)]
pub(crate) struct SignedOut {
    pub(crate) notice: Option<Notice>,
    /// The browser still has a cookie of ours.
    leftover: bool,
}

/// Why somebody is signed out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice {
    Over,
    TurnedOff,
}

impl Notice {
    pub(crate) fn text(self, t: &Words) -> &'static str {
        match self {
            Notice::Over => t.session_over,
            Notice::TurnedOff => t.account_off,
        }
    }
}

/// What the session code shares between requests.
pub(crate) struct Sessions {
    seal: seal::Seal,
    api_token_cookie: Option<String>,
    refreshes: refresh::Refreshes,
    over: over::Over,
}

impl Sessions {
    pub(crate) fn new(config: &Config) -> Sessions {
        Sessions {
            seal: seal::Seal::new(&config.session_keys),
            api_token_cookie: config.api_token_cookie.clone(),
            refreshes: refresh::Refreshes::default(),
            over: over::Over::default(),
        }
    }
}

/// `GET /session`: what a script calls to renew, or to learn that it is over.
pub(crate) async fn show(State(app): State<App>, arrival: Arrival, visitor: Visitor) -> Response {
    match visitor {
        Visitor::SignedIn(user) => {
            let answer = Json(json!({"email": user.session.email, "expires": user.session.exp}));
            user.attach(&app, &arrival, answer)
        }
        Visitor::SignedOut(out) => out.attach(&app, &arrival, Failure::SignedOut.json(&app, &arrival)),
        Visitor::Undecided(failure) => failure.json(&app, &arrival),
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Visitor, Infallible> {
        let arrival = Arrival::from_request_parts(parts, app).await?;
        let (opened, leftover) = app.sessions.read(&parts.headers, arrival.https);
        let now = app.now();
        let goes_on = |session: &Session| {
            // a key opens cookies of before AUTH_TENANT_ID changed, too; other providers have no tenants
            let ours = session.provider.is_some() || app.verifier.is_of_our_tenant(&session.id_token);
            ours && session.is_within(now) && !app.sessions.over.has(&session.id)
        };
        let Some(opened) = opened.filter(|opened| goes_on(&opened.session)) else {
            return Ok(Visitor::SignedOut(SignedOut {
                notice: None,
                leftover,
            }));
        };
        if opened.session.renew_at() > now {
            return Ok(Visitor::SignedIn(opened));
        }
        Ok(match renewed(app, opened, &arrival, now).await {
            Visitor::SignedIn(user) if !goes_on(&user.session) => {
                Visitor::SignedOut(SignedOut::because(Notice::Over)) // signed out while the refresh was under way
            }
            visitor => visitor,
        })
    }
}

/// The ID token is over or about to be. Only Identity Platform's word ends a session, never its silence.
async fn renewed(app: &App, old: SignedIn, arrival: &Arrival, now: u64) -> Visitor {
    let usable = old.session.exp > now;
    let refresh = refresh::refresh(app, &old.session, usable);
    let outcome = arrival.within(refresh).await;
    let refusal = match outcome {
        Ok(Ok(session)) => {
            return Visitor::SignedIn(SignedIn {
                session,
                renewed: true,
            });
        }
        Ok(Err(refusal)) => refusal,
        Err(_) => Refusal::Unavailable("no answer before the page's deadline".to_owned()),
    };
    match refusal {
        Refusal::SessionOver => Visitor::SignedOut(SignedOut::because(Notice::Over)),
        Refusal::Disabled => Visitor::SignedOut(SignedOut::because(Notice::TurnedOff)),
        refusal if usable => {
            let reason = refusal.detail().unwrap_or_default();
            tracing::warn!("an ID token could not be renewed and is used to its end: {reason}");
            Visitor::SignedIn(old)
        }
        refusal => Visitor::Undecided(Failure::IdentityPlatform(refusal)),
    }
}

impl SignedIn {
    /// The answer with the cookies this user needs, and the user's name for the access record.
    pub(crate) fn attach(&self, app: &App, arrival: &Arrival, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        if app.sessions.over.has(&self.session.id) {
            return response; // signed out meanwhile: no cookie brings it back
        }
        if self.renewed {
            match app.sessions.session_cookies(&self.session, arrival) {
                Ok(cookies) => set(&mut response, cookies),
                Err(failure) => tracing::error!("the renewed session is lost: {}", failure.detail()),
            }
        }
        if let Some(cookie) = app.sessions.api_cookie(&self.session, arrival.https, app.now()) {
            set(&mut response, vec![cookie]);
        }
        let note = response.extensions_mut().get_or_insert_default::<Note>();
        note.user = Some(principal(app, &self.session));
        response
    }
}

impl SignedOut {
    pub(crate) fn because(notice: Notice) -> SignedOut {
        SignedOut {
            notice: Some(notice),
            leftover: true,
        }
    }

    /// The answer, and the end of every cookie of ours that the browser still has.
    pub(crate) fn attach(&self, app: &App, arrival: &Arrival, answer: impl IntoResponse) -> Response {
        match self.leftover {
            true => ended(app, arrival, answer),
            false => answer.into_response(),
        }
    }
}

/// Issuer and subject, as the access records name a user.
fn principal(app: &App, session: &Session) -> String {
    let provider = session.provider.as_deref().and_then(|id| app.providers.get(id));
    match provider {
        Some(provider) => provider.principal(&session.subject),
        None => app.verifier.principal(&session.subject),
    }
}

/// The answer to a sign-in: a new cookie every time, so nothing planted before survives it.
pub(crate) fn begun(
    app: &App,
    arrival: &Arrival,
    session: Session,
    answer: impl IntoResponse,
) -> Result<Response, Failure> {
    let cookies = app.sessions.session_cookies(&session, arrival)?;
    let user = SignedIn {
        session,
        renewed: false,
    };
    let mut response = user.attach(app, arrival, answer);
    set(&mut response, cookies);
    Ok(response)
}

/// The answer to a sign-out, which holds against a refresh that is still under way.
pub(crate) fn signed_out(
    app: &App,
    arrival: &Arrival,
    headers: &HeaderMap,
    answer: impl IntoResponse,
) -> Response {
    if let (Some(user), _) = app.sessions.read(headers, arrival.https) {
        app.sessions.over.add(&user.session.id);
    }
    ended(app, arrival, answer)
}

/// The answer after the end of a session, however it came.
pub(crate) fn ended(app: &App, arrival: &Arrival, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    set(&mut response, app.sessions.cleared(arrival));
    response
}

fn set(response: &mut Response, cookies: Vec<HeaderValue>) {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
