//! A session that is longer than a cookie may be stands in several: each part says how many there are and
//! of which whole it is one, so a part that an earlier, longer session left behind is never mixed in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

/// Cookies of one session.
pub(super) const MOST: usize = 4;

/// The parts of a value: itself when it fits into one cookie, else `<count>.<tag>.<piece>` for each. None
/// when it does not fit into all of them.
pub(super) fn split(value: String) -> Option<Vec<String>> {
    if value.len() <= PIECE {
        return Some(vec![value]);
    }
    let count = value.len().div_ceil(PIECE);
    let tag = tag(&value);
    // sealed values are ASCII, so every byte is a boundary
    let pieces = value.as_bytes().chunks(PIECE).map(String::from_utf8_lossy);
    let parts = pieces.map(|piece| format!("{count}.{tag}.{piece}"));
    (count <= MOST).then(|| parts.collect())
}

/// The value that begins with this part; `others(n)` are the cookies at place `n`, ours and perhaps
/// others' of the same name. None when a part is missing or changed.
pub(super) fn join<'a, I>(first: &str, others: impl Fn(usize) -> I) -> Option<String>
where
    I: Iterator<Item = &'a str>,
{
    let Some((count, tag, piece)) = header(first) else {
        return Some(first.to_owned());
    };
    let mut value = piece.to_owned();
    for place in 1..count {
        let part = others(place).find_map(|part| {
            let (its_count, its_tag, piece) = header(part)?;
            ((its_count, its_tag) == (count, tag)).then_some(piece)
        });
        value.push_str(part?);
    }
    (self::tag(&value) == tag).then_some(value)
}

/// None for a value that is whole: it begins with its version, `v1`.
fn header(part: &str) -> Option<(usize, &str, &str)> {
    let (count, rest) = part.split_once('.')?;
    let (tag, piece) = rest.split_once('.')?;
    let count = count.parse().ok().filter(|count| (2..=MOST).contains(count))?;
    Some((count, tag, piece))
}

/// Enough to tell one session's parts from another's; that nobody changed them is the seal's matter.
fn tag(value: &str) -> String {
    let hash = digest(&SHA256, value.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..9])
}

/// Bytes of a value in one cookie: browsers keep 4096 of name, value and attributes.
const PIECE: usize = 3900;

#[cfg(test)]
mod tests {
    use super::*;

    fn rejoin(parts: &[String]) -> Option<String> {
        join(&parts[0], |place| {
            parts.get(place).map(String::as_str).into_iter()
        })
    }

    #[test]
    fn whatever_fits_comes_back_whole() {
        for (length, count) in [(1, 1), (PIECE, 1), (PIECE + 1, 2), (PIECE * MOST, MOST)] {
            let value = format!("v{}", "x".repeat(length - 1));
            let parts = split(value.clone()).unwrap();
            assert_eq!(parts.len(), count, "{length}");
            assert_eq!(rejoin(&parts), Some(value), "{length}");
        }
        assert_eq!(split("x".repeat(PIECE * MOST + 1)), None);
    }

    #[test]
    fn a_part_of_another_session_is_never_mixed_in() {
        let new = split("n".repeat(PIECE * 2)).unwrap();
        let old = split("o".repeat(PIECE * 3)).unwrap();
        assert_eq!(rejoin(&[new[0].clone(), old[1].clone()]), None);
        assert_eq!(rejoin(&new[..1]), None, "a part is missing");
        let both = [old[1].as_str(), new[1].as_str()];
        let joined = join(&new[0], |_| both.into_iter());
        assert_eq!(joined, Some("n".repeat(PIECE * 2)), "the right one is found");
        let whole = split("w".repeat(10)).unwrap();
        assert_eq!(rejoin(&[whole[0].clone(), old[1].clone()]), Some("w".repeat(10)));
    }
}
