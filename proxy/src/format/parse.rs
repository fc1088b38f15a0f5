//! Reading `%…%` commands; what is unknown is refused by name, for Envoy would refuse the whole
//! configuration.

use http::HeaderName;

use super::{Fact, Name, Part};

/// The pieces of a value; neighbouring text is one piece.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        plain.push_str(before);
        if let Some(behind) = behind.strip_prefix('%') {
            plain.push('%');
            rest = behind;
            continue;
        }
        let Some((written, behind)) = behind.split_once('%') else {
            return Err(format!(
                "has a lone `%` in `{text}`; write `%%` for a percent sign"
            ));
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain).into()));
        }
        parts.push(command(written)?);
        rest = behind;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain.into()));
    }
    Ok(parts)
}

fn command(written: &str) -> Result<Part, String> {
    let unknown = || {
        format!(
            "has a command `%{written}%` that is not supported; supported are {}",
            known()
        )
    };
    if let Some((name, argument)) = written.split_once('(') {
        let argument = argument.strip_suffix(')').ok_or_else(unknown)?;
        let (first, second) = match argument.split_once('?') {
            Some((first, second)) => (first, Some(second)),
            None => (argument, None),
        };
        let first = header(first)?;
        let second = second.map(header).transpose()?;
        return match name {
            "REQ" => Ok(Part::Request(first, second)),
            "RESP" => Ok(Part::Response(first, second)),
            _ => Err(unknown()),
        };
    }
    let found = FACTS.iter().find(|(name, _)| *name == written);
    found.map(|(_, fact)| Part::Fact(*fact)).ok_or_else(unknown)
}

fn header(name: &str) -> Result<Name, String> {
    match name.to_ascii_lowercase().as_str() {
        ":method" => Ok(Name::Method),
        ":path" => Ok(Name::Path),
        ":authority" | "host" => Ok(Name::Authority),
        ":scheme" => Ok(Name::Scheme),
        ":status" => Ok(Name::Status),
        lower => HeaderName::from_bytes(lower.as_bytes())
            .map(Name::Header)
            .map_err(|_| format!("asks for a header `{name}`, which is no header name")),
    }
}

fn known() -> String {
    let mut names = String::from("%REQ(name)%, %REQ(name?other)%, %RESP(name)%");
    for (name, _) in FACTS {
        names.push_str(&format!(", %{name}%"));
    }
    names
}

const FACTS: [(&str, Fact); 15] = [
    ("PROTOCOL", Fact::Protocol),
    ("RESPONSE_CODE", Fact::ResponseCode),
    ("RESPONSE_FLAGS", Fact::ResponseFlags),
    ("DOWNSTREAM_REMOTE_ADDRESS", Fact::Remote),
    ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Fact::RemoteIp),
    (
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
        Fact::DirectRemoteIp,
    ),
    ("DOWNSTREAM_LOCAL_ADDRESS", Fact::Local),
    ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", Fact::LocalIp),
    ("DOWNSTREAM_LOCAL_PORT", Fact::LocalPort),
    ("REQUESTED_SERVER_NAME", Fact::ServerName),
    ("DOWNSTREAM_TLS_VERSION", Fact::TlsVersion),
    ("DOWNSTREAM_PEER_SUBJECT", Fact::PeerSubject),
    ("DOWNSTREAM_PEER_ISSUER", Fact::PeerIssuer),
    ("DOWNSTREAM_PEER_URI_SAN", Fact::PeerUriSan),
    ("UPSTREAM_HOST", Fact::UpstreamHost),
];
