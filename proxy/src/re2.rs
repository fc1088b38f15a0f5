//! Regular expressions with RE2's meaning, on bytes: what Istio's documents are written for.
//!
//! The engine is regex-automata; [`syntax`] rewrites what the two read differently and refuses what RE2
//! does not know, so that an expression means here what it means in the mesh.

use std::borrow::Cow;
use std::fmt;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax::Config as Syntax;

mod syntax;

/// A compiled expression.
#[derive(Clone)]
pub(crate) struct Re2 {
    /// As written.
    expression: Box<str>,
    /// Anchored at both ends, over all alternatives.
    whole: Regex,
    /// The same expression, anywhere in a text.
    anywhere: Regex,
}

/// The expression, not the automaton.
impl fmt::Debug for Re2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.expression, f)
    }
}

impl Re2 {
    /// Compiles an expression as RE2 reads it, or says why RE2 would not.
    pub(crate) fn compile(expression: &str) -> Result<Re2, String> {
        if expression.len() > MAX_EXPRESSION {
            return Err(format!(
                "is {} bytes long, {MAX_EXPRESSION} is the most",
                expression.len()
            ));
        }
        let translated = syntax::translate(expression)?;
        Ok(Re2 {
            expression: expression.into(),
            anywhere: build(&translated)?,
            whole: build(&format!(r"\A(?:{translated})\z"))?,
        })
    }

    /// Whether the whole value matches; a value that is not UTF-8 matches where the expression does not
    /// ask for characters.
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        self.whole.is_match(value)
    }

    /// Says whether `\0` to `\9` of a rewrite refer to groups that there are.
    pub(crate) fn check_rewrite(&self, rewrite: &str) -> Result<(), String> {
        let groups = self
            .anywhere
            .group_info()
            .group_len(regex_automata::PatternID::ZERO);
        let mut rest = rewrite.chars();
        while let Some(next) = rest.next() {
            if next != '\\' {
                continue;
            }
            match rest.next() {
                Some('\\') => {}
                Some(digit @ '0'..='9') => {
                    let group = digit as usize - '0' as usize;
                    if group >= groups {
                        return Err(format!(
                            "names group \\{group}, the expression has {}",
                            groups.saturating_sub(1)
                        ));
                    }
                }
                _ => {
                    return Err("has a backslash that is followed by neither a digit nor a backslash".into());
                }
            }
        }
        Ok(())
    }

    /// Replaces every match; `\0` is the match, `\1` to `\9` its groups, `\\` a backslash. A group that took
    /// no part is empty.
    pub(crate) fn replace_all<'t>(&self, text: &'t str, rewrite: &str) -> Cow<'t, str> {
        let mut replaced = String::new();
        let mut done = 0;
        for captures in self.anywhere.captures_iter(text) {
            let Some(found) = captures.get_match() else {
                continue;
            };
            replaced.push_str(text.get(done..found.start()).unwrap_or_default());
            let group = |number| {
                let span = captures.get_group(number)?;
                text.get(span.range())
            };
            expand(rewrite, group, &mut replaced);
            done = found.end();
        }
        if done == 0 && replaced.is_empty() && !self.anywhere.is_match(text) {
            return Cow::Borrowed(text);
        }
        replaced.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(replaced)
    }
}

fn expand<'t>(rewrite: &str, group: impl Fn(usize) -> Option<&'t str>, out: &mut String) {
    let mut rest = rewrite.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => match rest.next() {
                Some(digit @ '0'..='9') => {
                    out.push_str(group(digit as usize - '0' as usize).unwrap_or_default());
                }
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
}

fn build(translated: &str) -> Result<Regex, String> {
    Regex::builder()
        .syntax(Syntax::new().utf8(false).nest_limit(MAX_NESTING))
        .configure(
            Config::new()
                .utf8_empty(true)
                .nfa_size_limit(Some(MAX_PROGRAM))
                .onepass_size_limit(Some(MAX_PROGRAM)),
        )
        .build(translated)
        .map_err(|error| match error.size_limit() {
            Some(_) => "is too large once its counts are written out".to_owned(),
            None => {
                let cause = error.syntax_error().map(ToString::to_string);
                let cause = cause.unwrap_or_else(|| error.to_string());
                // the parser draws the expression over several lines; the last one says what is wrong
                let line = cause.lines().last().unwrap_or_default();
                format!("is no RE2 expression: {}", line.trim_start_matches("error: "))
            }
        })
}

/// Istio's bound on an expression, bytes.
const MAX_EXPRESSION: usize = 1024;
/// RE2's and Go's bound on nesting.
const MAX_NESTING: u32 = 1000;
/// Bytes of compiled program: about the 32768 instructions that Envoy allows.
const MAX_PROGRAM: usize = 4 << 20;

#[cfg(test)]
mod tests;
