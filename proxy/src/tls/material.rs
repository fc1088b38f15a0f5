//! What the files of a credential hold: certificate chain, key, trust anchors, revocation lists.
//!
//! Files are read again and again (see [`super::reload`]), so reading is apart from understanding, and
//! the digest of all bytes tells whether anything changed. An error names the file, what is wrong with
//! it, and never shows a byte of a key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow, bail};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;
use crate::plan::listener::Credential;
use crate::plan::upstream::{Trust, UpstreamTls};

/// Where secrets and the system's trust anchors are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    /// `--secrets`: a directory with one directory per Kubernetes secret.
    pub(crate) directory: Option<PathBuf>,
    /// `SSL_CERT_FILE`, if it is set.
    pub(crate) system_roots: Option<PathBuf>,
}

/// The files that one TLS configuration is made of, and what was in them.
#[derive(Clone, Default)]
pub(crate) struct Files {
    pub(crate) certificate: Option<File>,
    pub(crate) key: Option<File>,
    pub(crate) ca: Option<File>,
    pub(crate) crl: Option<File>,
}

/// A file as it was read.
#[derive(Clone)]
pub(crate) struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Contents may be keys.
impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [&self.certificate, &self.key, &self.ca, &self.crl];
        let paths = all.into_iter().flatten().map(|file| &file.path);
        f.debug_list().entries(paths).finish()
    }
}

impl Secrets {
    /// Reads what a server of a Gateway needs; the CA only if it asks clients for certificates.
    pub(crate) fn of_server(&self, credential: &Credential, asks: bool) -> anyhow::Result<Files> {
        let mut files = self.pair(credential)?;
        if asks {
            (files.ca, files.crl) = self.anchors_of(credential)?;
        }
        Ok(files)
    }

    /// Reads what connections to an upstream need.
    pub(crate) fn of_client(&self, tls: &UpstreamTls) -> anyhow::Result<Files> {
        let mut files = match &tls.certificate {
            Some(credential) => self.pair(credential)?,
            None => Files::default(),
        };
        match &tls.trust {
            Trust::File { ca, crl } => {
                files.ca = Some(File::read(ca)?);
                files.crl = crl.as_deref().map(File::read).transpose()?;
            }
            Trust::Secret(name) => {
                (files.ca, files.crl) = self.anchors_of(&Credential::Secret(name.clone()))?;
            }
            Trust::System => files.ca = Some(File::read(&self.system_roots()?)?),
            Trust::Nothing => {}
        }
        Ok(files)
    }

    /// The bundle that the operating system keeps; which one depends on the distribution.
    pub(crate) fn system_roots(&self) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.system_roots {
            return Ok(path.clone());
        }
        let found = SYSTEM_ROOTS.iter().map(Path::new).find(|path| path.exists());
        found.map(Path::to_owned).ok_or_else(|| {
            anyhow!(
                "no trust anchors of the operating system: none of {} exists; install ca-certificates or set SSL_CERT_FILE",
                SYSTEM_ROOTS.join(", ")
            )
        })
    }

    fn pair(&self, credential: &Credential) -> anyhow::Result<Files> {
        let (certificate, key) = match credential {
            Credential::Secret(name) => {
                let directory = self.secret(name)?;
                (directory.join("tls.crt"), directory.join("tls.key"))
            }
            Credential::Files { certificate, key, .. } => (certificate.clone(), key.clone()),
        };
        Ok(Files {
            certificate: Some(File::read(&certificate)?),
            key: Some(File::read(&key)?),
            ..Files::default()
        })
    }

    fn anchors_of(&self, credential: &Credential) -> anyhow::Result<(Option<File>, Option<File>)> {
        match credential {
            Credential::Secret(name) => {
                let own = self.secret(name)?;
                // as in Istio: a secret `<name>-cacert` wins over ca.crt beside the certificate
                let apart = own.with_file_name(format!("{name}-cacert")).join("ca.crt");
                let path = if apart.exists() { apart } else { own.join("ca.crt") };
                let crl = path.with_file_name("ca.crl");
                let crl = crl.exists().then(|| File::read(&crl)).transpose()?;
                Ok((Some(File::read(&path)?), crl))
            }
            Credential::Files { ca, crl, .. } => Ok((
                ca.as_deref().map(File::read).transpose()?,
                crl.as_deref().map(File::read).transpose()?,
            )),
        }
    }

    fn secret(&self, name: &str) -> anyhow::Result<PathBuf> {
        let plain = Path::new(name).components().count() == 1 && !name.starts_with('.');
        match &self.directory {
            Some(directory) if plain => Ok(directory.join(name)),
            Some(_) => bail!("credentialName {name:?} is not the name of a secret"),
            None => bail!(
                "credentialName {name:?} needs --secrets DIR, a directory with {name}/tls.crt and {name}/tls.key"
            ),
        }
    }
}

