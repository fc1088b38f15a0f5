//! The recorded keys, certificates and tokens: where they lie, and the names they go by in requests and answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Everything a case may name. Read once, shared by all cases.
pub(crate) struct Material {
    folder: PathBuf,
    tokens: BTreeMap<String, String>,
    certificates: BTreeMap<String, CertificateDer<'static>>,
    names: Vec<(String, String)>,
}

impl Material {
    /// Reads `pki/` and `jwt/` of `folder`.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let tokens: BTreeMap<String, String> =
            serde_json::from_slice(&fs::read(folder.join("jwt/tokens.json"))?)?;
        let mut certificates = BTreeMap::new();
        let mut names: Vec<_> = tokens
            .iter()
            .map(|(name, token)| (format!("{{jwt:{name}}}"), token.clone()))
            .collect();
        for entry in fs::read_dir(folder.join("pki"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "crt") {
                let name = path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let der = CertificateDer::from_pem_file(&path).map_err(io::Error::other)?;
                names.push((
                    format!("{{{name}}}"),
                    percent_encoded(&fs::read_to_string(&path)?),
                ));
                names.push((format!("{{sha256 of {name}}}"), sha256(&der)));
                certificates.insert(name, der);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            tokens,
            certificates,
            names,
        })
    }

    /// `text` with the tokens and certificates in place of their names: `{jwt:NAME}`, `{NAME}` (the
    /// percent-encoded PEM of `x-forwarded-client-cert`) and `{sha256 of NAME}`.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        if text.contains('{') {
            for (name, value) in &self.names {
                filled = filled.replace(name, value);
            }
        }
        filled
    }

    pub(crate) fn token(&self, name: &str) -> &str {
        self.tokens
            .get(name)
            .unwrap_or_else(|| panic!("jwt/tokens.json has no token {name:?}"))
    }

    /// A certificate of `pki/` with its key.
    pub(crate) fn identity(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivateKeyDer::from_pem_file(self.folder.join("pki").join(name).with_extension("key"));
        (
            vec![self.certificate(name).clone()],
            key.unwrap_or_else(|e| panic!("pki/{name}.key: {e}")),
        )
    }

    pub(crate) fn certificate(&self, name: &str) -> &CertificateDer<'static> {
        self.certificates
            .get(name)
            .unwrap_or_else(|| panic!("pki has no certificate {name:?}"))
    }

    /// The name a certificate has in `pki/`.
    pub(crate) fn name_of(&self, certificate: &CertificateDer<'_>) -> Option<&str> {
        self.certificates
            .iter()
            .find(|(_, known)| *known == certificate)
            .map(|(name, _)| name.as_str())
    }

    /// What the documents' variables stand for.
    pub(crate) fn variables(&self) -> io::Result<[(&'static str, String); 4]> {
        let keys = |file: &str| {
            fs::read_to_string(self.folder.join("jwt").join(file)).map(|text| text.trim().to_owned())
        };
        let folder = |name: &str| self.folder.join(name).display().to_string();
        Ok([
            ("PKI", folder("pki")),
            ("SECRETS", folder("secrets")),
            ("JWKS", keys("shop.json")?),
            ("JWKS_OTHER", keys("other.json")?),
        ])
    }

    /// A key set of `jwt/`, as the key server hands it out.
    pub(crate) fn key_set(&self, file: &str) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join("jwt").join(file))
    }
}

/// The digest in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    ring::digest::digest(&ring::digest::SHA256, bytes)
        .as_ref()
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
