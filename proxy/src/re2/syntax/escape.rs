//! What stands behind a backslash: classes, characters by number, quotations, properties.

use super::{Before, Rest, literal};

/// What stands behind a backslash outside of a class; nothing for an empty quotation.
pub(super) fn translate(rest: &mut Rest<'_>, out: &mut String) -> Result<Option<Before>, String> {
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
pub(super) fn character(rest: &mut Rest<'_>) -> Result<char, String> {
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
pub(super) fn property(rest: &mut Rest<'_>) -> Result<String, String> {
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
