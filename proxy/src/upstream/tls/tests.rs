//! Against rustls' own buffered server, over pipes of different width.

use std::io::Read as _;

use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;

const NAME: &str = "backend.example";

/// Configurations of both sides; the server's certificate has so many names.
fn sides(version: &'static SupportedProtocolVersion, names: usize) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let mut all = vec![NAME.to_owned()];
    all.extend((1..names).map(|number| format!("a-rather-long-name-of-a-service-{number}.example")));
    let made = rcgen::generate_simple_self_signed(all).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = crate::tls::provider();
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(client), Arc::new(server))
}

/// A connection through a pipe of so many bytes.
async fn connected(
    version: &'static SupportedProtocolVersion,
    names: usize,
    width: usize,
) -> (Tls<DuplexStream>, TlsStream<DuplexStream>) {
    let (client, server) = sides(version, names);
    let (near, far) = duplex(width);
    let name = ServerName::try_from(NAME).unwrap();
    let (near, far) = tokio::join!(
        Tls::connect(client, name, near),
        TlsAcceptor::from(server).accept(far)
    );
    (near.unwrap(), far.unwrap())
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place / 7 % 251) as u8).collect()
}

#[tokio::test]
async fn everything_arrives_whatever_the_width_of_the_pipe_and_the_size_of_the_reads() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for (width, reads) in [(1000, 8192), (70_000, 100), (1 << 20, 65_536)] {
            let (near, far) = connected(version, 1, width).await;
            let sent = bytes(300_000);
            let (mut from_far, mut to_far) = split(far);
            let (mut from_near, mut to_near) = split(near);
            let back = async {
                let mut all = vec![0; sent.len()];
                from_far.read_exact(&mut all).await.unwrap();
                assert_eq!(all, sent);
                to_far.write_all(&all).await.unwrap();
                to_far.shutdown().await.unwrap();
            };
            let there = async {
                to_near.write_all(&sent).await.unwrap();
                to_near.flush().await.unwrap();
            };
            let read = async {
                let (mut all, mut room) = (Vec::new(), vec![0; reads]);
                loop {
                    match from_near.read(&mut room).await.unwrap() {
                        0 => return all,
                        length => all.extend_from_slice(&room[..length]),
                    }
                }
            };
            let ((), (), received) = tokio::join!(back, there, read);
            assert!(received == sent, "{version:?}, {width}, {reads}");
        }
    }
}

#[tokio::test]
async fn several_pieces_are_one_record_if_they_fit() {
    for (length, records) in [(100, 1), (20_000, 4)] {
        let (mut near, far) = connected(&rustls::version::TLS13, 1, 1 << 20).await;
        let (head, body) = (bytes(30), bytes(length));
        let slices = [IoSlice::new(&head), IoSlice::new(&body), IoSlice::new(b"\r\n")];
        let written = near.write_vectored(&slices).await.unwrap();
        assert_eq!(written, 32 + length);
        near.flush().await.unwrap();
        drop(near);
        let (mut socket, mut session) = far.into_inner();
        let mut raw = Vec::new();
        socket.read_to_end(&mut raw).await.unwrap();
        assert_eq!(count_records(&raw), records);
        let mut raw = &raw[..];
        let mut all = Vec::new();
        while !raw.is_empty() {
            session.read_tls(&mut raw).unwrap();
            session.process_new_packets().unwrap();
            let mut read = vec![0; length + 32];
            let read_length = session.reader().read(&mut read).unwrap_or(0);
            all.extend_from_slice(&read[..read_length]);
        }
        assert!(all == [&head[..], &body, b"\r\n"].concat());
    }
}

fn count_records(mut raw: &[u8]) -> usize {
    let mut count = 0;
    while let [_, _, _, high, low, rest @ ..] = raw {
        raw = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
        count += 1;
    }
    count
}

#[tokio::test]
async fn a_handshake_may_be_larger_than_what_is_read_at_once() {
    // more than two records
    let (mut near, mut far) = connected(&rustls::version::TLS13, 900, 4096).await;
    near.write_all(b"ping").await.unwrap();
    near.flush().await.unwrap();
    let mut four = [0; 4];
    far.read_exact(&mut four).await.unwrap();
    assert_eq!(&four, b"ping");
}

#[tokio::test]
async fn keys_change_in_the_middle() {
    let (mut near, mut far) = connected(&rustls::version::TLS13, 1, 1 << 16).await;
    let mut four = [0; 4];
    for _ in 0..3 {
        far.get_mut().1.refresh_traffic_keys().unwrap(); // asks for ours to change, too
        far.write_all(b"ping").await.unwrap();
        far.flush().await.unwrap();
        near.read_exact(&mut four).await.unwrap();
        near.write_all(b"pong").await.unwrap();
        near.flush().await.unwrap();
        far.read_exact(&mut four).await.unwrap();
        assert_eq!(&four, b"pong");
    }
}

