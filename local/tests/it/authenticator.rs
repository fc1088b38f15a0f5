//! What an authenticator app does: codes of a secret that change with the time (RFC 6238).

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

/// The code that an app shows so many periods of 30 seconds from now.
pub(crate) fn code(secret: &str, periods: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let step = (i64::try_from(now.unwrap().as_secs() / 30).unwrap() + periods).to_be_bytes();
    let mac = sign(
        &Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &of_base32(secret)),
        &step,
    );
    let mac = mac.as_ref();
    let at = usize::from(mac[mac.len() - 1] & 0xf);
    let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn of_base32(text: &str) -> Vec<u8> {
    let value = |letter: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
    let letters = text.chars().filter(|letter| !letter.is_whitespace());
    let bits: String = letters.map(|letter| format!("{:05b}", value(letter))).collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}
