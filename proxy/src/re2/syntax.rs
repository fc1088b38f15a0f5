//! RE2's syntax, rewritten for regex-automata (<https://github.com/google/re2/wiki/Syntax>).
//!
//! What differs: Perl and POSIX classes and `\b` are ASCII while everything else is Unicode; inside a class
//! `&&`, `--`, `~~` and `[` are plain; a `{` that starts no count is text; octal and `\Q…\E` exist; look-around,
//! back references and `\C` do not.

use std::iter::Peekable;
use std::str::Chars;

mod class;
mod escape;

/// The same expression in the engine's syntax.
pub(super) fn translate(expression: &str) -> Result<String, String> {
    let mut out = String::with_capacity(expression.len() + 16);
    let mut rest = expression.chars().peekable();
    // what a count or star would repeat
    let mut before = Before::Nothing;
    while let Some(next) = rest.next() {
        before = match next {
            '\\' => escape::translate(&mut rest, &mut out)?.unwrap_or(before),
            '[' => {
                class::translate(&mut rest, &mut out)?;
                Before::Something
            }
            '(' => {
                let opened = group(&mut rest, &mut out)?;
                if opened { Before::Nothing } else { before }
            }
            '*' | '+' | '?' => repeat(before, next.encode_utf8(&mut [0; 4]), &mut rest, &mut out)?,
            '{' => match count(&mut rest)? {
                Some(count) => repeat(before, &count, &mut rest, &mut out)?,
                None => {
                    literal('{', &mut out);
                    Before::Something
                }
            },
            '|' => {
                out.push('|');
                Before::Nothing
            }
            ')' | '.' | '^' | '$' => {
                out.push(next);
                Before::Something
            }
            other => {
                literal(other, &mut out);
                Before::Something
            }
        };
    }
    Ok(out)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Something,
    Repetition,
}

type Rest<'a> = Peekable<Chars<'a>>;

/// A character as itself, whatever it means elsewhere.
fn literal(character: char, out: &mut String) {
    if character.is_ascii_alphanumeric() || !character.is_ascii() {
        out.push(character);
    } else {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(character)));
    }
}

/// `*`, `+`, `?` or a count, perhaps lazy. RE2 refuses one repetition right behind another.
fn repeat(before: Before, what: &str, rest: &mut Rest<'_>, out: &mut String) -> Result<Before, String> {
    match before {
        Before::Nothing => Err(format!("has nothing before `{what}` to repeat")),
        Before::Repetition => Err(format!("repeats a repetition with `{what}`")),
        Before::Something => {
            out.push_str(what);
            if rest.next_if_eq(&'?').is_some() {
                out.push('?');
            }
            Ok(Before::Repetition)
        }
    }
}

/// `{n}`, `{n,}` or `{n,m}` behind its brace; nothing else is a count.
fn count(rest: &mut Rest<'_>) -> Result<Option<String>, String> {
    let mut ahead = rest.clone();
    let mut text = String::from("{");
    let mut numbers = [None, None];
    for (place, number) in numbers.iter_mut().enumerate() {
        let mut digits = String::new();
        while let Some(digit) = ahead.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        // a leading zero makes it text
        if digits.len() > 1 && digits.starts_with('0') || place == 0 && digits.is_empty() {
            return Ok(None);
        }
        text.push_str(&digits);
        *number = (!digits.is_empty()).then(|| digits.parse::<u32>().unwrap_or(u32::MAX));
        if place == 0 && ahead.next_if_eq(&',').is_some() {
            text.push(',');
        } else {
            break;
        }
    }
    if ahead.next() != Some('}') {
        return Ok(None);
    }
    text.push('}');
    let [least, most] = numbers;
    if least.max(most).is_some_and(|number| number > MAX_COUNT) {
        return Err(format!("counts beyond {MAX_COUNT} in `{text}`"));
    }
    if most.is_some() && most < least {
        return Err(format!("counts backwards in `{text}`"));
    }
    *rest = ahead;
    Ok(Some(text))
}

/// What stands behind `(`. Says whether a group begins; flags for the rest of a group are none.
fn group(rest: &mut Rest<'_>, out: &mut String) -> Result<bool, String> {
    if rest.next_if_eq(&'?').is_none() {
        out.push('(');
        return Ok(true);
    }
    let mut ahead = rest.clone();
    match (ahead.next(), ahead.next()) {
        (Some('='), _) => return Err("has a look-ahead `(?=`, which RE2 does not know".into()),
        (Some('!'), _) => return Err("has a look-ahead `(?!`, which RE2 does not know".into()),
        (Some('<'), Some(sign @ ('=' | '!'))) => {
            return Err(format!("has a look-behind `(?<{sign}`, which RE2 does not know"));
        }
        (Some('P'), Some('=')) => return Err("has a back reference `(?P=`, which RE2 does not know".into()),
        (Some('P'), Some('<')) => {
            rest.next();
            rest.next();
            return name(rest, out).map(|()| true);
        }
        (Some('<'), _) => {
            rest.next();
            return name(rest, out).map(|()| true);
        }
        _ => {}
    }
    flags(rest, out)
}

fn name(rest: &mut Rest<'_>, out: &mut String) -> Result<(), String> {
    let mut name = String::new();
    while let Some(letter) = rest.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
        name.push(letter);
    }
    if name.is_empty() || rest.next() != Some('>') {
        return Err("has a group whose name is not of letters, digits and underscores".into());
    }
    // the engine's names do not begin with a digit
    out.push_str(&format!("(?P<_{name}>"));
    Ok(())
}

fn flags(rest: &mut Rest<'_>, out: &mut String) -> Result<bool, String> {
    out.push_str("(?");
    loop {
        match rest.next() {
            Some(flag @ ('i' | 'm' | 's' | 'U' | '-')) => out.push(flag),
            Some(':') => {
                out.push(':');
                return Ok(true);
            }
            Some(')') => {
                out.push(')');
                return Ok(false);
            }
            Some(other) => return Err(format!("has `(?…{other}`, which RE2 does not know")),
            None => return Err("has a group that does not end".into()),
        }
    }
}

/// RE2's bound on counts.
const MAX_COUNT: u32 = 1000;
