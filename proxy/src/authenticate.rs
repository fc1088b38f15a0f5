//! RequestAuthentication: whose token came along, and is it good? Without any token a request passes with no
//! user; it is the policies' turn to ask for one.
//!
//! Rules are tried in order and the first that accepts decides. If none does, all are tried once more, and
//! then each must accept or find no token: so says Envoy's filter, and two issuers behind one gateway depend
//! on it. The clock, the keys and the cache are the caller's.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::cors;
use crate::head::{Head, User};
use crate::plan::DocumentId;
use crate::plan::authentication::JwtRule;

mod cache;
mod outputs;
mod places;
mod verify;

pub(crate) use cache::TokenCache;
use verify::{Accepted, Verifier};

/// The keys of a rule by its place in [`crate::plan::Plan::jwt_rules`]; none = not fetched yet.
pub(crate) type Keys<'a> = &'a dyn Fn(usize) -> Option<Arc<jwt::Jwks>>;

/// A token that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// 401, or 403 for an audience that is not ours.
    pub(crate) status: StatusCode,
    /// What was found, in Envoy's words: the answer's body.
    pub(crate) error: jwt::Error,
    /// `www-authenticate`. Holds the query as sent, perhaps with a token: never to be logged.
    pub(crate) challenge: HeaderValue,
    /// The RequestAuthentication that refuses.
    pub(crate) document: DocumentId,
    /// The rule's place in [`crate::plan::Plan::jwt_rules`].
    pub(crate) rule: usize,
    /// The rule's key set has no such key: fetched anew, it may.
    pub(crate) unknown_kid: bool,
}

/// Verifies the tokens of a request and puts into the head what they say. `now` is in Unix seconds.
///
/// On a refusal the head is as it was but for the headers that only a rule may write, so the caller may
/// fetch keys and ask again.
pub(crate) fn authenticate(
    rules: &[Arc<JwtRule>],
    keys: Keys<'_>,
    cache: &TokenCache,
    now: u64,
    head: &mut Head,
) -> Result<(), Box<Refusal>> {
    if rules.is_empty() {
        return Ok(());
    }
    // always, for all rules, whether or not a token came along: nobody else writes these
    for rule in rules {
        outputs::remove(rule, &mut head.headers);
    }
    if cors::is_preflight(head) {
        return Ok(());
    }
    let mut run = Run {
        rules,
        verifier: Verifier { keys, cache, now },
        before: None,
    };
    run.rules(head).map_err(|failure| {
        if let Some(before) = run.before.take() {
            before.restore(head);
        }
        failure.refusal(&rules[failure.rule], head)
    })
}

/// One request on its way through the rules.
struct Run<'a> {
    rules: &'a [Arc<JwtRule>],
    verifier: Verifier<'a>,
    /// What the head was before the first change that a refusal may have to undo.
    before: Option<Before>,
}

/// What a rule found.
enum Outcome {
    Accepted,
    Missing,
}

#[derive(Clone, Copy)]
struct Failure {
    rule: usize,
    error: jwt::Error,
}

impl Run<'_> {
    fn rules(&mut self, head: &mut Head) -> Result<(), Failure> {
        let mut failed = None;
        let mut last_other = None;
        for rule in 0..self.rules.len() {
            match self.rule(rule, head, true) {
                Ok(Outcome::Accepted) => return Ok(()),
                Ok(Outcome::Missing) => {}
                Err(failure) => {
                    failed = Some(failure);
                    if failure.error != jwt::Error::IssuerNotConfigured {
                        last_other = Some(failure);
                    }
                }
            }
        }
        let Some(failure) = failed else {
            return Ok(());
        };
        if self.rules.len() == 1 {
            return Err(failure);
        }
        for rule in 0..self.rules.len() {
            if let Err(failure) = self.rule(rule, head, false) {
                return Err(match failure.error {
                    jwt::Error::IssuerNotConfigured => last_other.unwrap_or(failure),
                    _ => failure,
                });
            }
        }
        Ok(())
    }

    /// Takes the rule's tokens from the head as it is now and verifies them, the last place first. Each good
    /// one takes effect at once; the first bad one ends it.
    fn rule(&mut self, place: usize, head: &mut Head, decides: bool) -> Result<Outcome, Failure> {
        let rule = &self.rules[place];
        if !decides {
            // what the first pass wrote for a rule that then failed does not outlive the second
            outputs::remove(rule, &mut head.headers);
        }
        let mut accepted: Vec<(usize, Arc<Accepted>)> = Vec::new();
        let mut error = None;
        let tokens = places::tokens(rule, head);
        for token in tokens.iter().rev() {
            match self.verifier.verify(place, rule, &token.text) {
                Ok(verified) => accepted.push((token.place, verified)),
                Err(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
        drop(tokens);
        let may_be_undone = error.is_some() || !decides;
        if may_be_undone && !accepted.is_empty() && self.before.is_none() {
            self.before = Some(Before::of(head));
        }
        for (place, verified) in &accepted {
            outputs::write(verified, &mut head.headers);
            if !rule.forward {
                places::remove(&rule.places[*place], head);
            }
            head.user = Some(verified.user.clone());
        }
        match error {
            Some(error) => Err(Failure { rule: place, error }),
            None if accepted.is_empty() => Ok(Outcome::Missing),
            None => Ok(Outcome::Accepted),
        }
    }
}

/// The parts of a head that tokens change.
struct Before {
    headers: HeaderMap,
    target: PathAndQuery,
    user: Option<Arc<User>>,
}

impl Before {
    fn of(head: &Head) -> Before {
        Before {
            headers: head.headers.clone(),
            target: head.target.clone(),
            user: head.user.clone(),
        }
    }

    fn restore(self, head: &mut Head) {
        head.headers = self.headers;
        head.target = self.target;
        head.user = self.user;
    }
}

impl Failure {
    fn refusal(self, rule: &JwtRule, head: &Head) -> Box<Refusal> {
        Box::new(Refusal {
            status: match self.error {
                jwt::Error::AudienceNotAllowed => StatusCode::FORBIDDEN,
                _ => StatusCode::UNAUTHORIZED,
            },
            error: self.error,
            challenge: challenge(head),
            document: rule.document.clone(),
            rule: self.rule,
            unknown_kid: self.error == jwt::Error::NoMatchingKey,
        })
    }
}

/// RFC 6750, section 3, with Envoy's realm: the address that was asked for, not escaped, its path and query
/// cut off.
fn challenge(head: &Head) -> HeaderValue {
    let scheme = head.headers.get("x-forwarded-proto");
    let scheme = scheme.map_or(head.scheme.as_str().as_bytes(), HeaderValue::as_bytes);
    let target = head.target.as_str().as_bytes();
    let target = target.get(..LONGEST_REALM).unwrap_or(target);
    let parts: [&[u8]; 6] = [
        b"Bearer realm=\"",
        scheme,
        b"://",
        head.authority.as_bytes(),
        target,
        b"\", error=\"invalid_token\"",
    ];
    let mut challenge =
        HeaderValue::from_bytes(&parts.concat()).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
    challenge.set_sensitive(true);
    challenge
}

/// Bytes of path and query in a challenge.
const LONGEST_REALM: usize = 256;

#[cfg(test)]
mod tests;