impl Files {
    /// Tells two states of the files apart.
    pub(crate) fn digest(&self) -> String {
        let mut all = Vec::new();
        for file in [&self.certificate, &self.key, &self.ca, &self.crl] {
            let bytes = file.as_ref().map_or(&[][..], |file| &file.bytes);
            all.extend((bytes.len() as u64).to_be_bytes());
            all.extend(bytes);
        }
        super::identity::sha256(&all)
    }

    /// Certificate and key, which must fit together.
    pub(crate) fn certified_key(&self) -> anyhow::Result<Option<Arc<CertifiedKey>>> {
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Ok(None);
        };
        let chain = certificate.certificates()?;
        let pem = PrivateKeyDer::from_pem_slice(&key.bytes)
            .map_err(|_| anyhow!("{key}: no private key in PEM (PKCS#8, PKCS#1 or SEC1)"))?;
        let signer = rustls::crypto::ring::sign::any_supported_type(&pem).map_err(|_| {
            anyhow!(
                "{key}: the key's type is not supported; RSA from 2048 bits, ECDSA P-256 and P-384, Ed25519 are"
            )
        })?;
        let certified = CertifiedKey::new(chain, signer);
        certified
            .keys_match()
            .map_err(|_| anyhow!("{key}: this key does not belong to the certificate {certificate}"))?;
        Ok(Some(Arc::new(certified)))
    }

    /// Whether the certificate that we show is valid now, or every peer will refuse it.
    pub(crate) fn valid_now(&self) -> anyhow::Result<()> {
        match &self.certificate {
            Some(certificate) => valid_now(certificate, &certificate.certificates()?),
            None => Ok(()),
        }
    }

    /// The leaf certificate, read.
    pub(crate) fn leaf(&self) -> Option<Certificate> {
        let chain = self.certificate.as_ref()?.certificates().ok()?;
        Certificate::read(chain.first()?)
    }

    /// The trust anchors.
    pub(crate) fn roots(&self) -> anyhow::Result<RootCertStore> {
        let file = self
            .ca
            .as_ref()
            .context("no CA certificate: caCertificates is missing, or ca.crt in the secret")?;
        let mut roots = RootCertStore::empty();
        for certificate in file.certificates()? {
            // a system's bundle may hold roots of kinds that are not known here
            let _ = roots.add(certificate);
        }
        match roots.is_empty() {
            true => bail!("{file}: no CA certificate that can be used"),
            false => Ok(roots),
        }
    }

    /// The revocation lists.
    pub(crate) fn crls(&self) -> anyhow::Result<Vec<CertificateRevocationListDer<'static>>> {
        let Some(file) = &self.crl else {
            return Ok(Vec::new());
        };
        CertificateRevocationListDer::pem_slice_iter(&file.bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| anyhow!("{file}: not revocation lists in PEM: {error}"))
    }
}

impl File {
    fn read(path: &Path) -> anyhow::Result<File> {
        let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if size.len() > LARGEST {
            bail!("{}: larger than 4 MiB, so no certificate", path.display());
        }
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(File {
            path: path.to_owned(),
            bytes,
        })
    }

    pub(super) fn certificates(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let all = CertificateDer::pem_slice_iter(&self.bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| anyhow!("{self}: not certificates in PEM: {error}"))?;
        match all.is_empty() {
            true => bail!("{self}: no certificate in it"),
            false => Ok(all),
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

fn valid_now(file: &File, chain: &[CertificateDer<'_>]) -> anyhow::Result<()> {
    for der in chain {
        let Some(certificate) = Certificate::read(der) else {
            bail!("{file}: a certificate in it cannot be read");
        };
        let now = now();
        let subject = &certificate.subject;
        if now > certificate.not_after {
            let days = (now - certificate.not_after) / 86_400;
            bail!("{file}: the certificate of {subject} expired {days} days ago; renew it");
        }
        if now + CLOCK_SKEW < certificate.not_before {
            bail!("{file}: the certificate of {subject} is not valid yet; is the clock right?");
        }
    }
    Ok(())
}

/// Seconds since the epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A certificate made a moment ago on another machine is fine.
const CLOCK_SKEW: i64 = 300;
const LARGEST: u64 = 4 * 1024 * 1024;
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];
