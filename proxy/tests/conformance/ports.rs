//! Free ports in place of the recorded ones, so that nothing here depends on a port being free.
//!
//! The documents, requests and answers name fixed numbers (310xx and 314xx the gateway, 319xx the
//! upstreams, 31800 the key server). They occur nowhere else, so a case is moved to other ports by
//! replacing the numbers in its texts, answers included. Free ports have five digits as well, so
//! that no recorded `content-length` changes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// A port of our own for each recorded one, held by a socket that is bound and does not listen.
///
/// Such a socket keeps the kernel from giving the port to anybody who asks for a free one, and lets
/// the gateway bind it nevertheless, because both set `SO_REUSEADDR`. A connection to it is refused.
pub(crate) struct Ports(BTreeMap<u16, Reservation>);

struct Reservation {
    actual: u16,
    socket: Option<TcpSocket>,
}

impl Ports {
    /// Reserves a free port for each of `recorded` and for each recorded port that occurs in `texts`.
    /// With `upstreams_as_recorded` those of the upstreams are the recorded ones themselves.
    pub(crate) fn reserve(recorded: &[u16], texts: &[&str], upstreams_as_recorded: bool) -> io::Result<Self> {
        let mut ports = BTreeMap::new();
        let in_texts = texts
            .iter()
            .flat_map(|text| numbers(text))
            .filter_map(|(_, digits)| digits.parse().ok());
        for port in recorded.iter().copied().chain(in_texts.filter(is_recorded)) {
            if let Entry::Vacant(vacant) = ports.entry(port) {
                let kept = upstreams_as_recorded && matches!(port, 31900..=31999 | 31800);
                vacant.insert(reserve_one(if kept { port } else { 0 })?);
            }
        }
        Ok(Self(ports))
    }

    /// The port that stands for `recorded` in this run.
    pub(crate) fn actual(&self, recorded: u16) -> u16 {
        self.0
            .get(&recorded)
            .map_or(recorded, |reservation| reservation.actual)
    }

    /// `text` with this run's ports.
    pub(crate) fn rewrite(&self, text: &str) -> String {
        let mut rewritten = String::with_capacity(text.len());
        let mut copied = 0;
        for (start, digits) in numbers(text) {
            if let Some(reservation) = digits.parse().ok().and_then(|port: u16| self.0.get(&port)) {
                rewritten.push_str(&text[copied..start]);
                rewritten.push_str(&reservation.actual.to_string());
                copied = start + digits.len();
            }
        }
        rewritten.push_str(&text[copied..]);
        rewritten
    }

    /// Listens on what stands for `recorded`, which can be done once.
    pub(crate) fn listen(&mut self, recorded: u16) -> io::Result<TcpListener> {
        let socket = self
            .0
            .get_mut(&recorded)
            .and_then(|reservation| reservation.socket.take());
        socket
            .ok_or_else(|| io::Error::other(format!("{recorded} is not reserved")))?
            .listen(BACKLOG)
    }
}

/// The maximal runs of digits that no letter touches, with where they start.
fn numbers(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes.get(at..)?.iter().position(u8::is_ascii_digit)?;
            let end = bytes[start..]
                .iter()
                .position(|b| !b.is_ascii_digit())
                .map_or(bytes.len(), |n| start + n);
            at = end;
            let inside_a_word = (start > 0 && bytes[start - 1].is_ascii_alphabetic())
                || bytes.get(end).is_some_and(u8::is_ascii_alphabetic);
            if !inside_a_word {
                return Some((start, &text[start..end]));
            }
        }
    })
}

fn is_recorded(port: &u16) -> bool {
    matches!(port, 31000..=31099 | 31400..=31499 | 31900..=31999 | 31800)
}

/// This port, or a free one for 0.
fn reserve_one(port: u16) -> io::Result<Reservation> {
    loop {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
        let actual = socket.local_addr()?.port();
        if actual >= 10_000 {
            return Ok(Reservation {
                actual,
                socket: Some(socket),
            });
        }
    }
}

/// Whose turn it is to use the recorded ports: one case's at a time on the whole machine, however many runs
/// there are. Held while this lives.
pub(crate) async fn turn() -> std::net::TcpListener {
    loop {
        match std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, TURN)) {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

/// A recorded port that no case uses.
const TURN: u16 = 31999;
const BACKLOG: u32 = 512;
