//! What went wrong, as a page for people and as JSON for scripts. The only file that turns a failure into
//! a status; the words are in `error/words.rs`. Making an answer has no side effect: the access layer logs
//! the detail, once.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::App;
use crate::access::Note;
use crate::arrival::Arrival;
use crate::identity::Refusal;
use crate::templates::{self, ErrorPage};

mod words;

/// Every failure that has a page of its own. Texts in it are for the log.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// 401: the API needs a session.
    SignedOut,
    /// 403: a post from another site.
    CrossSite,
    /// 404.
    NotFound,
    /// 405.
    WrongMethod,
    /// 400: a path that another server could read differently.
    AmbiguousPath,
    /// 400: a form that is none.
    BadForm,
    /// 503 and the like: no tokens from Identity Platform, see [`Refusal`].
    IdentityPlatform(Refusal),
    /// 503: the metadata server gives no service token.
    MetadataServer(String),
    /// 502: the front door of the proxy does not accept this service.
    ServiceIdentity(StatusCode),
    /// 403: the gateway does not accept the user's token (it said 401).
    TokenRefused(String),
    /// 403: the gateway's policy does not let this user in.
    PolicyRefused(String),
    /// 503: the front door answers, no proxy is behind it.
    NoProxy,
    /// 503: the front door has no instance to spare.
    Busy,
    /// 502: nothing answers at `PROXY_URL`.
    ProxyUnreachable(String),
    /// 502, 503 or 504, as received: the proxy (in `gke` the gateway) could not reach what is behind it.
    GatewayUnreachable(StatusCode, String),
    /// 502, 503 or 504, as received, or 502 for another 5xx: the backend is down, slow or broken.
    Backend(StatusCode, String),
    /// 504: our own deadline came first.
    TooSlow(&'static str),
    /// 502: an answer that nobody expects.
    Unexpected(String),
    /// 500: the session does not fit into a cookie.
    SessionTooLarge(usize),
    /// 500: the system gives no random bytes.
    NoRandomness,
}

impl Failure {
    /// A page; `user` is the signed-in user's e-mail, so that there is a way to sign out.
    pub(crate) fn page(&self, app: &App, arrival: &Arrival, user: Option<&str>) -> Response {
        let status = self.status();
        let t = arrival.words();
        let (title, what, todo) = words::of(self, app.api.topology(), t);
        let page = ErrorPage {
            status: status.as_u16(),
            t,
            title,
            what,
            todo,
            again: matches!(self, Failure::TokenRefused(_)) && user.is_some(),
            retry: status.is_server_error(),
            code: self.code(),
            trace: &arrival.trace.trace_id(),
            email: user,
        };
        self.noted((status, templates::html(&page)).into_response())
    }

    /// JSON: `error` is for programs and stable, `message` is for people.
    pub(crate) fn json(&self, app: &App, arrival: &Arrival) -> Response {
        let (_, what, _) = words::of(self, app.api.topology(), arrival.words());
        let mut body = json!({
            "error": self.code(), "message": what, "trace": arrival.trace.trace_id(),
        });
        if let Failure::SignedOut = self {
            body["sign_in"] = "/".into();
        }
        self.noted((self.status(), Json(body)).into_response())
    }

