//! Header values of `headers.{request,response}`: text with a small set of Envoy's `%…%` commands.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use crate::downstream::Downstream;
use crate::head::Head;

/// A value, parsed.
#[derive(Clone, Debug)]
pub(crate) enum HeaderFormat {
    /// No command in it: ready to be sent, and nothing is made per request.
    Literal(HeaderValue),
    /// Text and commands.
    Parts(Vec<Part>),
}

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// As written.
    Text(Box<str>),
    /// `%REQ(A?B)%`: the first line of a header of the request, or of the other one.
    Request(Name, Option<Name>),
    /// `%RESP(A?B)%`.
    Response(Name, Option<Name>),
    /// A command without argument.
    Fact(Fact),
}

/// A header or pseudo header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A header.
    Header(HeaderName),
    /// `:method`.
    Method,
    /// `:path`, with its query.
    Path,
    /// `:authority`.
    Authority,
    /// `:scheme`.
    Scheme,
    /// `:status`.
    Status,
}

/// Commands without argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// `HTTP/1.1` or `HTTP/2`.
    Protocol,
    /// Of the upstream's answer; 0 when there is none.
    ResponseCode,
    /// `NR`, `UF` and so on, or `-`.
    ResponseFlags,
    /// The client by trusted hops, with the port 0 where it was told by a proxy.
    Remote,
    /// The client by trusted hops.
    RemoteIp,
    /// The socket's peer.
    DirectRemoteIp,
    /// The socket's own end.
    Local,
    /// Its address.
    LocalIp,
    /// Its port.
    LocalPort,
    /// SNI.
    ServerName,
    /// `TLSv1.3`.
    TlsVersion,
    /// Of the client certificate.
    PeerSubject,
    /// Of the client certificate.
    PeerIssuer,
    /// Of the client certificate, joined with `,`.
    PeerUriSan,
    /// The endpoint that was used.
    UpstreamHost,
}

/// What commands are answered from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormatContext<'a> {
    /// The method.
    pub(crate) method: &'a Method,
    /// `http` or `https`.
    pub(crate) scheme: &'a str,
    /// The Host: before a rewrite for request values, after it for response values.
    pub(crate) authority: &'a HeaderValue,
    /// Path and query, likewise.
    pub(crate) target: &'a str,
    /// What the client speaks.
    pub(crate) version: Version,
    /// The request's headers.
    pub(crate) request: &'a HeaderMap,
    /// The client by trusted hops.
    pub(crate) client: std::net::IpAddr,
    /// The connection.
    pub(crate) downstream: &'a Downstream,
    /// The answer, when there is one.
    pub(crate) answer: Option<Answer<'a>>,
}

/// The answer's part of a [`FormatContext`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    /// The upstream's status; none for an answer that the proxy made.
    pub(crate) status: Option<StatusCode>,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// `NR`, `UF` and so on, or `-`.
    pub(crate) flags: &'a str,
    /// The endpoint that was used.
    pub(crate) upstream: Option<SocketAddr>,
}

impl<'a> FormatContext<'a> {
    /// A request as it came in, before any rewrite.
    pub(crate) fn of(head: &'a Head, downstream: &'a Downstream) -> FormatContext<'a> {
        FormatContext {
            method: &head.method,
            scheme: head.scheme.as_str(),
            authority: &head.authority,
            target: head.target.as_str(),
            version: head.version,
            request: &head.headers,
            client: head.client,
            downstream,
            answer: None,
        }
    }
}

impl HeaderFormat {
    /// Reads a value as Istio's documents have it, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<HeaderFormat, String> {
        let parts = parse::parts(text)?;
        let literal = match parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(&**text),
            _ => None,
        };
        for part in &parts {
            if let Part::Text(text) = part {
                HeaderValue::from_bytes(text.as_bytes())
                    .map_err(|_| "holds a control character, which no header value may".to_owned())?;
            }
        }
        match literal.map(|text| HeaderValue::from_bytes(text.as_bytes())) {
            Some(Ok(value)) => Ok(HeaderFormat::Literal(value)),
            _ => Ok(HeaderFormat::Parts(parts)),
        }
    }

    /// The value for one request, or none when it comes out empty: then the operation does nothing.
    pub(crate) fn render(&self, context: &FormatContext<'_>) -> Option<HeaderValue> {
        let parts = match self {
            HeaderFormat::Literal(value) => return Some(value.clone()).filter(|value| !value.is_empty()),
            HeaderFormat::Parts(parts) => parts,
        };
        let mut value = Vec::new();
        for part in parts {
            value.extend_from_slice(&part.render(context));
        }
        if value.is_empty() {
            return None;
        }
        HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok()
    }
}

