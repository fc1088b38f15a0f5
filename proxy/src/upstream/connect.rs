//! Makes a connection to one endpoint: TCP or a unix socket, TLS if the upstream has it, both within
//! the connect timeout.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::failure::Failure;
use super::tls::Tls;
use crate::plan::upstream::{Address, Keepalive};

/// A connection's bytes.
pub(crate) enum Stream {
    /// Plain.
    Plain(Socket),
    /// TLS; boxed, because it is large and rare to move.
    Tls(Box<Tls<Socket>>),
}

/// What the bytes travel over.
pub(crate) enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
}

/// How to shake hands.
pub(crate) struct Handshake {
    /// Our side.
    pub(crate) config: std::sync::Arc<rustls::ClientConfig>,
    /// The name that is asked for, and verified where the DestinationRule says so.
    pub(crate) name: ServerName<'static>,
}

/// Connects within the deadline. `upstream` is for the log.
pub(crate) async fn connect(
    address: &Address,
    keepalive: Option<Keepalive>,
    handshake: Option<Handshake>,
    deadline: Duration,
    upstream: &str,
) -> Result<Stream, Failure> {
    let name = handshake.as_ref().map(|handshake| handshake.name.clone());
    let attempt = async {
        let socket = dial(address, keepalive).await?;
        match handshake {
            None => Ok(Stream::Plain(socket)),
            Some(Handshake { config, name }) => {
                let tls = Tls::connect(config, name, socket).await?;
                Ok::<_, io::Error>(Stream::Tls(Box::new(tls)))
            }
        }
    };
    match tokio::time::timeout(deadline, attempt).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => {
            let sent = sent_name(name.as_ref());
            tracing::debug!(
                "upstream {upstream}: cannot connect to {}{sent}: {error}",
                text(address)
            );
            Err(Failure::Connect)
        }
        Err(_) => {
            let at = text(address);
            tracing::debug!("upstream {upstream}: no connection to {at} within {deadline:?}");
            Err(Failure::ConnectTimeout)
        }
    }
}

/// An address as text.
pub(crate) fn text(address: &Address) -> String {
    match address {
        Address::Ip(address) => address.to_string(),
        Address::Unix(path) => path.display().to_string(),
    }
}

fn sent_name(name: Option<&ServerName<'static>>) -> String {
    match name {
        Some(ServerName::DnsName(name)) => format!(" (server name {})", name.as_ref()),
        Some(_) => " (no server name)".to_owned(),
        None => String::new(),
    }
}

async fn dial(address: &Address, keepalive: Option<Keepalive>) -> io::Result<Socket> {
    match address {
        Address::Ip(address) => {
            let stream = TcpStream::connect(address).await?;
            let _ = stream.set_nodelay(true);
            if let Some(keepalive) = keepalive {
                // a sandbox may not know the option; the connection is as good without
                let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive_of(keepalive));
            }
            Ok(Socket::Tcp(stream))
        }
        Address::Unix(path) => Ok(Socket::Unix(UnixStream::connect(path).await?)),
    }
}

fn keepalive_of(wanted: Keepalive) -> TcpKeepalive {
    let mut keepalive = TcpKeepalive::new();
    if let Some(time) = wanted.time {
        keepalive = keepalive.with_time(time);
    }
    if let Some(interval) = wanted.interval {
        keepalive = keepalive.with_interval(interval);
    }
    match wanted.probes {
        Some(probes) => keepalive.with_retries(probes),
        None => keepalive,
    }
}

/// Every method of both enums is the same call on what they hold.
macro_rules! delegate {
    ($type:ident { $($variant:ident),+ }) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() { $($type::$variant(io) => Pin::new(io).poll_read(cx, buffer),)+ }
            }
        }

        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() { $($type::$variant(io) => Pin::new(io).poll_write(cx, bytes),)+ }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match (self.get_mut(), slices) {
                    // the plain call costs the system less
                    $(($type::$variant(io), [one]) => Pin::new(io).poll_write(cx, one),)+
                    $(($type::$variant(io), _) => Pin::new(io).poll_write_vectored(cx, slices),)+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self { $($type::$variant(io) => io.is_write_vectored(),)+ }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $($type::$variant(io) => Pin::new(io).poll_flush(cx),)+ }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $($type::$variant(io) => Pin::new(io).poll_shutdown(cx),)+ }
            }
        }
    };
}

delegate!(Socket { Tcp, Unix });
delegate!(Stream { Plain, Tls });

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_has_the_keep_alive_of_its_documents_and_no_other() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Ip(listener.local_addr().unwrap());
        let made = async |keepalive| match dial(&address, keepalive).await.unwrap() {
            Socket::Tcp(stream) => stream,
            Socket::Unix(_) => unreachable!(),
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let stream = made(Some(Keepalive {
            time: seconds(60),
            interval: seconds(10),
            probes: Some(3),
        }))
        .await;
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);

        let stream = made(Some(Keepalive::default())).await;
        assert!(SockRef::from(&stream).keepalive().unwrap());
        let stream = made(None).await;
        assert!(!SockRef::from(&stream).keepalive().unwrap());
    }
}
