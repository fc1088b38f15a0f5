//! Tokens that are really signed, with two keys made for these tests and for nothing else.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

pub(crate) struct Key {
    id: &'static str,
    pair: RsaKeyPair,
}

impl Key {
    pub(crate) fn a() -> Key {
        Key::of("key-a", include_bytes!("../../data/key-a.der"))
    }

    pub(crate) fn b() -> Key {
        Key::of("key-b", include_bytes!("../../data/key-b.der"))
    }

    /// The same key under another name.
    pub(crate) fn named(self, id: &'static str) -> Key {
        Key { id, ..self }
    }

    fn of(id: &'static str, der: &[u8]) -> Key {
        let pair = RsaKeyPair::from_pkcs8(der).unwrap();
        Key { id, pair }
    }

    /// Its entry in a key set.
    pub(crate) fn jwk(&self) -> Value {
        let parts = PublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id,
               "n": URL_SAFE_NO_PAD.encode(parts.n), "e": "AQAB"})
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "kid": self.id, "typ": "JWT"});
        let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let input = format!("{header}.{claims}");
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                input.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// An ID token of the test user that is good for so many seconds.
    pub(crate) fn id_token(&self, life: u64) -> String {
        self.sign(&id_claims(life))
    }
}

pub(crate) fn id_claims(life: u64) -> Value {
    json!({"iss": "https://securetoken.google.com/demo-acme", "aud": "demo-acme", "sub": "user-1",
           "user_id": "user-1", "email": super::EMAIL, "email_verified": true, "auth_time": now(),
           "iat": now(), "exp": now() + life})
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
