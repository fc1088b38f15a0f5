//! A reader for DER (X.690), as much as certificates need: bounded by its slice, no recursion.

/// `[0]` of a TBSCertificate.
pub(crate) const VERSION: u8 = 0xa0;
/// `[3]` of a TBSCertificate.
pub(crate) const EXTENSIONS: u8 = 0xa3;
/// Of a GeneralName: `[1]`.
pub(crate) const RFC822_NAME: u8 = 0x81;
/// Of a GeneralName: `[2]`.
pub(crate) const DNS_NAME: u8 = 0x82;
/// Of a GeneralName: `[6]`.
pub(crate) const URI: u8 = 0x86;
/// Of a GeneralName: `[7]`.
pub(crate) const IP_ADDRESS: u8 = 0x87;
/// BOOLEAN.
pub(crate) const BOOLEAN: u8 = 0x01;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const UTF8_STRING: u8 = 0x0c;
const BMP_STRING: u8 = 0x1e;

/// Values one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Over these bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    /// The next value with its tag.
    pub(crate) fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            long @ 0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let length = digits
                    .iter()
                    .fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
                (length, rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, value))
    }

    /// The next value, a SEQUENCE.
    pub(crate) fn sequence(&mut self) -> Option<Reader<'a>> {
        self.expect(SEQUENCE)
    }

    /// The next value, a SET.
    pub(crate) fn set(&mut self) -> Option<Reader<'a>> {
        self.expect(SET)
    }

    /// Passes over the next value if it has this tag.
    pub(crate) fn skip_if(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.any();
        }
    }

    /// The next value, a time, in seconds since the epoch (RFC 5280, section 4.1.2.5: always in Z).
    pub(crate) fn time(&mut self) -> Option<i64> {
        let (tag, value) = self.any()?;
        let text = std::str::from_utf8(value).ok()?;
        let (year, rest) = match tag {
            UTC_TIME => {
                let year: i64 = text.get(..2)?.parse().ok()?;
                (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
            }
            GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
            _ => return None,
        };
        let part = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
        let (month, day) = (part(0)?, part(2)?);
        let seconds = (part(4)? * 60 + part(6)?) * 60 + part(8)?;
        ((1..=12).contains(&month) && (1..=31).contains(&day))
            .then(|| days_since_epoch(year, month, day) * 86_400 + seconds)
    }

    fn expect(&mut self, tag: u8) -> Option<Reader<'a>> {
        let (found, value) = self.any()?;
        (found == tag).then_some(Reader(value))
    }
}

/// The text of a string value.
pub(crate) fn text(tag: u8, value: &[u8]) -> String {
    match tag {
        UTF8_STRING => String::from_utf8_lossy(value).into_owned(),
        BMP_STRING => {
            let units = value
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or('?'))
                .collect()
        }
        // PrintableString, IA5String, TeletexString: one byte, one character
        _ => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// An object identifier in dotted form.
pub(crate) fn identifier(value: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for byte in value {
        arc = arc.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            match arcs.is_empty() {
                true => arcs.extend([(arc / 40).min(2), arc - 40 * (arc / 40).min(2)]),
                false => arcs.push(arc),
            }
            arc = 0;
        }
    }
    let arcs: Vec<String> = arcs.iter().map(ToString::to_string).collect();
    arcs.join(".")
}

/// Howard Hinnant's `days_from_civil`.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let of_era_days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    era * 146_097 + of_era_days - 719_468
}
