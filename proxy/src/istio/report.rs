//! What is wrong with documents, and what is legal but hardly meant: every finding names file, line,
//! document and field.

use std::fmt;

use super::About;
use super::node::Path;

/// Everything that was found, in the order in which it was found, each thing once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// What no process should start with.
    pub(crate) errors: Vec<String>,
    /// What has a defined effect, though perhaps not the one that was meant.
    pub(crate) warnings: Vec<String>,
}

impl Report {
    /// Notes what is wrong with a field.
    pub(crate) fn error(&mut self, at: &At<'_>, message: impl fmt::Display) {
        self.fault(format!("{at}: {message}"));
    }

    /// Notes what is odd about a field.
    pub(crate) fn warn(&mut self, at: &At<'_>, message: impl fmt::Display) {
        let line = format!("{at}: {message}");
        if !self.warnings.contains(&line) {
            self.warnings.push(line);
        }
    }

    /// Notes what is wrong with something that is no document.
    pub(crate) fn fault(&mut self, line: String) {
        if !self.errors.contains(&line) {
            self.errors.push(line);
        }
    }
}

/// A field of a document.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    /// The document.
    pub(crate) about: &'a About,
    path: Path,
}

impl<'a> At<'a> {
    /// The whole document.
    pub(crate) fn root(about: &'a About) -> At<'a> {
        At {
            about,
            path: Path::default(),
        }
    }

    /// Its `spec`.
    pub(crate) fn spec(about: &'a About) -> At<'a> {
        At::root(about).key("spec")
    }

    /// A field by its path.
    pub(crate) fn path(about: &'a About, path: Path) -> At<'a> {
        At { about, path }
    }

    /// A member of this field; dots go deeper.
    pub(crate) fn key(&self, keys: &str) -> At<'a> {
        let path = keys.split('.').fold(self.path.clone(), |path, key| path.key(key));
        At {
            about: self.about,
            path,
        }
    }

    /// A member whose name is text of the document's author.
    pub(crate) fn name(&self, name: &str) -> At<'a> {
        At {
            about: self.about,
            path: self.path.key(name),
        }
    }

    /// An entry of this list.
    pub(crate) fn index(&self, index: usize) -> At<'a> {
        At {
            about: self.about,
            path: self.path.index(index),
        }
    }

    /// What this field stands in.
    pub(crate) fn parent(&self) -> At<'a> {
        let mut path = self.path.clone();
        path.0.pop();
        At {
            about: self.about,
            path,
        }
    }

    /// Only the path, for a message about another field of the same document.
    pub(crate) fn field(&self) -> String {
        self.path.to_string()
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.about.root.line_of(&self.path);
        write!(f, "{}:{line}: {}", self.about.id.file, self.about.label())?;
        let path = self.path.to_string();
        if path.is_empty() {
            Ok(())
        } else {
            write!(f, ": {path}")
        }
    }
}
