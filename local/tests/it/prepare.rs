//! Certificates, secrets and registry documents: made once, kept while they fit.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};

use crate::harness::{Folder, Process, workspace};

/// Runs it; what it said.
async fn prepare(folder: &Folder, arguments: &[&str]) -> String {
    let mut all = vec!["prepare", folder.path().to_str().unwrap()];
    all.extend(arguments);
    let mut process = Process::start(&workspace(), &all);
    assert_eq!(process.end().await, Some(0), "{}", process.output());
    process.output()
}

/// Every file with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().display().to_string();
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn what_fits_is_left_alone_and_keys_are_private() {
    let folder = Folder::new();
    prepare(&folder, &[]).await;
    let first = files(folder.path());
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    for name in [
        "pki/ca.crt",
        "pki/client.crt",
        "secrets/public-tls/tls.crt",
        "registry/backend.yaml",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for name in names.iter().filter(|name| name.ends_with(".key")) {
        let mode = std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    prepare(&folder, &[]).await;
    assert_eq!(files(folder.path()), first);
}

#[tokio::test]
async fn what_does_not_fit_is_issued_anew() {
    let (folder, other) = (Folder::new(), Folder::new());
    prepare(&folder, &[]).await;
    prepare(&other, &[]).await;
    let pki = |folder: &Folder, name: &str| folder.path().join("pki").join(name);
    let read = |folder: &Folder, name: &str| std::fs::read(pki(folder, name)).unwrap();
    type Content<'a> = &'a dyn Fn() -> Vec<u8>;
    let cases: [(&str, Content<'_>, &str); 5] = [
        ("ca.crt", &|| read(&other, "ca.crt"), "within the next seven days"),
        ("client.key", &|| read(&folder, "gateway.key"), "its key"),
        ("gateway.crt", &|| read(&folder, "public-tls.crt"), "its key"),
        ("client.crt", &|| b"-----BEGIN".to_vec(), "client.crt"),
        (
            "gateway.crt",
            &|| ends_soon(&folder),
            "within the next seven days",
        ),
    ];
    for (name, content, reason) in cases {
        std::fs::write(pki(&folder, name), content()).unwrap();
        let before = read(&folder, "gateway.key");
        let said = prepare(&folder, &[]).await;
        assert!(
            said.contains("issued anew") && said.contains(reason),
            "{name}: {said}"
        );
        assert_ne!(read(&folder, "gateway.key"), before, "{name}");
        let secret = folder.path().join("secrets/services-acme-internal/tls.crt");
        assert_eq!(std::fs::read(secret).unwrap(), read(&folder, "gateway.crt"));
    }
}

/// The gateway's own certificate but for its end, which is in three days.
fn ends_soon(folder: &Folder) -> Vec<u8> {
    let read = |name: &str| std::fs::read_to_string(folder.path().join("pki").join(name)).unwrap();
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "acme local CA");
    let issuer = Issuer::new(authority, KeyPair::from_pem(&read("ca.key")).unwrap());
    let mut leaf = CertificateParams::new(vec!["services.acme.internal".to_owned()]).unwrap();
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    leaf.not_after = rcgen::date_time_ymd(1970, 1, 1) + since + Duration::from_secs(3 * 24 * 3600);
    let key = KeyPair::from_pem(&read("gateway.key")).unwrap();
    leaf.signed_by(&key, &issuer).unwrap().pem().into_bytes()
}

#[tokio::test]
async fn each_reader_gets_its_share_and_nothing_more() {
    let (folder, proxy, gateway, frontend) = (Folder::new(), Folder::new(), Folder::new(), Folder::new());
    let to = |flag: &str, folder: &Folder| format!("{flag}={}", folder.path().display());
    let shares = [
        to("--proxy-dir", &proxy),
        to("--gateway-dir", &gateway),
        to("--frontend-dir", &frontend),
    ];
    let mut arguments = vec!["--backend=backend:8080"];
    arguments.extend(shares.iter().map(String::as_str));
    prepare(&folder, &arguments).await;
    assert!(
        files(frontend.path()).keys().eq(["session.key"]),
        "the front end's share"
    );
    let names: Vec<String> = files(proxy.path()).into_keys().collect();
    assert_eq!(names, ["ca/ca.crt", "cert/tls.crt", "key/tls.key"]);
    let gateway = files(gateway.path());
    assert!(
        gateway
            .keys()
            .all(|name| name.starts_with("secrets/services-acme-internal/") || name.starts_with("registry/"))
    );
    let registry = String::from_utf8(gateway["registry/backend.yaml"].clone()).unwrap();
    assert!(
        registry.contains("resolution: DNS") && registry.contains("address: \"backend\""),
        "{registry}"
    );
}