impl Part {
    fn render<'a>(&'a self, context: &FormatContext<'a>) -> Cow<'a, [u8]> {
        let either =
            |name: &'a Name, other: &'a Option<Name>, read: &dyn Fn(&'a Name) -> Option<Cow<'a, [u8]>>| {
                let value = read(name).or_else(|| other.as_ref().and_then(read));
                value.unwrap_or_default()
            };
        match self {
            Part::Text(text) => Cow::Borrowed(text.as_bytes()),
            Part::Request(name, other) => either(name, other, &|name| name.of_request(context)),
            Part::Response(name, other) => either(name, other, &|name| name.of_response(context)),
            Part::Fact(fact) => fact.render(context),
        }
    }
}

impl Name {
    fn of_request<'a>(&self, context: &FormatContext<'a>) -> Option<Cow<'a, [u8]>> {
        let value = match self {
            Name::Header(name) => context.request.get(name)?.as_bytes(),
            Name::Method => context.method.as_str().as_bytes(),
            Name::Path => context.target.as_bytes(),
            Name::Authority => context.authority.as_bytes(),
            Name::Scheme => context.scheme.as_bytes(),
            Name::Status => return None,
        };
        Some(Cow::Borrowed(value))
    }

    fn of_response<'a>(&self, context: &FormatContext<'a>) -> Option<Cow<'a, [u8]>> {
        let answer = context.answer?;
        match self {
            Name::Header(name) => Some(Cow::Borrowed(answer.headers.get(name)?.as_bytes())),
            Name::Status => Some(Cow::Owned(answer.status?.as_str().as_bytes().to_vec())),
            _ => None,
        }
    }
}

impl Fact {
    fn render<'a>(self, context: &FormatContext<'a>) -> Cow<'a, [u8]> {
        let downstream = context.downstream;
        let tls = downstream.tls.as_ref();
        let peer = tls.and_then(|tls| tls.peer.as_deref());
        match self {
            Fact::Protocol if context.version == Version::HTTP_2 => borrowed("HTTP/2"),
            Fact::Protocol => borrowed("HTTP/1.1"),
            Fact::ResponseCode => {
                let status = context.answer.and_then(|answer| answer.status);
                shown(status.map_or(0, |status| status.as_u16()))
            }
            Fact::ResponseFlags => borrowed(context.answer.map_or("-", |answer| answer.flags)),
            Fact::Remote if context.client == downstream.remote.ip() => shown(downstream.remote),
            Fact::Remote => shown(SocketAddr::new(context.client, 0)),
            Fact::RemoteIp => shown(context.client),
            Fact::DirectRemoteIp => shown(downstream.remote.ip()),
            Fact::Local => shown(downstream.local),
            Fact::LocalIp => shown(downstream.local.ip()),
            Fact::LocalPort => shown(downstream.local.port()),
            Fact::ServerName => borrowed(tls.and_then(|tls| tls.sni.as_deref()).unwrap_or_default()),
            Fact::TlsVersion => borrowed(tls.map(|tls| tls.version).unwrap_or_default()),
            Fact::PeerSubject => borrowed(peer.map(|peer| peer.subject.as_str()).unwrap_or_default()),
            Fact::PeerIssuer => borrowed(peer.map(|peer| peer.issuer.as_str()).unwrap_or_default()),
            Fact::PeerUriSan => match peer.map(|peer| peer.uris.as_slice()) {
                None | Some([]) => borrowed(""),
                Some([uri]) => borrowed(uri),
                Some(uris) => Cow::Owned(uris.join(",").into_bytes()),
            },
            Fact::UpstreamHost => match context.answer.and_then(|answer| answer.upstream) {
                Some(address) => shown(address),
                None => borrowed(""),
            },
        }
    }
}

fn borrowed(text: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(text.as_bytes())
}

fn shown(value: impl std::fmt::Display) -> Cow<'static, [u8]> {
    let mut text = String::new();
    // writing to a string does not fail
    let _ = write!(text, "{value}");
    Cow::Owned(text.into_bytes())
}

mod parse;
#[cfg(test)]
mod tests;
