//! The encryption of the session cookie: AES-256-GCM, several keys, the newest first.
//!
//! A value is `v1.<key id>.<base64url of nonce, ciphertext and tag>`. The cookie's name and the version are
//! authenticated with it, so a value cannot be moved to another cookie. Nonces are random: with one key
//! 2³² of them may be used (NIST SP 800-38D section 8.3), more sign-ins than any key will see.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::SessionKey;

/// All keys, the sealing one first.
pub(super) struct Seal {
    keys: Vec<Key>,
    random: SystemRandom,
}

struct Key {
    id: String,
    key: LessSafeKey,
}

/// What was in a cookie, and whether the newest key sealed it.
pub(super) struct Opened {
    pub(super) content: Vec<u8>,
    pub(super) newest_key: bool,
}

impl Seal {
    pub(super) fn new(keys: &[SessionKey]) -> Seal {
        let keys = keys.iter().filter_map(|key| {
            let hash = digest(&SHA256, &[b"acme session key id".as_slice(), &key.0].concat());
            Some(Key {
                id: URL_SAFE_NO_PAD.encode(&hash.as_ref()[..6]),
                // 32 bytes by type, so this cannot fail
                key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key.0).ok()?),
            })
        });
        Seal {
            keys: keys.collect(),
            random: SystemRandom::new(),
        }
    }

    /// Encrypts with the newest key. None when the system has no randomness or there is no key.
    pub(super) fn seal(&self, name: &str, content: Vec<u8>) -> Option<String> {
        let key = self.keys.first()?;
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = content;
        let aad = Aad::from(context(name));
        key.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .ok()?;
        let sealed = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        Some(format!("{VERSION}.{}.{sealed}", key.id))
    }

    /// Decrypts with whichever key sealed it. None for everything that is not exactly ours.
    pub(super) fn open(&self, name: &str, value: &str) -> Option<Opened> {
        let (id, sealed) = value.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
        let at = self.keys.iter().position(|key| key.id == id)?;
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let content = self.keys[at]
            .key
            .open_in_place(nonce, Aad::from(context(name)), sealed)
            .ok()?;
        Some(Opened {
            content: content.to_vec(),
            newest_key: at == 0,
        })
    }
}

fn context(name: &str) -> Vec<u8> {
    format!("{name} {VERSION}").into_bytes()
}

const VERSION: &str = "v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(keys: &[u8]) -> Seal {
        Seal::new(
            &keys
                .iter()
                .map(|byte| SessionKey([*byte; 32]))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn an_old_key_still_opens_and_a_removed_one_does_not() {
        let value = seal(&[1]).seal("session", b"content".to_vec()).unwrap();
        let same = seal(&[1]).open("session", &value).unwrap();
        assert_eq!(
            (same.content.as_slice(), same.newest_key),
            (&b"content"[..], true)
        );
        assert!(!seal(&[2, 1]).open("session", &value).unwrap().newest_key);
        assert!(seal(&[2]).open("session", &value).is_none());
    }

    #[test]
    fn nothing_but_the_very_value_opens() {
        let seal = seal(&[1]);
        let value = seal.seal("session", b"content".to_vec()).unwrap();
        assert!(seal.open("__Host-session", &value).is_none(), "another cookie");
        for at in 0..value.len() {
            let mut changed = value.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(seal.open("session", &changed).is_none(), "changed at {at}");
            assert!(seal.open("session", &value[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn the_same_content_never_looks_the_same() {
        let seal = seal(&[1]);
        assert_ne!(
            seal.seal("session", vec![1; 64]),
            seal.seal("session", vec![1; 64])
        );
    }
}