#[tokio::test]
async fn what_is_received_while_writing_is_kept() {
    let (mut near, mut far) = connected(&rustls::version::TLS13, 1, 1 << 20).await;
    far.write_all(&bytes(20_000)).await.unwrap();
    far.flush().await.unwrap();
    let mut some = [0; 10];
    near.read_exact(&mut some).await.unwrap();
    near.write_all(b"ping").await.unwrap();
    near.flush().await.unwrap();
    let mut rest = vec![0; 19_990];
    near.read_exact(&mut rest).await.unwrap();
    assert!([&some[..], &rest].concat() == bytes(20_000));
    let mut four = [0; 4];
    far.read_exact(&mut four).await.unwrap();
    assert_eq!(&four, b"ping");
}

#[tokio::test]
async fn an_end_that_was_not_said_is_an_error() {
    let (mut near, mut far) = connected(&rustls::version::TLS13, 1, 1 << 16).await;
    far.write_all(b"half").await.unwrap();
    far.flush().await.unwrap();
    drop(far);
    let mut all = Vec::new();
    let error = near.read_to_end(&mut all).await.unwrap_err();
    assert_eq!(
        (error.kind(), &all[..]),
        (io::ErrorKind::UnexpectedEof, &b"half"[..])
    );

    let (mut near, mut far) = connected(&rustls::version::TLS13, 1, 1 << 16).await;
    near.shutdown().await.unwrap();
    assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0, "ours is said");
    far.write_all(b"more").await.unwrap();
    far.shutdown().await.unwrap();
    let mut all = Vec::new();
    near.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"more", "the other direction goes on");
}

#[tokio::test]
async fn an_answer_is_read_also_from_a_peer_that_reads_no_more() {
    let (mut near, mut far) = connected(&rustls::version::TLS13, 1, 2000).await;
    let upload = bytes(10_000);
    let written = poll_fn(|cx| Poll::Ready(Pin::new(&mut near).poll_write(cx, &upload))).await;
    assert!(matches!(written, Poll::Ready(Ok(10_000))), "and most of it waits");
    far.write_all(b"413").await.unwrap();
    far.shutdown().await.unwrap();
    drop(far);
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"413");
    assert!(near.flush().await.is_err(), "who writes hears of it");
}

#[tokio::test]
async fn the_alert_comes_behind_an_answer_of_the_protocol() {
    let (mut near, far) = connected(&rustls::version::TLS13, 1, 1 << 16).await;
    let (mut socket, mut session) = far.into_inner();
    session.refresh_traffic_keys().unwrap();
    let mut records = Vec::new();
    session.write_tls(&mut records).unwrap();
    records.extend_from_slice(b"\x17\x03\x03\x00\x15this is not encrypted");
    socket.write_all(&records).await.unwrap();
    near.read(&mut [0; 10]).await.unwrap_err();
    drop(near);
    let mut told = Vec::new();
    socket.read_to_end(&mut told).await.unwrap();
    assert_eq!(count_records(&told), 2);
    session.read_tls(&mut &told[..]).unwrap();
    let told = session.process_new_packets().unwrap_err();
    let alert = rustls::AlertDescription::BadRecordMac;
    assert_eq!(told, rustls::Error::AlertReceived(alert));
}

#[tokio::test]
async fn a_peer_that_breaks_the_rules_is_told_so() {
    let (mut near, far) = connected(&rustls::version::TLS13, 1, 1 << 16).await;
    let (mut socket, mut session) = far.into_inner();
    socket
        .write_all(b"\x17\x03\x03\x00\x15this is not encrypted")
        .await
        .unwrap();
    let error = near.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    let again = near.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::InvalidData, "and stays so: {again}");
    let mut records = vec![0; 100];
    let length = socket.read(&mut records).await.unwrap();
    session.read_tls(&mut &records[..length]).unwrap();
    let told = session.process_new_packets().unwrap_err();
    assert_eq!(
        told,
        rustls::Error::AlertReceived(rustls::AlertDescription::BadRecordMac)
    );
}

#[tokio::test]
async fn a_server_that_nobody_trusts_or_that_leaves_is_no_connection() {
    let (_, server) = sides(&rustls::version::TLS13, 1);
    let (client, _) = sides(&rustls::version::TLS13, 1);
    let (near, far) = duplex(1 << 16);
    let name = ServerName::try_from(NAME).unwrap();
    let (near, far) = tokio::join!(
        Tls::connect(client.clone(), name.clone(), near),
        TlsAcceptor::from(server).accept(far)
    );
    assert_eq!(near.err().unwrap().kind(), io::ErrorKind::InvalidData);
    let told = far.unwrap_err().to_string();
    assert!(told.contains("alert"), "{told}");

    let (near, far) = duplex(1 << 16);
    drop(far);
    assert!(Tls::connect(client, name, near).await.is_err());
}
