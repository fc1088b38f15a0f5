//! Faults on demand: a test says which call is slow or refused, how, and how often. What a call would have done
//! is not done.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Identity;
use super::error::Error;

/// Longest delay, in milliseconds: longer than every client waits.
const LONGEST: u64 = 30_000;
/// Faults at a time.
const MOST: usize = 100;

/// What goes wrong, and where. A field that is not known is refused: a fault that does not come would make a
/// test pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Fault {
    /// The last name of the path (`accounts:signUp`, `mfaSignIn:finalize`, `token`), or `*` for every call.
    call: String,
    /// How often; until it is deleted without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    /// Milliseconds before anything else happens.
    #[serde(default)]
    latency_ms: u64,
    /// 429, or one from 500 on, as Google's front end words it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Seconds of a `Retry-After` beside the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    /// A code of Identity Toolkit, as a 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The refusal of a blocking function, as a 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocking_function: Option<Blocking>,
}

/// What a blocking function said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Blocking {
    message: String,
    #[serde(default = "denied")]
    status: String,
    #[serde(default)]
    spelling: Spelling,
}

fn denied() -> String {
    "PERMISSION_DENIED".to_owned()
}

/// Both are seen in the wild.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Spelling {
    #[default]
    Json,
    Sentence,
}

impl Fault {
    fn check(&self) -> Result<(), String> {
        let answers = [
            self.status.is_some(),
            self.error.is_some(),
            self.blocking_function.is_some(),
        ];
        let answers = answers.into_iter().filter(|given| *given).count();
        if self.call.is_empty() {
            return Err("call is the last name of a path, or *".to_owned());
        }
        if self.latency_ms > LONGEST {
            return Err(format!("latencyMs is {LONGEST} at most"));
        }
        if answers > 1 {
            return Err("one of status, error and blockingFunction is enough".to_owned());
        }
        if answers == 0 && self.latency_ms == 0 {
            return Err("say what goes wrong: latencyMs, status, error or blockingFunction".to_owned());
        }
        if self
            .status
            .is_some_and(|status| status != 429 && !(500..600).contains(&status))
        {
            return Err("status is 429, or one from 500 to 599; error gives a 400".to_owned());
        }
        Ok(())
    }

    fn is_of(&self, path: &str) -> bool {
        self.call == "*" || path.rsplit('/').next() == Some(self.call.as_str())
    }

    /// The answer, when there is one instead of the call's own.
    fn answer(&self) -> Option<Response> {
        let error = if let Some(status) = self.status {
            Error::Fault(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        } else if let Some(blocking) = &self.blocking_function {
            Error::Said(blocking.worded())
        } else {
            Error::Said(self.error.clone()?)
        };
        let mut response = error.into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Some(response)
    }
}

impl Blocking {
    fn worded(&self) -> String {
        let Blocking {
            message,
            status,
            spelling,
        } = self;
        let said = match spelling {
            Spelling::Json => {
                format!(
                    ": {}",
                    json!({ "error": { "message": message, "status": status } })
                )
            }
            Spelling::Sentence => format!(". Code: 403, Status: \"{status}\", Message: \"{message}\""),
        };
        format!("BLOCKING_FUNCTION_ERROR_RESPONSE : HTTP Cloud Function returned an error{said}")
    }
}

/// What is to go wrong, in the order in which it was asked for.
#[derive(Default)]
pub(super) struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    /// The first that is of this call, counted.
    fn next(&self, path: &str) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = faults.iter().position(|fault| fault.is_of(path))?;
        let fault = faults[at].clone();
        if let Some(times) = &mut faults[at].times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                faults.remove(at);
            }
        }
        Some(fault)
    }

    fn add(&self, fault: Fault) -> Result<(), Error> {
        let refused = |why: String| Error::Malformed(format!("Invalid fault: {why}."));
        fault.check().map_err(refused)?;
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() >= MOST {
            return Err(refused(format!(
                "there are {MOST} already; DELETE takes all away"
            )));
        }
        if fault.times != Some(0) {
            faults.push_back(fault);
        }
        Ok(())
    }

    fn shown(&self) -> Json<Value> {
        let faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Json(json!({ "faults": *faults }))
    }
}

