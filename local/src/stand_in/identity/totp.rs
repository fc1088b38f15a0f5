//! Codes that change with the time (RFC 6238): six digits of HMAC-SHA1 every 30 seconds, and the base32 in
//! which an app is told the secret (RFC 4648).

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

/// Seconds for which a code is shown.
pub(super) const PERIOD: u64 = 30;
/// Digits of a code.
pub(super) const DIGITS: u32 = 6;
/// Periods by which a phone's clock may be off, before and after.
const ADJACENT: u64 = 1;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step in which this code is right; none when it is wrong. A code of the last step that was used, or
/// of one before, is wrong: what somebody read over a shoulder is worth nothing (RFC 6238 section 5.2).
pub(super) fn accept(secret: &[u8], typed: &str, now: u64, last: u64) -> Option<u64> {
    let step = now / PERIOD;
    let steps = step.saturating_sub(ADJACENT)..=step + ADJACENT;
    steps
        .into_iter()
        .find(|step| *step > last && code(secret, *step) == typed)
}

/// The code of a step.
fn code(secret: &[u8], step: u64) -> String {
    let mac = sign(
        &Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret),
        &step.to_be_bytes(),
    );
    let mac = mac.as_ref();
    let at = usize::from(mac[mac.len() - 1] & 0xf);
    let number = u32::from_be_bytes([mac[at] & 0x7f, mac[at + 1], mac[at + 2], mac[at + 3]]);
    format!("{:06}", number % 10_u32.pow(DIGITS))
}

/// Base32 without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(ALPHABET[(bits >> count & 31) as usize]));
        }
    }
    if count > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - count) & 31) as usize]));
    }
    text
}

/// And back.
pub(super) fn of_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (time, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, time / PERIOD), expected, "{time}");
        }
    }

    #[test]
    fn a_code_is_good_for_three_steps_and_once() {
        let typed = code(SECRET, 100);
        for (now, good) in [(98, false), (99, true), (100, true), (101, true), (102, false)] {
            assert_eq!(accept(SECRET, &typed, now * PERIOD, 0).is_some(), good, "{now}");
        }
        assert_eq!(accept(SECRET, &typed, 100 * PERIOD, 100), None, "used");
        assert_eq!(accept(SECRET, &typed, 100 * PERIOD, 99), Some(100));
    }

    #[test]
    fn base32_goes_there_and_back() {
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(of_base32(&base32(SECRET)).as_deref(), Some(SECRET));
        assert_eq!(of_base32("MZXW1"), None);
    }
}