    fn noted(&self, mut response: Response) -> Response {
        if self.is_for_operators() {
            let note = response.extensions_mut().get_or_insert_default::<Note>();
            note.detail = Some(self.detail());
        }
        response
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Failure::SignedOut => StatusCode::UNAUTHORIZED,
            Failure::CrossSite | Failure::TokenRefused(_) | Failure::PolicyRefused(_) => {
                StatusCode::FORBIDDEN
            }
            Failure::NotFound => StatusCode::NOT_FOUND,
            Failure::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Failure::AmbiguousPath | Failure::BadForm => StatusCode::BAD_REQUEST,
            Failure::IdentityPlatform(refusal) => match refusal.status() {
                StatusCode::BAD_GATEWAY => StatusCode::BAD_GATEWAY,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            },
            Failure::MetadataServer(_) | Failure::NoProxy | Failure::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Failure::GatewayUnreachable(status, _) => *status,
            Failure::Backend(status, _) if matches!(status.as_u16(), 502..=504) => *status,
            Failure::Backend(..) | Failure::ServiceIdentity(_) => StatusCode::BAD_GATEWAY,
            Failure::ProxyUnreachable(_) | Failure::Unexpected(_) => StatusCode::BAD_GATEWAY,
            Failure::TooSlow(_) => StatusCode::GATEWAY_TIMEOUT,
            Failure::SessionTooLarge(_) | Failure::NoRandomness => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable name.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Failure::SignedOut => "signed_out",
            Failure::CrossSite => "cross_site",
            Failure::NotFound => "not_found",
            Failure::WrongMethod => "method_not_allowed",
            Failure::AmbiguousPath => "ambiguous_path",
            Failure::BadForm => "bad_form",
            Failure::IdentityPlatform(_) => "identity_platform_unavailable",
            Failure::MetadataServer(_) => "metadata_server_unreachable",
            Failure::ServiceIdentity(_) => "service_identity_refused",
            Failure::TokenRefused(_) => "user_token_refused",
            Failure::PolicyRefused(_) => "policy_refused",
            Failure::NoProxy => "no_proxy",
            Failure::Busy => "busy",
            Failure::ProxyUnreachable(_) => "proxy_unreachable",
            Failure::GatewayUnreachable(..) => "gateway_unreachable",
            Failure::Backend(..) => "backend_failed",
            Failure::TooSlow(_) => "too_slow",
            Failure::Unexpected(_) => "unexpected_answer",
            Failure::SessionTooLarge(_) => "session_too_large",
            Failure::NoRandomness => "no_randomness",
        }
    }

    /// What the log says: what failed, with whom, and where to look.
    pub(crate) fn detail(&self) -> String {
        match self {
            Failure::IdentityPlatform(refusal) => refusal.detail().unwrap_or_else(|| refusal.name()),
            Failure::MetadataServer(reason) => format!("no service token from GCE_METADATA_HOST: {reason}"),
            Failure::ServiceIdentity(status) => format!(
                "the front door at PROXY_URL refuses this service's token with {status}: check PROXY_AUDIENCE and \
                 that this service account may invoke the proxy (roles/run.invoker)"
            ),
            Failure::TokenRefused(text) => format!("the gateway refuses the user's token: {text}"),
            Failure::PolicyRefused(text) => format!("the gateway's policy refuses the user: {text}"),
            Failure::NoProxy => "the front door at PROXY_URL has no proxy behind it".to_owned(),
            Failure::Busy => {
                "the front door at PROXY_URL answers 429: no instance of the proxy is free".to_owned()
            }
            Failure::ProxyUnreachable(reason) => format!("cannot reach PROXY_URL: {reason}"),
            Failure::GatewayUnreachable(status, text) => format!("{status} before the backend: {text}"),
            Failure::Backend(status, text) => format!("{status} from behind the gateway: {text}"),
            Failure::TooSlow(what) => format!("gave up at the page's deadline, waiting for {what}"),
            Failure::Unexpected(what) => what.clone(),
            Failure::SessionTooLarge(size) => format!(
                "the session cookie would have {size} bytes and browsers keep 4096: fewer custom claims make the \
                 ID token shorter"
            ),
            Failure::NoRandomness => {
                "the system gives no random bytes, the session cannot be encrypted".to_owned()
            }
            other => other.code().to_owned(),
        }
    }

    /// Whether the log should have it: not what a stranger can cause at will.
    fn is_for_operators(&self) -> bool {
        use Failure::{AmbiguousPath, BadForm, CrossSite, NotFound, SignedOut, WrongMethod};
        !matches!(
            self,
            AmbiguousPath | BadForm | CrossSite | NotFound | SignedOut | WrongMethod
        )
    }
}

/// Paths below which scripts ask and JSON answers.
pub(crate) fn is_api(uri: &Uri) -> bool {
    let path = uri.path();
    path == "/api" || path.starts_with("/api/") || path == "/session"
}

/// The answer for every path that is nobody's.
pub(crate) async fn not_found(State(app): State<App>, arrival: Arrival) -> Response {
    Failure::NotFound.page(&app, &arrival, None)
}

/// The answer for a path's other methods; axum adds `Allow`.
pub(crate) async fn method_not_allowed(State(app): State<App>, arrival: Arrival, uri: Uri) -> Response {
    match is_api(&uri) {
        true => Failure::WrongMethod.json(&app, &arrival),
        false => Failure::WrongMethod.page(&app, &arrival, None),
    }
}
