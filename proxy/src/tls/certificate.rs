//! What a certificate says, read from its DER (RFC 5280): names, subject, issuer, validity.
//!
//! The chain itself is verified by rustls; this only reads what rustls does not hand out. Everything is
//! bounded by the slice it is given, and nothing here can panic: malformed input reads as nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::der::{self, Reader};

/// The parts of a certificate that we compare, forward or watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// URI names, in order.
    pub(crate) uris: Vec<String>,
    /// DNS names, in order.
    pub(crate) dns: Vec<String>,
    /// E-mail names, in order.
    pub(crate) emails: Vec<String>,
    /// IP names, in order.
    pub(crate) ips: Vec<IpAddr>,
    /// Subject, RFC 2253.
    pub(crate) subject: String,
    /// Issuer, RFC 2253.
    pub(crate) issuer: String,
    /// Serial number in lower-case hexadecimal, as OpenSSL prints it.
    pub(crate) serial: String,
    /// First valid second since the epoch.
    pub(crate) not_before: i64,
    /// Last valid second since the epoch.
    pub(crate) not_after: i64,
}

impl Certificate {
    /// Reads a certificate; none if it is not one.
    pub(crate) fn read(der: &[u8]) -> Option<Certificate> {
        let mut tbs = Reader::new(der).sequence()?.sequence()?;
        tbs.skip_if(der::VERSION);
        let (_, serial) = tbs.any()?;
        tbs.any()?; // signature
        let issuer = distinguished_name(tbs.sequence()?);
        let mut validity = tbs.sequence()?;
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let subject = distinguished_name(tbs.sequence()?);
        tbs.any()?; // subjectPublicKeyInfo
        let mut certificate = Certificate {
            subject,
            issuer,
            serial: hexadecimal(serial),
            not_before,
            not_after,
            ..Certificate::default()
        };
        if let Some(names) = subject_alt_name(tbs) {
            certificate.read_names(names);
        }
        Some(certificate)
    }

    /// Whether a name is one of this certificate's, exactly: DNS names without regard to case, all
    /// others by byte. A `*` has no meaning, and the subject's common name never counts.
    pub(crate) fn has_name(&self, wanted: &str) -> bool {
        self.dns.iter().any(|name| name.eq_ignore_ascii_case(wanted))
            || self.uris.iter().chain(&self.emails).any(|name| name == wanted)
            || wanted.parse().is_ok_and(|address| self.ips.contains(&address))
    }

    /// All names in one line, for a person.
    pub(crate) fn names(&self) -> String {
        let text = self.uris.iter().chain(&self.dns).chain(&self.emails).cloned();
        let all: Vec<String> = text.chain(self.ips.iter().map(ToString::to_string)).collect();
        match all.is_empty() {
            true => format!("no name but the subject {}", self.subject),
            false => all.join(", "),
        }
    }

    fn read_names(&mut self, mut names: Reader<'_>) {
        while let Some((tag, value)) = names.any() {
            let text = || std::str::from_utf8(value).ok().map(str::to_owned);
            match tag {
                der::RFC822_NAME => self.emails.extend(text()),
                der::DNS_NAME => self.dns.extend(text()),
                der::URI => self.uris.extend(text()),
                der::IP_ADDRESS => self.ips.extend(address(value)),
                _ => {}
            }
        }
    }
}

/// Without the zero byte that keeps a number positive (X.690, section 8.3).
fn hexadecimal(number: &[u8]) -> String {
    let number = match number {
        [0, rest @ ..] if !rest.is_empty() => rest,
        number => number,
    };
    number.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes))))
        .ok()
}

/// The GeneralNames of extension 2.5.29.17, from what follows subjectPublicKeyInfo.
fn subject_alt_name(mut rest: Reader<'_>) -> Option<Reader<'_>> {
    while let Some((tag, value)) = rest.any() {
        if tag != der::EXTENSIONS {
            continue;
        }
        let mut extensions = Reader::new(value).sequence()?;
        while let Some(mut extension) = extensions.sequence() {
            let (_, identifier) = extension.any()?;
            extension.skip_if(der::BOOLEAN);
            let (_, content) = extension.any()?;
            if identifier == SUBJECT_ALT_NAME {
                return Reader::new(content).sequence();
            }
        }
    }
    None
}

/// RFC 2253: most specific first, `+` within one RDN, special characters escaped.
fn distinguished_name(mut name: Reader<'_>) -> String {
    let mut parts = Vec::new();
    while let Some(mut rdn) = name.set() {
        let mut attributes = Vec::new();
        while let Some(mut attribute) = rdn.sequence() {
            let (Some((_, kind)), Some((tag, value))) = (attribute.any(), attribute.any()) else {
                break;
            };
            attributes.push(attribute_text(kind, tag, value));
        }
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    parts.join(",")
}

fn attribute_text(kind: &[u8], tag: u8, value: &[u8]) -> String {
    match ATTRIBUTES.iter().find(|(identifier, _)| *identifier == kind) {
        Some((_, name)) => format!("{name}={}", escaped(&der::text(tag, value))),
        None => {
            // an unknown type is printed as its identifier and the DER of its value
            let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
            let bytes = [tag, length].into_iter().chain(value.iter().copied());
            let digits: String = bytes.map(|byte| format!("{byte:02X}")).collect();
            format!("{}=#{digits}", der::identifier(kind))
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, character) in text.chars().enumerate() {
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', character]),
            '#' if at == 0 => out.push_str("\\#"),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            ' '..='~' => out.push(character),
            other => {
                let mut buffer = [0; 4];
                for byte in other.encode_utf8(&mut buffer).bytes() {
                    out.push_str(&format!("\\{byte:02X}"));
                }
            }
        }
    }
    out
}

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// Attribute types by the short names that OpenSSL prints.
const ATTRIBUTES: [(&[u8], &str); 11] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
];

#[cfg(test)]
mod tests;
