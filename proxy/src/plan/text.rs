//! How a text is compared: the few kinds of matcher that all documents share.

use crate::re2::Re2;

/// A matcher for a value that need not be UTF-8.
#[derive(Clone, Debug)]
pub(crate) enum TextMatch {
    /// Equal, byte for byte.
    Exact(Box<str>),
    /// Begins with.
    Prefix(Box<str>),
    /// Ends with.
    Suffix(Box<str>),
    /// The whole value matches (RE2 semantics).
    Regex(Re2),
    /// Any value, also an empty one.
    Any,
    /// Any value but an empty one.
    NotEmpty,
    /// Equal without regard to ASCII case.
    ExactNoCase(Box<str>),
    /// Begins with, without regard to ASCII case.
    PrefixNoCase(Box<str>),
    /// Ends with, without regard to ASCII case.
    SuffixNoCase(Box<str>),
}

impl TextMatch {
    /// Whether the value fits.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        let starts = |prefix: &[u8]| {
            value
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let ends = |suffix: &[u8]| {
            let from = value.len().checked_sub(suffix.len());
            from.is_some_and(|from| value[from..].eq_ignore_ascii_case(suffix))
        };
        match self {
            TextMatch::Exact(text) => value == text.as_bytes(),
            TextMatch::Prefix(text) => value.starts_with(text.as_bytes()),
            TextMatch::Suffix(text) => value.ends_with(text.as_bytes()),
            TextMatch::Regex(regex) => regex.is_match(value),
            TextMatch::Any => true,
            TextMatch::NotEmpty => !value.is_empty(),
            TextMatch::ExactNoCase(text) => value.eq_ignore_ascii_case(text.as_bytes()),
            TextMatch::PrefixNoCase(text) => starts(text.as_bytes()),
            TextMatch::SuffixNoCase(text) => ends(text.as_bytes()),
        }
    }
}
