//! `tls` of a DestinationRule: what we show an upstream, and what its certificate must name.

use std::path::PathBuf;

use crate::istio::destination_rule::ClientTls;
use crate::istio::report::{At, Report};
use crate::plan::listener::Credential;
use crate::plan::upstream::{Trust, UpstreamTls, VerifyName};

use super::value::one_of;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Disable,
    Simple,
    Mutual,
}

/// Reads it; none is plain text. `entry_names` are the ServiceEntry's `subjectAltNames`, which count when
/// the rule has none.
pub(crate) fn compile(
    raw: &ClientTls,
    entry_names: &[String],
    at: &At<'_>,
    report: &mut Report,
) -> Option<UpstreamTls> {
    const MODES: [(&str, Mode); 3] = [
        ("DISABLE", Mode::Disable),
        ("SIMPLE", Mode::Simple),
        ("MUTUAL", Mode::Mutual),
    ];
    let Some(mode) = &raw.mode else {
        report.error(
            &at.key("mode"),
            "missing, which means DISABLE: requests would go out in plain text; write SIMPLE or MUTUAL, or DISABLE",
        );
        return None;
    };
    let mode = one_of(mode, &MODES, &at.key("mode"), report)?;
    if mode == Mode::Disable {
        warn_of_unused(raw, at, report);
        return None;
    }
    check_sources(raw, mode, at, report);
    let names = if raw.subject_alt_names.is_empty() {
        entry_names
    } else {
        &raw.subject_alt_names
    };
    let sni = raw.sni.as_deref().filter(|sni| !sni.is_empty());
    let skip = raw.insecure_skip_verify == Some(true);
    if skip {
        report.warn(
            &at.key("insecureSkipVerify"),
            "any certificate is accepted, also that of someone in between",
        );
    } else if sni.is_some() && names.is_empty() {
        report.warn(
            &at.key("subjectAltNames"),
            "missing beside sni: only the chain is verified, so any certificate of the CA will do",
        );
    }
    Some(UpstreamTls {
        certificate: certificate(raw, mode),
        trust: if skip { Trust::Nothing } else { trust(raw) },
        sni: sni.map(Into::into),
        verify: if skip {
            VerifyName::ChainOnly
        } else {
            verify(raw, names, sni.is_some())
        },
    })
}

fn certificate(raw: &ClientTls, mode: Mode) -> Option<Credential> {
    if mode != Mode::Mutual {
        return None;
    }
    if let Some(name) = &raw.credential_name {
        return Some(Credential::Secret(name.as_str().into()));
    }
    Some(Credential::Files {
        certificate: PathBuf::from(raw.client_certificate.as_ref()?),
        key: PathBuf::from(raw.private_key.as_ref()?),
        ca: None,
        crl: None,
    })
}

fn trust(raw: &ClientTls) -> Trust {
    match (&raw.credential_name, &raw.ca_certificates) {
        (Some(name), _) => Trust::Secret(name.as_str().into()),
        (None, Some(ca)) => Trust::File {
            ca: PathBuf::from(ca),
            crl: raw.ca_crl.as_ref().map(PathBuf::from),
        },
        (None, None) => Trust::System,
    }
}

/// Istio's rule, as recorded: names that are listed are all that is checked; without names and `sni` the
/// Host is; with `sni` alone nothing but the chain. The entry's names do not switch the Host's check off.
fn verify(raw: &ClientTls, names: &[String], has_sni: bool) -> VerifyName {
    match (names.is_empty(), has_sni) {
        (false, _) => VerifyName::AnyOf {
            names: names.iter().map(|name| name.as_str().into()).collect(),
            and_host: raw.subject_alt_names.is_empty() && !has_sni,
        },
        (true, false) => VerifyName::Host,
        (true, true) => VerifyName::ChainOnly,
    }
}

fn check_sources(raw: &ClientTls, mode: Mode, at: &At<'_>, report: &mut Report) {
    let files = [
        ("clientCertificate", &raw.client_certificate),
        ("privateKey", &raw.private_key),
        ("caCertificates", &raw.ca_certificates),
        ("caCrl", &raw.ca_crl),
    ];
    let given: Vec<_> = files
        .iter()
        .filter(|(_, path)| path.is_some())
        .map(|(name, _)| *name)
        .collect();
    for (name, path) in files {
        if path.as_ref().is_some_and(String::is_empty) {
            report.error(&at.key(name), "an empty path");
        }
    }
    if raw.credential_name.is_some() && !given.is_empty() {
        report.error(
            at,
            format!("credentialName beside {}: one source only", given.join(", ")),
        );
    }
    if raw
        .credential_name
        .as_ref()
        .is_some_and(|name| !is_secret_name(name))
    {
        report.error(&at.key("credentialName"), "the name of a secret is needed");
    }
    if mode == Mode::Mutual && raw.credential_name.is_none() {
        for (name, path) in &files[..2] {
            if path.is_none() {
                report.error(
                    &at.key(name),
                    "missing: MUTUAL shows a certificate; give files, or credentialName",
                );
            }
        }
    }
    if mode == Mode::Simple {
        for (name, path) in &files[..2] {
            if path.is_some() {
                report.error(
                    &at.key(name),
                    "SIMPLE shows no certificate, so this would be ignored; MUTUAL shows it",
                );
            }
        }
    }
    if raw.ca_crl.is_some() && raw.ca_certificates.is_none() {
        report.error(&at.key("caCrl"), "revocation lists need caCertificates");
    }
    if raw.insecure_skip_verify == Some(true) {
        let verifying = [
            ("caCertificates", raw.ca_certificates.is_some()),
            ("credentialName", raw.credential_name.is_some()),
            ("subjectAltNames", !raw.subject_alt_names.is_empty()),
        ];
        let verifying: Vec<_> = verifying
            .iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| *name)
            .collect();
        if !verifying.is_empty() {
            report.error(
                at,
                format!("insecureSkipVerify contradicts {}", verifying.join(", ")),
            );
        }
    }
}

fn warn_of_unused(raw: &ClientTls, at: &At<'_>, report: &mut Report) {
    let unused = raw.client_certificate.is_some()
        || raw.private_key.is_some()
        || raw.ca_certificates.is_some()
        || raw.credential_name.is_some()
        || raw.sni.is_some()
        || !raw.subject_alt_names.is_empty();
    if unused {
        report.warn(
            at,
            "with mode DISABLE the other fields are without effect: requests go out in plain text",
        );
    }
}

/// A name that can be a directory below `--secrets` and cannot lead out of it.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253
        && name.starts_with(alphanumeric)
        && name.ends_with(alphanumeric)
        && name.chars().all(|c| alphanumeric(c) || c == '-' || c == '.')
}
