//! Which certificates are in use, for the operator: what their files held when they were swapped in.
//! Keys are not looked at.

use super::certificate::Certificate;
use super::material::Files;

/// A certificate in use.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) kind: Kind,
    /// Where it lies.
    pub(crate) file: String,
    pub(crate) certificate: Certificate,
}

/// What it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// We show it: the leaf first, then its intermediates.
    Certificate,
    /// Peers' chains must end in it.
    Ca,
}

impl Kind {
    /// In one word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Certificate => "certificate",
            Kind::Ca => "ca",
        }
    }
}

/// Everything that files hold. A system's bundle is only counted by its first [`MOST`] certificates.
pub(crate) fn of(files: &Files) -> Vec<Held> {
    let both = [(Kind::Certificate, &files.certificate), (Kind::Ca, &files.ca)];
    let read = both
        .into_iter()
        .filter_map(|(kind, file)| Some((kind, file.as_ref()?)));
    read.flat_map(|(kind, file)| {
        let chain = file.certificates().unwrap_or_default();
        let certificates = chain.into_iter().filter_map(|der| Certificate::read(&der));
        certificates.take(MOST).map(move |certificate| Held {
            kind,
            file: file.to_string(),
            certificate,
        })
    })
    .collect()
}

const MOST: usize = 16;
