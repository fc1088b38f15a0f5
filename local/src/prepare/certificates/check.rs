//! Does a certificate on disk still do its work? Asked as its peer asks: the chain, the usage, the
//! names, the time a week from now; and that the key belongs to it.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{Leaf, Name, RENEW_BEFORE, Usage};

/// Ok while the leaf and its key can be used for another week; else what is wrong.
pub(super) fn fits(pki: &Path, leaf: &Leaf) -> Result<()> {
    let (certificate, key) = (format!("{}.crt", leaf.name), format!("{}.key", leaf.name));
    check(pki, leaf, &certificate, &key).with_context(|| format!("{}/{certificate}", pki.display()))
}

fn check(pki: &Path, leaf: &Leaf, certificate: &str, key: &str) -> Result<()> {
    let provider = rustls::crypto::ring::default_provider();
    let read = |name: &str| -> Result<CertificateDer<'static>> {
        CertificateDer::from_pem_file(pki.join(name)).map_err(|error| anyhow!("{name}: {error}"))
    };
    let (authority, der) = (read("ca.crt")?, read(certificate)?);
    ensure!(pki.join("ca.key").exists(), "ca.key is missing");
    let key = PrivateKeyDer::from_pem_file(pki.join(key)).map_err(|error| anyhow!("{key}: {error}"))?;
    CertifiedKey::from_der(vec![der.clone()], key, &provider).context("its key")?;

    let parsed = EndEntityCert::try_from(&der)?;
    let soon = std::time::SystemTime::now() + RENEW_BEFORE;
    let soon = soon.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    parsed
        .verify_for_usage(
            provider.signature_verification_algorithms.all,
            &[anchor_from_trusted_cert(&authority)?],
            &[],
            UnixTime::since_unix_epoch(soon),
            match leaf.usage {
                Usage::Server => KeyUsage::server_auth(),
                Usage::Client => KeyUsage::client_auth(),
            },
            None,
            None,
        )
        .context("within the next seven days")?;
    leaf.names.iter().try_for_each(|name| carries(&parsed, name))
}

fn carries(certificate: &EndEntityCert<'_>, name: &Name) -> Result<()> {
    let server_name = match name {
        Name::Uri(uri) => {
            let found = certificate.valid_uri_names().any(|present| present == *uri);
            ensure!(found, "it is not for {uri}");
            return Ok(());
        }
        Name::Dns(name) => ServerName::try_from(*name)?,
        Name::Ip(address) => ServerName::IpAddress(IpAddr::from(std::net::IpAddr::from(*address))),
    };
    certificate
        .verify_is_valid_for_subject_name(&server_name)
        .map_err(|error| anyhow!("{error}"))
}
