//! Regular expressions with RE2's meaning, on bytes, anchored.

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Re2(regex_automata::meta::Regex);

impl Re2 {
    /// Whether the whole value matches.
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        self.0.is_match(value)
    }
}
