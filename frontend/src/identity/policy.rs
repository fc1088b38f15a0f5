//! The project's rules for passwords, so that they can be shown before anybody types one. Fetched once in
//! a while; without an answer the page shows the one rule that always holds.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::{IdentityPlatform, Refusal, read};
use crate::words::{Words, fill};

/// What a new password must be. Counted in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PasswordPolicy {
    pub(crate) shortest: usize,
    longest: usize,
    lower: bool,
    upper: bool,
    digit: bool,
    special: bool,
}

/// One rule of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Shortest(usize),
    Longest(usize),
    Lower,
    Upper,
    Digit,
    Special,
}

impl Default for PasswordPolicy {
    /// What holds in a project without a policy.
    fn default() -> PasswordPolicy {
        PasswordPolicy {
            shortest: 6,
            longest: 4096,
            lower: false,
            upper: false,
            digit: false,
            special: false,
        }
    }
}

impl PasswordPolicy {
    /// The rules, in the order in which they are shown. That of the length never fails to be there.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let all = [
            (true, Rule::Shortest(self.shortest)),
            (self.longest < 4096, Rule::Longest(self.longest)),
            (self.lower, Rule::Lower),
            (self.upper, Rule::Upper),
            (self.digit, Rule::Digit),
            (self.special, Rule::Special),
        ];
        all.into_iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, rule)| rule)
            .collect()
    }

    /// Refuses a password that is missing or breaks a rule.
    pub(crate) fn check(&self, password: &str) -> Result<(), Refusal> {
        if password.is_empty() {
            return Err(Refusal::MissingPassword);
        }
        let broken = self.broken(password);
        match broken.is_empty() {
            true => Ok(()),
            false => Err(Refusal::PasswordTooWeak(broken)),
        }
    }

    /// The rules that a password breaks. Identity Platform has the last word.
    fn broken(&self, password: &str) -> Vec<Rule> {
        let length = password.chars().count();
        let has = |kind: fn(&char) -> bool| password.chars().any(|c| kind(&c));
        let fits = |rule: &Rule| match rule {
            Rule::Shortest(shortest) => length >= *shortest,
            Rule::Longest(longest) => length <= *longest,
            Rule::Lower => has(char::is_ascii_lowercase),
            Rule::Upper => has(char::is_ascii_uppercase),
            Rule::Digit => has(char::is_ascii_digit),
            Rule::Special => has(char::is_ascii_punctuation),
        };
        self.rules().into_iter().filter(|rule| !fits(rule)).collect()
    }
}

impl Rule {
    /// The rule that a line of Identity Platform's refusal names; the lines are sentences for people.
    pub(super) fn of(line: &str) -> Option<Rule> {
        let line = line.to_ascii_lowercase();
        let number = line
            .split(|c: char| !c.is_ascii_digit())
            .find_map(|word| word.parse().ok());
        match () {
            () if line.contains("at least") => Some(Rule::Shortest(number?)),
            () if line.contains("at most") => Some(Rule::Longest(number?)),
            () if line.contains("upper case") => Some(Rule::Upper),
            () if line.contains("lower case") => Some(Rule::Lower),
            () if line.contains("non-alphanumeric") => Some(Rule::Special),
            () if line.contains("numeric") => Some(Rule::Digit),
            () => None,
        }
    }

    /// The rule for a person.
    pub(crate) fn text(&self, t: &Words) -> String {
        match self {
            Rule::Shortest(least) => fill(t.at_least, least),
            Rule::Longest(most) => fill(t.at_most, most),
            Rule::Lower => t.lower_case.to_owned(),
            Rule::Upper => t.upper_case.to_owned(),
            Rule::Digit => t.digit.to_owned(),
            Rule::Special => t.special.to_owned(),
        }
    }
}

/// The policy that was last heard of, and when.
pub(super) type Cache = Mutex<Option<(Instant, PasswordPolicy)>>;

impl IdentityPlatform {
    /// The project's policy. Never an error: a form is shown whatever happens.
    pub(crate) async fn password_policy(&self) -> PasswordPolicy {
        let held = self.policy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, policy)) = &held
            && at.elapsed() < FRESH
        {
            return policy.clone();
        }
        let fetched = tokio::time::timeout(PATIENCE, self.fetch_policy()).await;
        let policy = match fetched {
            Ok(Ok(policy)) => policy,
            failed => {
                let reason = match failed {
                    Ok(Err(refusal)) => refusal.detail().unwrap_or_default(),
                    _ => format!("no answer within {PATIENCE:?}"),
                };
                tracing::warn!(
                    "the password policy cannot be fetched, the form shows the last known one: {reason}"
                );
                // not asked again for a while either: nobody should wait twice for a hint
                held.map(|(_, policy)| policy).unwrap_or_default()
            }
        };
        let entry = Some((Instant::now(), policy.clone()));
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = entry;
        policy
    }

    async fn fetch_policy(&self) -> Result<PasswordPolicy, Refusal> {
        let tenant = self.tenant.as_ref().map(|tenant| [("tenantId", tenant)]);
        let request = self.http.get(self.toolkit("v2/passwordPolicy")).query(&tenant);
        let body = self.ask(request).await?;
        let answer: Answer = read(&body)?;
        let none = PasswordPolicy::default();
        let options = answer.custom_strength_options;
        Ok(PasswordPolicy {
            shortest: options.min_password_length.unwrap_or(none.shortest),
            longest: options.max_password_length.unwrap_or(none.longest),
            lower: options.contains_lowercase_character,
            upper: options.contains_uppercase_character,
            digit: options.contains_numeric_character,
            special: options.contains_non_alphanumeric_character,
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    custom_strength_options: Options,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    min_password_length: Option<usize>,
    max_password_length: Option<usize>,
    contains_lowercase_character: bool,
    contains_uppercase_character: bool,
    contains_numeric_character: bool,
    contains_non_alphanumeric_character: bool,
}

/// How long a policy is shown before it is asked for again.
const FRESH: Duration = Duration::from_secs(600);
/// How long a form waits for its hints.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_broken_and_read_from_a_refusal() {
        let policy = PasswordPolicy {
            shortest: 8,
            longest: 20,
            lower: true,
            upper: true,
            digit: true,
            special: true,
        };
        assert_eq!(policy.broken("Acme-2026"), []);
        let table = [
            (
                "Ac-1",
                Rule::Shortest(8),
                "Password must contain at least 8 characters",
            ),
            (
                "Acme-2026-acme-acme-a",
                Rule::Longest(20),
                "Password may contain at most 20 characters",
            ),
            (
                "ACME-2026",
                Rule::Lower,
                "Password must contain a lower case character",
            ),
            (
                "acme-2026",
                Rule::Upper,
                "Password must contain an upper case character",
            ),
            (
                "Acme-acme",
                Rule::Digit,
                "Password must contain a numeric character",
            ),
            (
                "Acme02026",
                Rule::Special,
                "Password must contain a non-alphanumeric character",
            ),
        ];
        for (password, rule, line) in table {
            assert_eq!(policy.broken(password), [rule], "{password}");
            assert_eq!(Rule::of(line), Some(rule), "{line}");
        }
        assert_eq!(Rule::of("something else"), None);
    }
}
