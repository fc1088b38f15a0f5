//! Enrolments and sign-ins that wait for a code, in memory: a restart forgets them, and one begins again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::stand_in::identity::account::SignIn;
use crate::stand_in::identity::accounts::{URL_SAFE, random_text};
use crate::stand_in::identity::error::Error;

/// Steps that wait at a time.
const MOST: usize = 10_000;

/// What was begun and waits for a code: enrolments and sign-ins.
#[derive(Default)]
pub(in crate::stand_in::identity) struct Begun(Mutex<HashMap<String, Step>>);

/// One of them.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) local_id: String,
    pub(super) what: What,
    until: u64,
}

/// What waits.
#[derive(Clone)]
pub(super) enum What {
    /// An app with this secret is being added.
    Enrolment(String),
    /// Somebody is signing in, and the first step was this.
    SignIn(SignIn),
}

impl Begun {
    /// Keeps a step; the ticket that it is found by.
    pub(super) fn add(&self, local_id: &str, what: What, until: u64) -> Result<String, Error> {
        let ticket = random_text(40, URL_SAFE)?;
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() >= MOST {
            steps.clear(); // whoever was at it starts again
        }
        let local_id = local_id.to_owned();
        let step = Step {
            local_id,
            what,
            until,
        };
        steps.insert(ticket.clone(), step);
        Ok(ticket)
    }

    /// The step of a ticket, in its time.
    pub(super) fn get(&self, ticket: &str, now: u64) -> Option<Step> {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.get(ticket).filter(|step| step.until > now).cloned()
    }

    /// It came to its end.
    pub(super) fn end(&self, ticket: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(ticket);
    }
}
