//! Forms: read within a bound and a deadline, and what can be seen of their fields without asking anybody.

use axum::Form;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::arrival::Arrival;
use crate::error::Failure;
use crate::identity::Refusal;

/// The fields of a posted form.
pub(crate) async fn read<T: DeserializeOwned>(arrival: &Arrival, mut request: Request) -> Result<T, Failure> {
    DefaultBodyLimit::max(LONGEST).apply(&mut request);
    match arrival.within(Form::<T>::from_request(request, &())).await {
        Ok(Ok(Form(fields))) => Ok(fields),
        _ => Err(Failure::BadForm),
    }
}

/// Whether a text can be an address; whether it is one, only a mail can tell.
pub(crate) fn check_email(email: &str) -> Result<(), Refusal> {
    let parts = email.split_once('@');
    let plausible = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    match plausible && email.len() <= 254 && !email.contains(char::is_whitespace) {
        true => Ok(()),
        false => Err(Refusal::InvalidEmail),
    }
}

/// Bytes of a form: an address, two long passphrases, and each of their bytes percent-encoded.
const LONGEST: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_something_on_both_sides() {
        assert_eq!(check_email("a@b"), Ok(()));
        for text in ["", "a", "a@", "@b", "a b@c", "a@b\n"] {
            assert_eq!(check_email(text), Err(Refusal::InvalidEmail), "{text:?}");
        }
    }
}
