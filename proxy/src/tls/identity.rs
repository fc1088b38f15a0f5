//! Who is on the other side of a handshake: the peer of a client certificate, and what
//! `x-forwarded-client-cert` tells the upstream of it. Pure.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::certificate::Certificate;
use crate::downstream::Peer;
use crate::plan::listener::ClientCertificate;

/// The peer that a verified client certificate names; `local_uri` is our own certificate's first URI
/// name.
pub(crate) fn peer(der: &[u8], local_uri: Option<&str>) -> Peer {
    let certificate = Certificate::read(der).unwrap_or_default();
    let forwarded = forwarded(der, &certificate, local_uri);
    let addresses = certificate.ips.iter().map(ToString::to_string);
    Peer {
        others: certificate.emails.iter().cloned().chain(addresses).collect(),
        uris: certificate.uris,
        dns: certificate.dns,
        subject: certificate.subject,
        issuer: certificate.issuer,
        forwarded,
    }
}

/// Whether a peer that was admitted once still would be: a pin that a reload changed holds on open
/// connections, too. Chains are not verified again; a changed CA holds for new connections.
pub(crate) fn admits(client: &ClientCertificate, peer: Option<&Peer>) -> bool {
    match (client, peer) {
        (ClientCertificate::NotAsked | ClientCertificate::Optional, _) => true,
        (ClientCertificate::Required(_), None) => false,
        (ClientCertificate::Required(names), Some(peer)) => {
            names.is_empty() || names.iter().any(|name| is_named(peer, name))
        }
    }
}

fn is_named(peer: &Peer, name: &str) -> bool {
    peer.uris.iter().any(|uri| uri == name)
        || peer.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name))
        || peer.others.iter().any(|other| other == name)
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| peer.others.contains(&address.to_string()))
}

/// The value of `x-forwarded-client-cert`: `Subject` and `URI` stand there even when they are empty,
/// `By` and `DNS` only if there is something to say, several names repeat their key.
fn forwarded(der: &[u8], certificate: &Certificate, local_uri: Option<&str>) -> String {
    let by = local_uri.map(|uri| format!("By={uri}"));
    let uris = match certificate.uris.is_empty() {
        true => vec!["URI=".to_owned()],
        false => certificate.uris.iter().map(|uri| format!("URI={uri}")).collect(),
    };
    let fixed = [
        format!("Hash={}", sha256(der)),
        format!("Cert=\"{}\"", url_encoded_pem(der)),
        format!("Subject=\"{}\"", certificate.subject),
    ];
    let dns = certificate.dns.iter().map(|name| format!("DNS={name}"));
    let parts: Vec<String> = by.into_iter().chain(fixed).chain(uris).chain(dns).collect();
    parts.join(";")
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// PEM whose line ends and the characters ` +/=` are percent-encoded, and no others.
fn url_encoded_pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut out = String::with_capacity(body.len() + body.len() / 8 + 128);
    out.push_str("-----BEGIN%20CERTIFICATE-----%0A");
    for (at, character) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            out.push_str("%0A");
        }
        match character {
            '+' => out.push_str("%2B"),
            '/' => out.push_str("%2F"),
            '=' => out.push_str("%3D"),
            other => out.push(other),
        }
    }
    out.push_str("%0A-----END%20CERTIFICATE-----%0A");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_envoys_order() {
        let certificate = Certificate {
            subject: "CN=proxy,O=Acme".into(),
            dns: vec!["a.test".into(), "b.test".into()],
            ..Certificate::default()
        };
        let value = forwarded(b"x", &certificate, Some("spiffe://here"));
        let keys: Vec<&str> = value
            .split(';')
            .map(|part| part.split_once('=').unwrap().0)
            .collect();
        assert_eq!(keys, ["By", "Hash", "Cert", "Subject", "URI", "DNS", "DNS"]);
        assert!(
            value.contains("Subject=\"CN=proxy,O=Acme\";URI=;DNS=a.test;DNS=b.test"),
            "{value}"
        );
    }

    #[test]
    fn pem_is_encoded_as_envoy_does() {
        assert_eq!(
            url_encoded_pem(&[0xfb, 0xef, 0xff, 0xff]),
            "-----BEGIN%20CERTIFICATE-----%0A%2B%2B%2F%2F%2Fw%3D%3D%0A-----END%20CERTIFICATE-----%0A"
        );
    }
}
