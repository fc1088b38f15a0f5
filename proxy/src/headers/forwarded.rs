//! Who the client is and how it came: `x-forwarded-for`, `x-forwarded-proto`, `x-envoy-external-address`,
//! `x-forwarded-client-cert`, `x-request-id`.
//!
//! Whatever a client says of itself here is replaced, or counted only as far as trusted proxies stand in
//! front, from the right.

use std::net::IpAddr;

use chassis::trace::{hexadecimal_digits, random};
use http::header::Entry;
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::receive::Refused;
use crate::downstream::Downstream;
use crate::head::Scheme;

/// Sets all of them. Gives the client's address and the request's scheme.
pub(super) fn set(
    headers: &mut HeaderMap,
    version: Version,
    downstream: &Downstream,
    trusted_hops: usize,
) -> Result<(IpAddr, Scheme), Refused> {
    let scheme = set_proto(headers, version, downstream.tls.is_some(), trusted_hops)?;
    let peer = downstream.remote.ip().to_canonical();
    let client = trusted_client(headers, trusted_hops).unwrap_or(peer);
    append_hop(headers, &downstream.address);
    let address = match client == peer {
        true => downstream.address.clone(),
        false => value(client.to_string().into_bytes()),
    };
    headers.insert(EXTERNAL_ADDRESS, address);
    headers.insert(REQUEST_ID, request_id());

    headers.remove(CLIENT_CERT);
    let peer = downstream.tls.as_ref().and_then(|tls| tls.peer.as_deref());
    if let Some(peer) = peer.filter(|peer| !peer.forwarded.is_empty()) {
        headers.insert(CLIENT_CERT, value(peer.forwarded.clone().into()));
    }
    Ok((client, scheme))
}

/// Adds an address to the end of `x-forwarded-for`.
pub(crate) fn append_hop(headers: &mut HeaderMap, address: &HeaderValue) {
    match headers.entry(FOR) {
        Entry::Occupied(mut chain) => {
            let before = chain.get().as_bytes();
            let longer = match before.is_empty() {
                true => address.clone(),
                false => value([before, b",", address.as_bytes()].concat()),
            };
            chain.insert(longer);
        }
        Entry::Vacant(chain) => {
            chain.insert(address.clone());
        }
    }
}

/// `x-forwarded-proto` is the connection's, or a trusted proxy's word whatever it is. HTTP/2 has a scheme of
/// its own, so there the word is only passed on.
fn set_proto(
    headers: &mut HeaderMap,
    version: Version,
    tls: bool,
    trusted_hops: usize,
) -> Result<Scheme, Refused> {
    let own = if tls { Scheme::Https } else { Scheme::Http };
    let claimed = headers.get(PROTO).filter(|_| trusted_hops > 0);
    let Some(claimed) = claimed else {
        headers.insert(
            PROTO,
            HeaderValue::from_static(if tls { "https" } else { "http" }),
        );
        return Ok(own);
    };
    if version == Version::HTTP_2 {
        return Ok(own);
    }
    match claimed.as_bytes() {
        b"" => Err(Refused::NO_SCHEME),
        b"http" => Ok(Scheme::Http),
        b"https" => Ok(Scheme::Https),
        other => Ok(Scheme::Claimed(String::from_utf8_lossy(other).into())),
    }
}

/// The entry that the outermost trusted proxy wrote; none when there are too few, or when it is no address.
fn trusted_client(headers: &HeaderMap, trusted_hops: usize) -> Option<IpAddr> {
    let place = trusted_hops.checked_sub(1)?;
    let chain = headers.get(FOR)?.as_bytes();
    let entry = chain.rsplit(|byte| *byte == b',').nth(place)?;
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    text.parse().ok()
}

/// A random UUID (RFC 9562, section 5.4).
fn request_id() -> HeaderValue {
    let high = hexadecimal_digits(random() & !0xf000 | 0x4000);
    let low = hexadecimal_digits(random() & !(0b11 << 62) | 0b10 << 62);
    let mut id = [b'-'; 36];
    id[..8].copy_from_slice(&high[..8]);
    id[9..13].copy_from_slice(&high[8..12]);
    id[14..18].copy_from_slice(&high[12..]);
    id[19..23].copy_from_slice(&low[..4]);
    id[24..].copy_from_slice(&low[4..]);
    HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Made of parts that were headers or are ASCII, so it is one.
fn value(bytes: Vec<u8>) -> HeaderValue {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(bytes)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

pub(super) const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) const CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");
const EXTERNAL_ADDRESS: HeaderName = HeaderName::from_static("x-envoy-external-address");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
