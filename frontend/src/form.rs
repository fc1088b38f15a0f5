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
    // a second `@` would let two readers see two hosts
    let plausible =
        parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    match plausible && email.len() <= 254 && !email.contains(char::is_whitespace) {
        true => Ok(()),
        false => Err(Refusal::InvalidEmail),
    }
}

/// A path of ours to go on to, or the start page: never another site, whatever the text looks like to a
/// browser. `//host`, `/\host`, tabs and line breaks inside are all read as another host by some of them.
pub(crate) fn local_path(text: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte);
    match text.starts_with('/') && !text.contains("//") && text.len() <= 256 && text.bytes().all(plain) {
        true => text,
        false => "/",
    }
}

/// Bytes of a form: an address, two long passphrases, and each of their bytes percent-encoded.
const LONGEST: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_gone_on_to() {
        for path in ["/", "/account", "/account/second-step"] {
            assert_eq!(local_path(path), path);
        }
        for path in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/%09/evil.example",
            "https://evil.example",
            "/a/..//evil.example",
            "/a?next=//evil.example",
            "/a#b",
            "javascript:alert(1)",
        ] {
            assert_eq!(local_path(path), "/", "{path:?}");
        }
    }

    #[test]
    fn an_address_has_something_on_both_sides() {
        assert_eq!(check_email("a@b"), Ok(()));
        for text in ["", "a", "a@", "@b", "a b@c", "a@b\n", "a@evil.example@b"] {
            assert_eq!(check_email(text), Err(Refusal::InvalidEmail), "{text:?}");
        }
    }
}
