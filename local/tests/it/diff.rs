//! The edits that the documentation prints as diffs, made to a copy of the documents: what a page says and
//! what a test proves are the same text.

use std::path::{Path, PathBuf};

/// One fenced block: a file, and lines of it that become others.
pub(crate) struct Diff {
    file: String,
    old: String,
    new: String,
}

impl Diff {
    /// Those of a page of the checkout, in its order.
    pub(crate) fn printed_in(page: &Path) -> Vec<Diff> {
        let text = std::fs::read_to_string(page).unwrap();
        let blocks = text.split("\n```diff\n").skip(1);
        blocks
            .map(|block| Diff::parse(block.split("\n```").next().unwrap()))
            .collect()
    }

    fn parse(block: &str) -> Diff {
        let (head, body) = block.split_once("\n@@").expect("one hunk");
        let (_, body) = body.split_once('\n').unwrap();
        let file = head.split("+++ b/").nth(1).expect("the file's name").trim();
        let lines = |but: char| -> String {
            let lines = body.lines().filter(|line| !line.starts_with(but));
            lines
                .map(|line| format!("{}\n", line.get(1..).unwrap_or("")))
                .collect()
        };
        Diff {
            file: file.to_owned(),
            old: lines('+'),
            new: lines('-'),
        }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The same edit of another file.
    pub(crate) fn of(self, file: &str) -> Diff {
        Diff {
            file: file.to_owned(),
            ..self
        }
    }

    /// The same edit with other names in what it adds.
    pub(crate) fn with(self, from: &str, to: &str) -> Diff {
        assert!(self.new.contains(from), "{from:?} is not in {:?}", self.new);
        Diff {
            new: self.new.replace(from, to),
            ..self
        }
    }

    /// Makes it, in a folder that holds `istio/`. The lines have to be there, once.
    pub(crate) fn apply(&self, checkout: &Path) {
        let path: PathBuf = checkout.join(&self.file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.matches(&self.old).count(),
            1,
            "{}: {:?}",
            self.file,
            self.old
        );
        std::fs::write(path, text.replace(&self.old, &self.new)).unwrap();
    }
}
