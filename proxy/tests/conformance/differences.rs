//! The differences that are known, each with its reason. One that no longer exists makes the run fail.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use regex_automata::meta::Regex;
use serde::Deserialize;

use crate::compare::Difference;

/// `differences.yaml`.
pub(crate) struct Differences {
    excused: usize,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// How many requests differ in a way that is excused, in a run of all cases.
    excused: usize,
    differences: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    case: String,
    request: String,
    field: String,
    reason: String,
    /// The recording is at fault: Envoy itself answers otherwise today.
    #[serde(default)]
    recording: bool,
}

struct Entry {
    line: Line,
    case: Regex,
    request: Regex,
    field: Regex,
    used: AtomicBool,
}

impl Differences {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let file: File = serde_saphyr::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        let entries = file
            .differences
            .into_iter()
            .map(Entry::new)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            excused: file.excused,
            entries,
        })
    }

    /// Those that Envoy has, too.
    pub(crate) fn of_recordings(mut self) -> Self {
        self.entries.retain(|entry| entry.line.recording);
        self
    }

    pub(crate) fn excuses(&self, case: &str, request: &str, difference: &Difference) -> bool {
        // every entry that applies has earned its place, so no short cut
        let mut excused = false;
        for entry in &self.entries {
            if entry.applies(case, request, difference) {
                entry.used.store(true, Ordering::Relaxed);
                excused = true;
            }
        }
        excused
    }

    /// Whether a difference that belongs to this case has not been met.
    pub(crate) fn awaits(&self, case: &Path) -> bool {
        let name = case.file_name().unwrap_or_default().to_string_lossy();
        let mut unused = self
            .entries
            .iter()
            .filter(|entry| !entry.used.load(Ordering::Relaxed));
        unused.any(|entry| entry.case.is_match(name.as_bytes()))
    }

    /// What is wrong with the file after a run of all cases in which `excused` requests were excused.
    pub(crate) fn verdict(&self, excused: usize) -> Vec<String> {
        let unused = self.entries.iter().filter(|entry| !entry.used.load(Ordering::Relaxed)).map(|entry| {
            let Line { case, request, field, reason, .. } = &entry.line;
            format!("differences.yaml excuses nothing with case {case:?}, request {request:?}, field {field:?} ({reason})")
        });
        let miscounted = (excused != self.excused).then(|| {
            format!(
                "differences.yaml says excused: {}, but {excused} requests were excused",
                self.excused
            )
        });
        unused.chain(miscounted).collect()
    }
}

impl Entry {
    fn new(line: Line) -> Result<Self, String> {
        let whole = |pattern: &str| {
            Regex::new(&format!("^(?:{pattern})$")).map_err(|e| format!("differences.yaml: {pattern:?}: {e}"))
        };
        let (case, request, field) = (whole(&line.case)?, whole(&line.request)?, whole(&line.field)?);
        Ok(Self {
            line,
            case,
            request,
            field,
            used: AtomicBool::new(false),
        })
    }

    fn applies(&self, case: &str, request: &str, difference: &Difference) -> bool {
        self.case.is_match(case) && self.request.is_match(request) && self.field.is_match(&difference.field)
    }
}
