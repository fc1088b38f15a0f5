//! Character classes: `[a-z]`, `[^[:alpha:]\d\pL]`, and everything in them that only looks special.

use super::Rest;
use super::escape::{character, property};

/// A class, behind its opening bracket, to its closing one.
pub(super) fn translate(rest: &mut Rest<'_>, out: &mut String) -> Result<(), String> {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        match rest.peek().copied() {
            None => return Err("has a class `[` that does not end".into()),
            Some(']') if !first => {
                rest.next();
                out.push(']');
                return Ok(());
            }
            Some('[') if posix(rest, out)? => {}
            Some('\\') if perl(rest, out)? => {}
            Some(_) => range(rest, out)?,
        }
        first = false;
    }
}

/// `[:alpha:]` and its kin. Says whether there was one.
fn posix(rest: &mut Rest<'_>, out: &mut String) -> Result<bool, String> {
    let mut ahead = rest.clone();
    ahead.next();
    if ahead.next() != Some(':') {
        return Ok(false);
    }
    let text: String = ahead.clone().collect();
    let Some(end) = text.find(":]") else {
        return Ok(false);
    };
    let name = &text[..end];
    if !POSIX.contains(&name.trim_start_matches('^')) {
        return Err(format!("has a class `[:{name}:]`, which RE2 does not know"));
    }
    out.push_str(&format!("[:{name}:]"));
    ahead.nth(name.chars().count() + 1);
    *rest = ahead;
    Ok(true)
}

/// `\d`, `\pL` and their kin. Says whether there was one.
fn perl(rest: &mut Rest<'_>, out: &mut String) -> Result<bool, String> {
    let mut ahead = rest.clone();
    ahead.next();
    let class = match ahead.peek() {
        Some('d') => "0-9",
        Some('D') => "[^0-9]",
        Some('w') => "0-9A-Za-z_",
        Some('W') => "[^0-9A-Za-z_]",
        Some('s') => r"\t\n\f\r\x20",
        Some('S') => r"[^\t\n\f\r\x20]",
        Some('p' | 'P') => {
            out.push_str(&property(&mut ahead)?);
            *rest = ahead;
            return Ok(true);
        }
        _ => return Ok(false),
    };
    ahead.next();
    out.push_str(class);
    *rest = ahead;
    Ok(true)
}

/// One character, or two with a hyphen between them.
fn range(rest: &mut Rest<'_>, out: &mut String) -> Result<(), String> {
    let low = member(rest)?;
    let mut ahead = rest.clone();
    let mut high = low;
    if ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']') {
        high = member(&mut ahead)?;
        *rest = ahead;
    }
    if high < low {
        return Err(format!("has a range that runs backwards, `{low}-{high}`"));
    }
    out.push_str(&format!(
        "\\x{{{:x}}}-\\x{{{:x}}}",
        u32::from(low),
        u32::from(high)
    ));
    Ok(())
}

fn member(rest: &mut Rest<'_>) -> Result<char, String> {
    match rest.next() {
        Some('\\') => character(rest),
        Some(plain) => Ok(plain),
        None => Err("has a class `[` that does not end".into()),
    }
}

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];
