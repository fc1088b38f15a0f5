//! Starts that are refused: one line that names the file, and exit code 2, before anything listens.

use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{CertificateParams, KeyPair};

/// A folder with documents, a certificate and its key; gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("acme-refused-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }

    /// A certificate of these years, with the key it was made for.
    fn certificate(&self, from: i32, to: i32) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec!["shop.test".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
        self.write("tls.crt", &parameters.self_signed(&key).unwrap().pem());
        self.write("tls.key", &key.serialize_pem());
    }

    fn gateway(&self) {
        let (certificate, key) = (self.file("tls.crt"), self.file("tls.key"));
        let text = GATEWAY
            .replace("CERTIFICATE", certificate.to_str().unwrap())
            .replace("KEY", key.to_str().unwrap());
        self.write("gateway.yaml", &text);
    }

    /// Starts the proxy, which must refuse; what it said.
    fn refused(&self) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_proxy"))
            .arg("--config")
            .arg(&self.0)
            .args(["--admin", "127.0.0.1:0", "--bind", "127.0.0.1"])
            .env_remove("NOBODY_SET_THIS")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        said
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const GATEWAY: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: default}
spec:
  servers:
  - port: {number: 31443, name: https, protocol: HTTPS}
    hosts: [shop.test]
    tls: {mode: SIMPLE, serverCertificate: CERTIFICATE, privateKey: KEY}
";

/// Exactly one line, with all of these words.
fn one_line(said: &str, words: &[&str]) {
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("proxy: ")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    for word in words {
        assert!(lines[0].contains(word), "{word:?} is not in {}", lines[0]);
    }
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_expired_certificate() {
    let folder = Folder::new("expired");
    folder.certificate(2020, 2021);
    folder.gateway();
    one_line(&folder.refused(), &[name(&folder.file("tls.crt")), "expired"]);
}

#[test]
fn a_key_that_does_not_fit_its_certificate() {
    let folder = Folder::new("key");
    folder.certificate(2020, 2099);
    folder.write("tls.key", &KeyPair::generate().unwrap().serialize_pem());
    folder.gateway();
    one_line(
        &folder.refused(),
        &[name(&folder.file("tls.key")), name(&folder.file("tls.crt"))],
    );
}

#[test]
fn a_certificate_that_is_not_there() {
    let folder = Folder::new("missing");
    folder.gateway();
    one_line(&folder.refused(), &[name(&folder.file("tls.crt"))]);
}

#[test]
fn a_misspelt_field() {
    let folder = Folder::new("misspelt");
    folder.certificate(2020, 2099);
    folder.gateway();
    let text = std::fs::read_to_string(folder.file("gateway.yaml")).unwrap();
    folder.write("gateway.yaml", &text.replace("privateKey", "privateKeys"));
    let said = folder.refused();
    let named =
        |line: &str| line.contains("gateway.yaml") && line.contains("spec.servers[0].tls.privateKeys");
    assert!(said.lines().any(named), "{said}");
}

#[test]
fn a_variable_that_nobody_set() {
    let folder = Folder::new("variable");
    folder.certificate(2020, 2099);
    folder.gateway();
    let text = std::fs::read_to_string(folder.file("gateway.yaml")).unwrap();
    folder.write("gateway.yaml", &text.replace("shop.test", "${NOBODY_SET_THIS}"));
    one_line(&folder.refused(), &["gateway.yaml", "NOBODY_SET_THIS"]);
}

#[test]
fn a_port_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = Folder::new("port");
    folder.certificate(2020, 2099);
    folder.gateway();
    let text = std::fs::read_to_string(folder.file("gateway.yaml")).unwrap();
    folder.write("gateway.yaml", &text.replace("31443", &port.to_string()));
    one_line(&folder.refused(), &[&format!("127.0.0.1:{port}"), "in use"]);
}
