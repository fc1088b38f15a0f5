//! `fault`: delays and aborts that are injected on purpose, to see what callers make of them.
//!
//! They come before CORS and before anything is sent on: no timeout counts the delay, nothing is retried
//! or mirrored, and a preflight is hit like any other request.

use std::time::Duration;

use crate::plan::route::{AbortWith, Fault};

/// What hits one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// Wait this long first.
    pub(crate) delay: Option<Duration>,
    /// Then answer with this.
    pub(crate) abort: Option<AbortWith>,
}

/// Draws for both, independently.
pub(crate) fn draw(fault: &Fault) -> Drawn {
    draw_with(fault, chassis::trace::random)
}

fn draw_with(fault: &Fault, random: impl Fn() -> u64) -> Drawn {
    Drawn {
        delay: fault
            .delay
            .filter(|(_, share)| hits(*share, random()))
            .map(|(delay, _)| delay),
        abort: fault
            .abort
            .filter(|(_, share)| hits(*share, random()))
            .map(|(abort, _)| abort),
    }
}

/// Whether a share of a million takes this number.
pub(crate) fn hits(per_million: u32, random: u64) -> bool {
    random % 1_000_000 < u64::from(per_million)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn shares_are_of_a_million_and_the_two_draws_are_independent() {
        let abort = AbortWith::Http(StatusCode::IM_A_TEAPOT);
        let delay = Duration::from_secs(1);
        for (delays, aborts, random, wanted) in [
            (1_000_000, 1_000_000, 999_999, (true, true)),
            (0, 0, 0, (false, false)),
            (1, 0, 0, (true, false)),
            (1, 0, 1, (false, false)),
            (125_000, 500_000, 2_125_000, (false, true)),
        ] {
            let fault = Fault {
                delay: Some((delay, delays)),
                abort: Some((abort, aborts)),
            };
            let drawn = draw_with(&fault, || random);
            assert_eq!((drawn.delay.is_some(), drawn.abort.is_some()), wanted, "{random}");
        }
    }
}
