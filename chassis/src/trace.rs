//! W3C trace context (<https://www.w3.org/TR/trace-context/>), in and out: the same trace id on every
//! hop is what joins the access records of one request.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use http::{HeaderMap, HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};

/// The header's name.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where a request stands in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace, 16 bytes, never zero.
    pub trace: u128,
    /// The span that this hop is, 8 bytes, never zero.
    pub span: u64,
    /// Whether the caller asked for the trace to be recorded.
    pub sampled: bool,
}

impl TraceContext {
    /// A new trace.
    pub fn new() -> TraceContext {
        TraceContext {
            trace: (u128::from(random()) << 64 | u128::from(random())) | 1,
            span: random() | 1,
            sampled: false,
        }
    }

    /// The caller's trace with a new span for this hop, or a new trace if the header is missing,
    /// repeated or malformed (section 3.2.2 of the specification).
    pub fn of(headers: &HeaderMap) -> TraceContext {
        let mut values = headers.get_all(TRACEPARENT).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => parse(value.as_bytes())
                .map(|caller| TraceContext {
                    span: random() | 1,
                    ..caller
                })
                .unwrap_or_default(),
            _ => TraceContext::new(),
        }
    }

    /// The header for the next hop.
    pub fn header(&self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        text[3..19].copy_from_slice(&hexadecimal_digits((self.trace >> 64) as u64));
        text[19..35].copy_from_slice(&hexadecimal_digits(self.trace as u64));
        text[36..52].copy_from_slice(&hexadecimal_digits(self.span));
        text[54] += u8::from(self.sampled);
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The trace id as 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

impl Default for TraceContext {
    fn default() -> TraceContext {
        TraceContext::new()
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace,
            self.span,
            u8::from(self.sampled)
        )
    }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, lower case only; a later version may be longer.
fn parse(value: &[u8]) -> Option<TraceContext> {
    let text = std::str::from_utf8(value).ok()?;
    let version = text
        .get(..2)
        .filter(|version| *version != "ff" && hexadecimal(version))?;
    let longer = text.len() > 55;
    if longer && (version == "00" || text.as_bytes().get(55) != Some(&b'-')) {
        return None;
    }
    let (trace, span, flags) = (text.get(3..35)?, text.get(36..52)?, text.get(53..55)?);
    let dashes = [2, 35, 52].iter().all(|at| text.as_bytes()[*at] == b'-');
    if !dashes || ![trace, span, flags].into_iter().all(hexadecimal) {
        return None;
    }
    let (trace, span) = (
        u128::from_str_radix(trace, 16).ok()?,
        u64::from_str_radix(span, 16).ok()?,
    );
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (trace != 0 && span != 0).then_some(TraceContext {
        trace,
        span,
        sampled: flags & 1 == 1,
    })
}

fn hexadecimal(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// All digits of a number, in lower case. Ids are written for every request, where formatting would cost
/// more than making them.
pub fn hexadecimal_digits(number: u64) -> [u8; 16] {
    let mut text = [0; 16];
    for (two, byte) in text.as_chunks_mut().0.iter_mut().zip(number.to_be_bytes()) {
        *two = TWO_DIGITS[usize::from(byte)];
    }
    text
}

/// Of each byte.
const TWO_DIGITS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut all = [[0; 2]; 256];
    let mut byte = 0;
    while byte < all.len() {
        all[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    all
};

/// A number that is hard to meet twice, without a system call each time. For ids and load balancing,
/// never for keys: splitmix64, seeded once per thread from the system.
pub fn random() -> u64 {
    thread_local!(static STATE: Cell<u64> = Cell::new(seed()));
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

fn seed() -> u64 {
    let mut bytes = [0_u8; 8];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        // different for every thread too; nothing that must be secret hangs on it
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_goes_on_and_the_span_is_new() {
        let mut headers = HeaderMap::new();
        let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert(TRACEPARENT, caller.parse().unwrap());
        let here = TraceContext::of(&headers);
        assert_eq!(here.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_ne!(here.span, 0xb7ad_6b71_6920_3331);
        assert!(here.sampled);
        assert_eq!(parse(here.header().as_bytes()), Some(here));
    }

    #[test]
    fn what_the_specification_calls_invalid_starts_a_new_trace() {
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0é",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        let future = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what";
        assert!(parse(future.as_bytes()).is_some());
    }

    #[test]
    fn two_lines_are_malformed() {
        let mut headers = HeaderMap::new();
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.append(TRACEPARENT, value.parse().unwrap());
        headers.append(TRACEPARENT, value.parse().unwrap());
        assert_ne!(
            TraceContext::of(&headers).trace_id(),
            "0af7651916cd43dd8448eb211c80319c"
        );
    }
}
