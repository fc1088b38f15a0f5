//! `tls` of a Gateway's server: which certificate is shown, and whether clients show one.

use std::path::PathBuf;

use crate::istio::gateway::ServerTls as Raw;
use crate::istio::report::{At, Report};
use crate::plan::listener::{ClientCertificate, Credential, ServerTls, TlsVersion};

use super::client_tls::is_secret_name;
use super::value::{NOT_IN_SUBSET, one_of, refuse};

/// TLS 1.2 suites by the names that OpenSSL and Istio use, those that our TLS has. TLS 1.3 has no choice.
const CIPHER_SUITES: [&str; 6] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Simple,
    Mutual,
    OptionalMutual,
}

/// Reads it; none when it cannot be read.
pub(crate) fn compile(raw: &Raw, at: &At<'_>, report: &mut Report) -> Option<ServerTls> {
    refuse(
        raw.credential_names.as_ref(),
        &at.key("credentialNames"),
        NOT_IN_SUBSET,
        report,
    );
    refuse(
        raw.tls_certificates.as_ref(),
        &at.key("tlsCertificates"),
        NOT_IN_SUBSET,
        report,
    );
    refuse(
        raw.ca_cert_credential_name.as_ref(),
        &at.key("caCertCredentialName"),
        NOT_IN_SUBSET,
        report,
    );
    refuse(
        raw.verify_certificate_spki.as_ref(),
        &at.key("verifyCertificateSpki"),
        NOT_IN_SUBSET,
        report,
    );
    refuse(
        raw.verify_certificate_hash.as_ref(),
        &at.key("verifyCertificateHash"),
        NOT_IN_SUBSET,
        report,
    );
    if raw.https_redirect == Some(true) {
        report.warn(
            &at.key("httpsRedirect"),
            "meant for HTTP servers; behind a trusted proxy that says http it would redirect for ever",
        );
    }
    let min = version(
        raw.min_protocol_version.as_ref(),
        TlsVersion::V1_2,
        &at.key("minProtocolVersion"),
        report,
    );
    let max = version(
        raw.max_protocol_version.as_ref(),
        TlsVersion::V1_3,
        &at.key("maxProtocolVersion"),
        report,
    );
    if min > max {
        report.error(
            at,
            "minProtocolVersion is above maxProtocolVersion: no version is left",
        );
    }
    let cipher_suites = cipher_suites(raw, at, report);
    let mode = mode(raw, at, report)?;
    let certificate = certificate(raw, mode, at, report)?;
    Some(ServerTls {
        certificate,
        client: client(raw, mode),
        min,
        max,
        cipher_suites,
    })
}

fn mode(raw: &Raw, at: &At<'_>, report: &mut Report) -> Option<Mode> {
    const MODES: [(&str, Mode); 3] = [
        ("SIMPLE", Mode::Simple),
        ("MUTUAL", Mode::Mutual),
        ("OPTIONAL_MUTUAL", Mode::OptionalMutual),
    ];
    let at = at.key("mode");
    let Some(mode) = &raw.mode else {
        report.error(
            &at,
            "missing, which means PASSTHROUGH: certificates would be ignored; write SIMPLE, MUTUAL or OPTIONAL_MUTUAL",
        );
        return None;
    };
    one_of(mode, &MODES, &at, report)
}

/// An OPTIONAL_MUTUAL server that pins names needs a certificate after all: so Envoy does it.
fn client(raw: &Raw, mode: Mode) -> ClientCertificate {
    let names = || {
        raw.subject_alt_names
            .iter()
            .map(|name| name.as_str().into())
            .collect()
    };
    match mode {
        Mode::Simple => ClientCertificate::NotAsked,
        Mode::Mutual => ClientCertificate::Required(names()),
        Mode::OptionalMutual if raw.subject_alt_names.is_empty() => ClientCertificate::Optional,
        Mode::OptionalMutual => ClientCertificate::Required(names()),
    }
}

fn certificate(raw: &Raw, mode: Mode, at: &At<'_>, report: &mut Report) -> Option<Credential> {
    let files = [
        ("serverCertificate", &raw.server_certificate),
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
    if let Some(name) = &raw.credential_name {
        if !given.is_empty() {
            report.error(
                at,
                format!("credentialName beside {}: one source only", given.join(", ")),
            );
        }
        if !is_secret_name(name) {
            report.error(
                &at.key("credentialName"),
                format!("{name:?} is no name of a secret"),
            );
        }
        return Some(Credential::Secret(name.as_str().into()));
    }
    let (Some(certificate), Some(key)) = (&raw.server_certificate, &raw.private_key) else {
        report.error(
            at,
            "no certificate: serverCertificate and privateKey are needed, or credentialName",
        );
        return None;
    };
    if mode != Mode::Simple && raw.ca_certificates.is_none() {
        report.error(
            &at.key("caCertificates"),
            "missing: whose client certificates are accepted?",
        );
    }
    Some(Credential::Files {
        certificate: PathBuf::from(certificate),
        key: PathBuf::from(key),
        ca: raw.ca_certificates.as_ref().map(PathBuf::from),
        crl: raw.ca_crl.as_ref().map(PathBuf::from),
    })
}

fn version(text: Option<&String>, default: TlsVersion, at: &At<'_>, report: &mut Report) -> TlsVersion {
    let words = [
        ("TLS_AUTO", default),
        ("TLSV1_2", TlsVersion::V1_2),
        ("TLSV1_3", TlsVersion::V1_3),
    ];
    text.and_then(|text| one_of(text, &words, at, report))
        .unwrap_or(default)
}

fn cipher_suites(raw: &Raw, at: &At<'_>, report: &mut Report) -> Vec<Box<str>> {
    let at = at.key("cipherSuites");
    let mut suites: Vec<Box<str>> = Vec::new();
    for (place, suite) in raw.cipher_suites.iter().enumerate() {
        let at = at.index(place);
        if !CIPHER_SUITES.contains(&suite.as_str()) {
            report.warn(
                &at,
                format!(
                    "{suite} is not known and left out; known are {}",
                    CIPHER_SUITES.join(", ")
                ),
            );
        } else if suites.iter().any(|known| **known == **suite) {
            report.error(&at, format!("{suite} is listed twice"));
        } else {
            suites.push(suite.as_str().into());
        }
    }
    suites
}
