//! Which Referer is passed on (RFC 9110, section 10.1.3: a URL without fragment and userinfo).

/// Whether the value is such a URL, or empty.
pub(super) fn is_valid(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    if !text.bytes().all(is_url_character) {
        return false;
    }
    match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            !authority.is_empty() && !authority.contains('@')
        }
        _ => {
            // relative; a colon in the first segment would be read as a scheme (RFC 3986, section 4.2)
            let first = text.split(['/', '?']).next().unwrap_or_default();
            !first.contains(':')
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Of RFC 3986, without the fragment's `#` and the brackets.
fn is_url_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn a_url_passes_and_what_tells_too_much_does_not() {
        for (value, expected) in [
            ("https://shop.test:8443/a?b=c", true),
            ("https://shop.test", true),
            ("android-app://com.example/", true),
            ("ftp://shop.test/", true),
            ("https://one.test/,https://two.test/", true),
            ("/a/b:c?d=e", true),
            ("/a/b", true),
            ("", true),
            ("https://shop.test/a#c", false),
            ("https://u:p@shop.test/a", false),
            ("about:blank", false),
            ("a:b/c", false),
            ("/a#b", false),
            ("https://shop.test/a b", false),
            ("https://shop.test/ü", false),
            ("/a[\"b\"]", false),
            ("not a url", false),
        ] {
            assert_eq!(is_valid(value.as_bytes()), expected, "{value}");
        }
    }
}
