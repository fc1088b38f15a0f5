//! The upstreams that are no web servers, and the key server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::material::Material;
use crate::wire::Head;

/// Accepts and closes at once.
pub(super) async fn close(_: TcpStream) -> io::Result<()> {
    Ok(())
}

/// Accepts, reads and never answers.
pub(super) async fn keep_silent(mut stream: TcpStream) -> io::Result<()> {
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok(())
}

/// Answers with something that is not HTTP.
pub(super) async fn talk_garbage(mut stream: TcpStream) -> io::Result<()> {
    let _some_of_the_request = stream.read(&mut [0; 65536]).await?;
    stream.write_all(b"this is not HTTP\r\n\r\n").await?;
    // closing at once could be seen before the words
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok(())
}

/// Hands out key sets: good ones, one found by discovery, a broken one and a slow one.
pub(super) async fn serve_keys(stream: TcpStream, material: Arc<Material>, own_port: u16) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let request = Head::read(&mut stream).await?;
    let (status, body) = match request.start.split(' ').nth(1).unwrap_or_default() {
        "/shop.json" => ("200 OK", material.key_set("shop.json")?),
        "/other.json" => ("200 OK", material.key_set("other.json")?),
        "/oidc/.well-known/openid-configuration" => ("200 OK", discovery(own_port)),
        "/broken.json" => ("200 OK", b"{".to_vec()),
        "/slow.json" => {
            tokio::time::sleep(SLOW).await;
            ("200 OK", b"{}".to_vec())
        }
        _ => ("404 Not Found", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    stream.shutdown().await
}

fn discovery(own_port: u16) -> Vec<u8> {
    let keys = format!("http://127.0.0.1:{own_port}/other.json");
    serde_json::json!({ "issuer": "https://issuer.other.example", "jwks_uri": keys })
        .to_string()
        .into_bytes()
}

const SLOW: Duration = Duration::from_secs(30);
