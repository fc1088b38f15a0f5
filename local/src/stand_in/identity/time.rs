//! What time it is for a stand-in whose clock a test can move, and how a time is written.
//!
//! There are two clocks. The one of codes (mails, second steps, sign-ins that are under way) is what most
//! tests move. The one of tokens says when ID tokens, session cookies and `validSince` are: moved forward,
//! tokens that were handed out before have ended here; moved back, those handed out from now on have ended
//! for everybody else. Whoever verifies a token elsewhere has the real time.

use std::sync::atomic::{AtomicI64, Ordering};

use serde::Deserialize;

/// Seconds by which each clock is off.
#[derive(Default)]
pub(super) struct Clock {
    codes: AtomicI64,
    tokens: AtomicI64,
}

/// Which clock a test moves.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Of {
    #[default]
    Codes,
    Tokens,
    Everything,
}

impl Clock {
    /// The time of mails and codes.
    pub(super) fn codes(&self) -> u64 {
        moved(&self.codes)
    }

    /// The time of tokens and accounts.
    pub(super) fn tokens(&self) -> u64 {
        moved(&self.tokens)
    }

    /// Moves one clock or both, forward or back.
    pub(super) fn advance(&self, of: Of, seconds: i32) {
        let add = |clock: &AtomicI64| {
            let far = clock.load(Ordering::Relaxed).saturating_add(seconds.into());
            clock.store(far.clamp(-FARTHEST, FARTHEST), Ordering::Relaxed);
        };
        if of != Of::Tokens {
            add(&self.codes);
        }
        if of != Of::Codes {
            add(&self.tokens);
        }
    }

    /// Both show the real time again.
    pub(super) fn reset(&self) {
        self.codes.store(0, Ordering::Relaxed);
        self.tokens.store(0, Ordering::Relaxed);
    }
}

/// Ten years: enough for every test, and no sum can overflow.
const FARTHEST: i64 = 10 * 365 * 24 * 3600;

fn moved(clock: &AtomicI64) -> u64 {
    crate::stand_in::key::now().saturating_add_signed(clock.load(Ordering::Relaxed))
}

/// Seconds since 1970 as RFC 3339 has them: `2026-11-30T04:52:00Z`. The date is Howard Hinnant's
/// `civil_from_days`.
pub(super) fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let days = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153; // from March on
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year_of_era + era * 400 + next;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_a_calendar_has_them() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_111_111_109, "2005-03-18T01:58:29Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), expected);
        }
    }

    #[test]
    fn each_clock_is_moved_alone_and_set_right_again() {
        let clock = Clock::default();
        clock.advance(Of::Codes, 100);
        clock.advance(Of::Tokens, -7200);
        let real = crate::stand_in::key::now();
        assert!((real + 100..=real + 102).contains(&clock.codes()));
        assert!((real - 7200..=real - 7198).contains(&clock.tokens()));
        clock.advance(Of::Everything, i32::MIN);
        clock.advance(Of::Everything, i32::MIN);
        assert!(clock.tokens() > 0, "never before 1970");
        clock.reset();
        assert!(clock.codes() >= real && clock.tokens() >= real);
    }
}
