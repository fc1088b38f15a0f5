//! Passwords, hashed with PBKDF2 and a salt of their own.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::pbkdf2::{PBKDF2_HMAC_SHA256, derive, verify};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::error::Error;

/// Little work by today's measure, because a debug build does it slowly and the test user's password is
/// public anyway.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(20_000).expect("not zero");

/// Passwords are at least this long, as in Identity Platform without a policy.
pub(super) const SHORTEST: usize = 6;
/// And no longer than this.
const LONGEST: usize = 4096;
/// Rounds of a hash that is imported.
const MOST_ROUNDS: u32 = 120_000;

/// What is kept of a password. No `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Hash {
    salt: String,
    hash: String,
    #[serde(default = "iterations")]
    iterations: NonZeroU32,
}

fn iterations() -> NonZeroU32 {
    ITERATIONS
}

impl Hash {
    /// Hashes a new password that is long enough.
    pub(super) fn new(password: &str) -> Result<Hash, Error> {
        if !(SHORTEST..=LONGEST).contains(&password.len()) {
            return Err(Error::Code(
                "WEAK_PASSWORD : Password should be at least 6 characters",
            ));
        }
        let mut salt = [0_u8; 16];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| Error::Internal("no random bytes".to_owned()))?;
        let mut hash = [0_u8; 32];
        derive(
            PBKDF2_HMAC_SHA256,
            ITERATIONS,
            &salt,
            password.as_bytes(),
            &mut hash,
        );
        Ok(Hash {
            salt: STANDARD.encode(salt),
            hash: STANDARD.encode(hash),
            iterations: ITERATIONS,
        })
    }

    /// A hash of another system, in base64 of either alphabet.
    pub(super) fn imported(hash: &str, salt: &str, rounds: Option<u64>) -> Result<Hash, Error> {
        let decode = |text: &str| {
            let text = text.replace('-', "+").replace('_', "/");
            STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()
        };
        let rounds = rounds.and_then(|rounds| u32::try_from(rounds).ok());
        let iterations = rounds
            .filter(|rounds| *rounds <= MOST_ROUNDS)
            .and_then(NonZeroU32::new);
        match (decode(hash), decode(salt), iterations) {
            (Some(hash), Some(salt), Some(iterations)) if hash.len() == 32 => Ok(Hash {
                salt: STANDARD.encode(salt),
                hash: STANDARD.encode(hash),
                iterations,
            }),
            _ => Err(Error::Code(
                "a hash of PBKDF2_SHA256 has 32 bytes, a salt and 1 to 120000 rounds",
            )),
        }
    }

    /// Whether this is the password.
    pub(super) fn fits(&self, password: &str) -> bool {
        let (Ok(salt), Ok(hash)) = (STANDARD.decode(&self.salt), STANDARD.decode(&self.hash)) else {
            return false;
        };
        verify(
            PBKDF2_HMAC_SHA256,
            self.iterations,
            &salt,
            password.as_bytes(),
            &hash,
        )
        .is_ok()
    }

    /// Does the same work for an account that is not there, so that time does not tell.
    pub(super) fn waste_time(password: &str) {
        let mut hash = [0_u8; 32];
        derive(
            PBKDF2_HMAC_SHA256,
            ITERATIONS,
            &[0; 16],
            password.as_bytes(),
            &mut hash,
        );
        std::hint::black_box(hash);
    }
}