/// Around every call of users, of the owner, and for keys.
pub(super) async fn apply(State(identity): State<Arc<Identity>>, request: Request, next: Next) -> Response {
    let Some(fault) = identity.faults.next(request.uri().path()) else {
        return next.run(request).await;
    };
    tokio::time::sleep(Duration::from_millis(fault.latency_ms)).await;
    match fault.answer() {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}

/// `POST /emulator/v1/faults`: one more; the list of all.
pub(super) async fn add(State(identity): State<Arc<Identity>>, body: Bytes) -> Result<Json<Value>, Error> {
    let fault = serde_json::from_slice(&body)
        .map_err(|error| Error::Malformed(format!("Invalid fault: {error}.")))?;
    identity.faults.add(fault)?;
    Ok(identity.faults.shown())
}

/// `GET /emulator/v1/faults`.
pub(super) async fn list(State(identity): State<Arc<Identity>>) -> Json<Value> {
    identity.faults.shown()
}

/// `DELETE /emulator/v1/faults`: everything works again.
pub(super) async fn clear(State(identity): State<Arc<Identity>>) -> Json<Value> {
    let mut faults = identity.faults.0.lock().unwrap_or_else(PoisonError::into_inner);
    faults.clear();
    Json(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &Value) -> Result<Fault, String> {
        let fault: Fault = serde_json::from_value(json.clone()).map_err(|error| error.to_string())?;
        fault.check().map(|()| fault)
    }

    #[test]
    fn a_fault_says_where_and_what_and_nothing_unknown() {
        for (json, why) in [
            (json!({ "status": 500 }), "missing field `call`"),
            (json!({ "call": "", "status": 500 }), "last name"),
            (json!({ "call": "*" }), "say what goes wrong"),
            (json!({ "call": "*", "latency": 5 }), "unknown field `latency`"),
            (json!({ "call": "*", "latencyMs": 30_001 }), "30000 at most"),
            (json!({ "call": "*", "status": 404 }), "429"),
            (json!({ "call": "*", "status": 500, "error": "X" }), "one of"),
        ] {
            let refused = fault(&json).unwrap_err();
            assert!(refused.contains(why), "{json}: {refused}");
        }
    }

    #[test]
    fn a_fault_comes_as_often_as_it_was_asked_for_and_only_there() {
        let faults = Faults::default();
        let twice = json!({ "call": "token", "status": 503, "times": 2 });
        faults.add(fault(&twice).unwrap()).unwrap();
        faults
            .add(fault(&json!({ "call": "accounts:signUp", "latencyMs": 1 })).unwrap())
            .unwrap();
        assert!(faults.next("/v1/accounts:signInWithPassword").is_none());
        for expected in [true, true, false] {
            assert_eq!(
                faults.next("/securetoken.googleapis.com/v1/token").is_some(),
                expected
            );
        }
        for _ in 0..3 {
            assert!(
                faults.next("/v1/accounts:signUp").is_some(),
                "until it is deleted"
            );
        }
    }

    #[test]
    fn a_blocking_function_is_quoted_in_both_spellings() {
        let blocking = |spelling| Blocking {
            message: "Not \"here\"".to_owned(),
            status: denied(),
            spelling,
        };
        assert_eq!(
            blocking(Spelling::Json).worded(),
            "BLOCKING_FUNCTION_ERROR_RESPONSE : HTTP Cloud Function returned an error: \
             {\"error\":{\"message\":\"Not \\\"here\\\"\",\"status\":\"PERMISSION_DENIED\"}}"
        );
        assert!(
            blocking(Spelling::Sentence)
                .worded()
                .ends_with("error. Code: 403, Status: \"PERMISSION_DENIED\", Message: \"Not \"here\"\"")
        );
    }
}
