//! The laptop's certificate authority and what it issues: the gateway's server certificates and the
//! proxy's client certificate.
//!
//! Everything is issued together, so the authority outlives all its leaves and nothing can come from
//! two authorities. What is there is checked as a peer would check it, and left alone while it fits.

mod check;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::files;

/// One certificate of the system.
struct Leaf {
    /// Its files are `pki/NAME.{crt,key}`.
    name: &'static str,
    usage: Usage,
    names: &'static [Name],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Usage {
    Server,
    Client,
}

enum Name {
    Dns(&'static str),
    Ip([u8; 4]),
    Uri(&'static str),
}

const LEAVES: [Leaf; 3] = [
    Leaf {
        name: "gateway",
        usage: Usage::Server,
        names: &[Name::Dns("services.acme.internal")],
    },
    Leaf {
        name: "client",
        usage: Usage::Client,
        names: &[Name::Uri("spiffe://acme.internal/ns/cloud-run/sa/proxy")],
    },
    Leaf {
        name: "public-tls",
        usage: Usage::Server,
        names: &[Name::Dns("localhost"), Name::Ip([127, 0, 0, 1])],
    },
];

/// The secrets that `credentialName` names, and the certificate that each holds.
const SECRETS: [(&str, &str); 2] = [
    ("services-acme-internal", "gateway"),
    ("public-tls", "public-tls"),
];

const LEAF_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
const CA_LIFE: Duration = Duration::from_secs(100 * 24 * 3600);
/// What ends within this time is renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Certificates begin a little in the past, for clocks that are behind.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// Leaves `pki/` alone when all of it fits and lasts, and issues all of it anew when not.
pub(crate) fn ensure(directory: &Path) -> Result<()> {
    let pki = directory.join("pki");
    match LEAVES.iter().try_for_each(|leaf| check::fits(&pki, leaf)) {
        Ok(()) => Ok(()),
        Err(reason) => {
            if pki.join("ca.crt").exists() {
                tracing::warn!("certificates in {} are issued anew: {reason:#}", pki.display());
            }
            issue(&pki).context("cannot issue certificates")
        }
    }
}

/// Copies what gateways read into `to/secrets/NAME/`, the files of a Kubernetes secret.
pub(crate) fn secrets(from: &Path, to: &Path) -> Result<()> {
    SECRETS.iter().try_for_each(|names| secret(from, to, *names))
}

/// The same with nothing but what the gateway of `istio/private` reads.
pub(crate) fn private_secrets(from: &Path, to: &Path) -> Result<()> {
    secret(from, to, SECRETS[0])
}

fn secret(from: &Path, to: &Path, (secret, leaf): (&str, &str)) -> Result<()> {
    let pki = from.join("pki");
    let read = |name: &str| {
        let path = pki.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let place = to.join("secrets").join(secret);
    let (key, certificate) = (read(&format!("{leaf}.key"))?, read(&format!("{leaf}.crt"))?);
    files::write_if_changed(&place.join("ca.crt"), &read("ca.crt")?, files::PUBLIC)?;
    files::write_if_changed(&place.join("tls.key"), &key, files::PRIVATE)?;
    files::write_if_changed(&place.join("tls.crt"), &certificate, files::PUBLIC)
}

fn issue(pki: &Path) -> Result<()> {
    let ca = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
    files::write(
        &pki.join("ca.key"),
        ca.key().serialize_pem().as_bytes(),
        files::PRIVATE,
    )?;
    for leaf in &LEAVES {
        let key = KeyPair::generate()?;
        let certificate = leaf.parameters()?.signed_by(&key, &ca)?;
        let file = |end: &str| pki.join(format!("{}.{end}", leaf.name));
        files::write(&file("key"), key.serialize_pem().as_bytes(), files::PRIVATE)?;
        files::write(&file("crt"), certificate.pem().as_bytes(), files::PUBLIC)?;
    }
    // last: until it is there, nothing fits and the next run starts over
    files::write(&pki.join("ca.crt"), ca.pem().as_bytes(), files::PUBLIC)
}

fn authority() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
        .distinguished_name
        .push(DnType::CommonName, "acme local CA");
    validity(&mut parameters, CA_LIFE);
    parameters
}

impl Leaf {
    fn parameters(&self) -> Result<CertificateParams> {
        let mut parameters = CertificateParams::default();
        for name in self.names {
            parameters.subject_alt_names.push(match name {
                Name::Dns(name) => SanType::DnsName((*name).try_into()?),
                Name::Ip(address) => SanType::IpAddress((*address).into()),
                Name::Uri(uri) => SanType::URI((*uri).try_into()?),
            });
        }
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, self.name);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![match self.usage {
            Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        parameters.use_authority_key_identifier_extension = true;
        validity(&mut parameters, LEAF_LIFE);
        Ok(parameters)
    }
}

fn validity(parameters: &mut CertificateParams, life: Duration) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    parameters.not_before = epoch + now.saturating_sub(CLOCK_SKEW);
    parameters.not_after = epoch + now + life;
}
