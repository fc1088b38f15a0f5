//! One spelling for every path: the same text for policies, routes and the upstream, or a rule could be
//! bypassed by spelling it differently.
//!
//! BASE follows the URL rules that browsers share (<https://url.spec.whatwg.org/>, path state): backslashes
//! are slashes, percent-encoded unreserved characters (RFC 3986, section 2.3) are decoded once, dot segments
//! are resolved (section 5.2.4). The query is never touched.

use std::borrow::Cow;

use crate::plan::PathNormalization;

/// A path that has no canonical form: it holds an encoded NUL. The answer is 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadPath;

/// The canonical form of a request target in origin form (`/path?query`); the fragment is cut off.
pub(crate) fn normalize(mode: PathNormalization, raw: &str) -> Result<Cow<'_, str>, BadPath> {
    let target = raw.split_once('#').map_or(raw, |(target, _)| target);
    let (path, query) = match target.find('?') {
        Some(at) => target.split_at(at),
        None => (target, ""),
    };
    let path = match mode {
        PathNormalization::None => return Ok(Cow::Borrowed(target)),
        _ if is_plain(path) => return Ok(Cow::Borrowed(target)),
        PathNormalization::Base => canonical(path)?,
        PathNormalization::MergeSlashes => merge_slashes(canonical(path)?),
        PathNormalization::DecodeAndMergeSlashes => merge_slashes(canonical(&decode_slashes(path))?),
    };
    Ok(Cow::Owned(path + query))
}

/// Whether no mode would change anything: nearly every request, and then nothing is copied.
fn is_plain(path: &str) -> bool {
    let mut before = b' ';
    path.starts_with('/')
        && path.bytes().all(|byte| {
            let fine = match byte {
                b'/' => before != b'/',
                b'.' => before != b'/',
                byte => byte != b'%' && byte != b'\\' && is_kept(byte),
            };
            before = byte;
            fine
        })
}

/// `%2F` and `%5C` are what they stand for.
fn decode_slashes(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        decoded.push_str(before);
        let character = match escaped(escape.as_bytes()) {
            Some(b'/') => "/",
            Some(b'\\') => "\\",
            _ => "",
        };
        let length = if character.is_empty() { 1 } else { 3 };
        decoded.push_str(if character.is_empty() { "%" } else { character });
        rest = &escape[length..];
    }
    decoded + rest
}

fn canonical(path: &str) -> Result<String, BadPath> {
    let spelled = respell(path)?;
    let mut out = String::with_capacity(spelled.len());
    let mut segments = spelled.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => out.truncate(out.rfind('/').unwrap_or(0)),
            _ => {
                out.push('/');
                out.push_str(segment);
                continue;
            }
        }
        // a dot segment at the end leaves its slash behind
        if last {
            out.push('/');
        }
    }
    Ok(out)
}

/// Each character in its one spelling; segments stay as they are.
fn respell(path: &str) -> Result<String, BadPath> {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let mut length = 1;
        match byte {
            b'\\' => out.push('/'),
            b'%' => match escaped(&bytes[at..]) {
                Some(0) => return Err(BadPath),
                Some(code) => {
                    length = 3;
                    if is_unreserved(code) && !completes_escape(&out, code) {
                        out.push(code.into());
                    } else {
                        out.push_str(path.get(at..at + 3).unwrap_or_default());
                    }
                }
                None => out.push('%'),
            },
            kept if is_kept(kept) => out.push(kept.into()),
            other => {
                out.push('%');
                out.push(hexadecimal(other >> 4));
                out.push(hexadecimal(other & 15));
            }
        }
        at += length;
    }
    Ok(out)
}

/// Whether a decoded digit would make an escape out of a stray `%`: `%%361` must not become `%61`, which
/// the upstream would decode once more. Stricter than Envoy.
fn completes_escape(before: &str, code: u8) -> bool {
    let stray = match before.as_bytes() {
        [.., b'%'] => true,
        [.., b'%', digit] => digit.is_ascii_hexdigit(),
        _ => false,
    };
    stray && code.is_ascii_hexdigit()
}

/// The non-empty segments with one slash before each, and one behind if there was one. Two slashes alone
/// stay two, as in Envoy.
fn merge_slashes(path: String) -> String {
    if !path.contains("//") {
        return path;
    }
    let mut out = String::with_capacity(path.len());
    out.push('/');
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        if !out.ends_with('/') {
            out.push('/');
        }
        out.push_str(segment);
    }
    if path.ends_with('/') {
        out.push('/');
    }
    out
}

/// The byte that `%XX` stands for.
fn escaped(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn hexadecimal(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit & 15)])
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Whether a raw character stays as it is: those of RFC 3986 and the square brackets.
fn is_kept(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}')
}

#[cfg(test)]
mod tests;
