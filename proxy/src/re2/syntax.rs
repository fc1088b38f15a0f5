//! RE2's syntax, rewritten for regex-automata (<https://github.com/google/re2/wiki/Syntax>).
//!
//! What differs: Perl and POSIX classes and `\b` are ASCII while everything else is Unicode; inside a class
//! `&&`, `--`, `~~` and `[` are plain; a `{` that starts no count is text; octal and `\Q…\E` exist; look-around,
//! back references and `\C` do not.

use std::iter::Peekable;
use std::str::Chars;

mod class;

/// The same expression in the engine's syntax.
pub(super) fn translate(expression: &str) -> Result<String, String> {
    let mut out = String::with_capacity(expression.len() + 16);
    let mut rest = expression.chars().peekable();
    // what a count or star would repeat
    let mut before = Before::Nothing;
    while let Some(next) = rest.next() {
        before = match next {
            '\\' => escape(&mut rest, &mut out)?.unwrap_or(before),
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

/// What stands behind a backslash outside of a class; nothing for an empty quotation.
fn escape(rest: &mut Rest<'_>, out: &mut String) -> Result<Option<Before>, String> {
    let Some(&next) = rest.peek() else {
        return Err("ends in a backslash".into());
    };
    match next {
        'Q' => {
            rest.next();
            return Ok(quotation(rest, out).then_some(Before::Something));
        }
        'A' | 'z' => out.push_str(if next == 'A' { r"\A" } else { r"\z" }),
        'b' => out.push_str(r"(?-u:\b)"),
        'B' => out.push_str(r"(?-u:\B)"),
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str(r"[\t\n\f\r\x20]"),
        'S' => out.push_str(r"[^\t\n\f\r\x20]"),
        'p' | 'P' => {
            out.push_str(&property(rest)?);
            return Ok(Some(Before::Something));
        }
        'C' => return Err("has `\\C`, a byte out of a character, which is not supported".into()),
        _ => {
            literal(character(rest)?, out);
            return Ok(Some(Before::Something));
        }
    }
    rest.next();
    Ok(Some(Before::Something))
}

/// `\Q…\E`, or to the end. Says whether there was any text.
fn quotation(rest: &mut Rest<'_>, out: &mut String) -> bool {
    let mut any = false;
    while let Some(next) = rest.next() {
        if next == '\\' && rest.next_if_eq(&'E').is_some() {
            break;
        }
        literal(next, out);
        any = true;
    }
    any
}

/// A character by its escape: punctuation, control letters, octal, hexadecimal.
fn character(rest: &mut Rest<'_>) -> Result<char, String> {
    let Some(next) = rest.next() else {
        return Err("ends in a backslash".into());
    };
    let code = match next {
        'a' => 7,
        't' => 9,
        'n' => 10,
        'v' => 11,
        'f' => 12,
        'r' => 13,
        '0' => octal(0, rest),
        '1'..='7' if rest.peek().is_some_and(|digit| digit.is_digit(8)) => {
            octal(next.to_digit(8).unwrap_or_default(), rest)
        }
        '1'..='9' => {
            return Err(format!(
                "has a back reference `\\{next}`, which RE2 does not know"
            ));
        }
        'x' => hexadecimal(rest)?,
        other if other.is_ascii_punctuation() && other != '_' => other.into(),
        other => return Err(format!("has an escape `\\{other}`, which RE2 does not know")),
    };
    char::from_u32(code).ok_or_else(|| format!("has an escape for {code:#x}, which is no character"))
}

fn octal(first: u32, rest: &mut Rest<'_>) -> u32 {
    let mut code = first;
    for _ in 0..2 {
        match rest.next_if(|digit| digit.is_digit(8)) {
            Some(digit) => code = code * 8 + digit.to_digit(8).unwrap_or_default(),
            None => break,
        }
    }
    code
}

fn hexadecimal(rest: &mut Rest<'_>) -> Result<u32, String> {
    let mut digits = String::new();
    if rest.next_if_eq(&'{').is_some() {
        while let Some(digit) = rest.next_if(char::is_ascii_hexdigit) {
            digits.push(digit);
        }
        if rest.next() != Some('}') {
            digits.clear();
        }
    } else {
        digits.extend(rest.next_if(char::is_ascii_hexdigit));
        digits.extend(rest.next_if(char::is_ascii_hexdigit));
        if digits.len() < 2 {
            digits.clear();
        }
    }
    u32::from_str_radix(&digits, 16).map_err(|_| "has a `\\x` without its hexadecimal digits".into())
}

/// `\pL`, `\p{Greek}`, `\p{^Greek}`, `\P{Lu}`: general categories and scripts, and no other properties.
fn property(rest: &mut Rest<'_>) -> Result<String, String> {
    let mut negative = rest.next() == Some('P');
    let mut name = String::new();
    match rest.next() {
        Some('{') => loop {
            match rest.next() {
                Some('}') => break,
                Some('^') if name.is_empty() => negative = !negative,
                Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => name.push(letter),
                _ => return Err("has a `\\p{…}` that is no general category and no script".into()),
            }
        },
        Some(letter) if letter.is_ascii_uppercase() => name.push(letter),
        _ => return Err("has a `\\p` without a class".into()),
    }
    if !name.starts_with(|first: char| first.is_ascii_uppercase()) {
        return Err(format!(
            "has `\\p{{{name}}}`: names of classes begin with a capital"
        ));
    }
    let letter = if negative { 'P' } else { 'p' };
    Ok(match name.as_str() {
        "Any" => format!(r"\{letter}{{any}}"),
        category if category.len() <= 2 => format!(r"\{letter}{{gc={category}}}"),
        script => format!(r"\{letter}{{sc={script}}}"),
    })
}

/// RE2's bound on counts.
const MAX_COUNT: u32 = 1000;
