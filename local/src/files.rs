//! Files that are whole or not there: written beside their place, then renamed into it.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};

/// For certificates and documents.
pub(crate) const PUBLIC: u32 = 0o644;
/// For keys, accounts and refresh tokens.
pub(crate) const PRIVATE: u32 = 0o600;

/// Writes a file atomically, with its directory. Readers see the old content or the new one; what
/// watches the directory (live reload) never sees half a document.
pub(crate) fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let directory = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = directory.join(format!(".{name}.{}.{serial}", std::process::id()));
    let put = || -> std::io::Result<()> {
        std::fs::create_dir_all(directory)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    put()
        .inspect_err(|_| drop(std::fs::remove_file(&beside)))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The same, unless the file has this content already: an unchanged file keeps its time stamp.
pub(crate) fn write_if_changed(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    match std::fs::read(path) {
        Ok(present) if present == content => Ok(()),
        _ => write(path, content, mode),
    }
}
