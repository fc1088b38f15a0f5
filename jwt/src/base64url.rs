//! Base64url as Envoy reads it: more forgiving than RFC 7515, which allows neither padding nor spaces.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Decodes `text`. White space inside is skipped, padding may be left out but not be wrong, and bits
/// left over in the last character do not matter.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = without_white_space(text);
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if padding != 0 && padding != (4 - digits.len() % 4) % 4 {
        return None;
    }
    ENGINE.decode(digits).ok()
}

fn without_white_space(text: &str) -> Cow<'_, str> {
    if text.bytes().any(is_white_space) {
        Cow::Owned(
            text.chars()
                .filter(|c| !(c.is_ascii() && is_white_space(*c as u8)))
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// C's `isspace`, which counts the vertical tab where `u8::is_ascii_whitespace` does not.
fn is_white_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn padding_is_absent_or_exact_and_spaces_do_not_count() {
        let table: [(&str, Option<&[u8]>); 15] = [
            ("", Some(b"")),
            ("YQ", Some(b"a")),
            ("YQ==", Some(b"a")),
            ("YQ=", None),
            ("YWI", Some(b"ab")),
            ("YWI=", Some(b"ab")),
            ("YWI==", None),
            ("YWJj", Some(b"abc")),
            ("YWJj=", None),
            ("YWJj====", None),
            ("Y\tQ = =\n", Some(b"a")),
            ("YR", Some(b"a")), // the low bits of R are lost
            ("Y", None),
            ("a+b/", None), // the other alphabet
            ("Y=Q", None),
        ];
        for (text, bytes) in table {
            assert_eq!(decode(text).as_deref(), bytes, "{text:?}");
        }
    }
}
