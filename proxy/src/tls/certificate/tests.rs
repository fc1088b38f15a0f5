//! Certificates made by rcgen, read back.

use rcgen::string::Ia5String;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

use super::*;

fn certificate() -> Vec<u8> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, "Acme");
    parameters
        .distinguished_name
        .push(DnType::CommonName, "proxy, the \"first\"");
    parameters.subject_alt_names = vec![
        SanType::URI(Ia5String::try_from("spiffe://acme.internal/ns/a/sa/b").unwrap()),
        SanType::DnsName(Ia5String::try_from("Services.acme.internal").unwrap()),
        SanType::IpAddress("10.1.2.3".parse().unwrap()),
        SanType::Rfc822Name(Ia5String::try_from("ops@acme.example").unwrap()),
    ];
    parameters.not_before = rcgen::date_time_ymd(2020, 2, 29);
    parameters.not_after = rcgen::date_time_ymd(2051, 1, 1); // a GeneralizedTime
    let key = KeyPair::generate().unwrap();
    parameters.self_signed(&key).unwrap().der().to_vec()
}

#[test]
fn names_subject_and_validity_are_read() {
    let read = Certificate::read(&certificate()).unwrap();
    assert_eq!(read.uris, ["spiffe://acme.internal/ns/a/sa/b"]);
    assert_eq!(read.dns, ["Services.acme.internal"]);
    assert_eq!(read.subject, r#"CN=proxy\, the \"first\",O=Acme"#);
    assert_eq!(read.issuer, read.subject);
    assert_eq!((read.not_before, read.not_after), (1_582_934_400, 2_556_144_000));
}

#[test]
fn a_name_fits_exactly_and_only_dns_names_without_case() {
    let read = Certificate::read(&certificate()).unwrap();
    for name in [
        "services.acme.internal",
        "spiffe://acme.internal/ns/a/sa/b",
        "10.1.2.3",
        "ops@acme.example",
    ] {
        assert!(read.has_name(name), "{name}");
    }
    for name in [
        "spiffe://ACME.internal/ns/a/sa/b",
        "*.acme.internal",
        "*",
        "spiffe://acme.internal/*",
        "proxy",
        "",
    ] {
        assert!(!read.has_name(name), "{name}");
    }
}

#[test]
fn a_certificate_cut_or_changed_anywhere_is_read_without_a_panic() {
    let whole = certificate();
    for end in 0..whole.len() {
        let _ = Certificate::read(&whole[..end]);
        let mut changed = whole.clone();
        changed[end] ^= 0xff;
        let _ = Certificate::read(&changed);
    }
}
