//! One second step of an account: an app that shows codes, or a telephone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::stand_in::identity::account::PHONE;
use crate::stand_in::identity::accounts::{URL_SAFE, random_text};
use crate::stand_in::identity::error::Error;
use crate::stand_in::identity::time::rfc3339;

/// A second step of an account.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::stand_in::identity) struct Factor {
    pub(in crate::stand_in::identity) id: String,
    pub(in crate::stand_in::identity) name: String,
    enrolled_at: u64,
    /// Base32; empty for a telephone.
    #[serde(default)]
    pub(super) secret: String,
    /// The step of the last code that was used.
    #[serde(default)]
    pub(super) last: u64,
    /// A telephone's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
}

impl Factor {
    /// An app that has shown the right code, in this step.
    pub(super) fn app(secret: String, name: String, enrolled_at: u64, last: u64) -> Result<Factor, Error> {
        Ok(Factor {
            id: random_text(28, URL_SAFE)?,
            name,
            enrolled_at,
            secret,
            last,
            phone: None,
        })
    }

    /// A telephone that the owner of the project vouches for.
    pub(in crate::stand_in::identity) fn phone(
        number: String,
        name: String,
        enrolled_at: u64,
    ) -> Result<Factor, Error> {
        Ok(Factor {
            id: random_text(28, URL_SAFE)?,
            name,
            enrolled_at,
            secret: String::new(),
            last: 0,
            phone: Some(number),
        })
    }

    /// As tokens name it.
    pub(in crate::stand_in::identity) fn kind(&self) -> &'static str {
        match self.phone {
            Some(_) => PHONE,
            None => "totp",
        }
    }

    /// As its owner sees it. Of a telephone only the last four digits: the first step alone shows it.
    pub(in crate::stand_in::identity) fn shown(&self) -> Value {
        let mut shown = json!({ "mfaEnrollmentId": self.id, "displayName": self.name,
            "enrolledAt": rfc3339(self.enrolled_at) });
        match &self.phone {
            Some(number) => shown["phoneInfo"] = masked(number).into(),
            None => shown["totpInfo"] = json!({}),
        }
        shown
    }
}

fn masked(number: &str) -> String {
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let mut seen = 0;
    let mask = |letter: char| {
        seen += usize::from(letter.is_ascii_digit());
        match letter.is_ascii_digit() && seen + 4 <= digits {
            true => '*',
            false => letter,
        }
    };
    number.chars().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_number_the_last_four_digits_are_shown() {
        assert_eq!(masked("+1 650-555-0100"), "+* ***-***-0100");
        assert_eq!(masked("12"), "12");
    }
}
