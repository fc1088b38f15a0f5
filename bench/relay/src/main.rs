//! Copies bytes between plain TCP and mutual TLS, one connection for one: no HTTP, no pool, no policy. What a
//! request costs here no proxy of this design can undercut.
//!
//! `relay LISTEN ORIGIN PKI`

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, origin, pki] = arguments.as_slice() else {
        return Err("usage: relay LISTEN ORIGIN PKI".into());
    };
    let connector = TlsConnector::from(Arc::new(config(Path::new(pki))?));
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (downstream, _) = listener.accept().await?;
        let (connector, origin) = (connector.clone(), origin.clone());
        tokio::spawn(async move {
            let _ = relay(downstream, &connector, &origin).await; // whoever left, left
        });
    }
}

async fn relay(mut downstream: TcpStream, connector: &TlsConnector, origin: &str) -> Result<(), Box<dyn Error>> {
    downstream.set_nodelay(true)?;
    let upstream = TcpStream::connect(origin).await?;
    upstream.set_nodelay(true)?;
    let name = ServerName::try_from("services.acme.internal")?;
    let mut upstream = connector.connect(name, upstream).await?;
    tokio::io::copy_bidirectional(&mut downstream, &mut upstream).await?;
    Ok(())
}

fn config(pki: &Path) -> Result<ClientConfig, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pki.join("ca.crt"))?)?;
    let chain = CertificateDer::pem_file_iter(pki.join("client.crt"))?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(pki.join("client.key"))?;
    Ok(ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, key)?)
}
