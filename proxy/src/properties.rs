//! What must hold for every input, tried on many: each property draws from a seeded generator, so that a
//! failure comes again; `FUZZ_SECONDS` lets each go on for as long with new draws (`./test` does).

mod hygiene;
mod mutation;
mod regular;

use std::time::{Duration, Instant};

/// Draws (splitmix64). The same seed gives the same draws.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.number() % most.max(1) as u64).unwrap()
    }

    pub(crate) fn one<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }

    /// So many of them, at most, joined.
    pub(crate) fn text(&mut self, of: &[&str], most: usize) -> String {
        (0..self.below(most + 1)).map(|_| self.one(of)).collect()
    }
}

/// Tries a property on so many draws, and on more while there is time; a failure names its seed.
pub(crate) fn hold(rounds: u64, property: impl Fn(&mut Draws)) {
    let seconds = std::env::var("FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut seed = 0;
    while seed < rounds || Instant::now() < end {
        let told = Told(seed);
        property(&mut Draws(seed));
        std::mem::forget(told);
        seed += 1;
    }
}

/// Says which draw it was when a property panics.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        eprintln!("seed {}", self.0);
    }
}
