//! What a part tells its runner through the pipe on its stdout: reports and access records, one JSON
//! object a line.

use std::collections::BTreeMap;
use std::io::Write;

use chassis::access::Record;
use serde::{Deserialize, Serialize};

/// Where something listens, by the name it has in `endpoints.json`.
pub(crate) type Endpoints = BTreeMap<String, String>;

/// A part's word on itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
pub(crate) enum Report {
    /// Everything is bound.
    Addresses { addresses: Endpoints },
    /// It wants traffic.
    Ready,
    /// It cannot start, and this is why.
    Failed { lines: Vec<String> },
}

/// One line of the pipe.
#[derive(Debug)]
pub(crate) enum Line {
    Report(Report),
    Record(Box<Record>),
    /// Something else wrote to stdout.
    Text(String),
}

impl Report {
    /// Sends it to the runner. Nobody there any more? Then the lifeline says so, too.
    pub(crate) fn send(&self) {
        if let Ok(line) = serde_json::to_string(self) {
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }
}

impl Line {
    /// Reads a line.
    pub(crate) fn parse(text: String) -> Line {
        if let Ok(report) = serde_json::from_str(&text) {
            return Line::Report(report);
        }
        match serde_json::from_str(&text) {
            Ok(record) => Line::Record(Box::new(record)),
            Err(_) => Line::Text(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_records_share_the_pipe() {
        let report = serde_json::to_string(&Report::Failed {
            lines: vec!["no".into()],
        })
        .unwrap();
        assert!(matches!(Line::parse(report), Line::Report(Report::Failed { .. })));
        let record = serde_json::to_string(&Record::default()).unwrap();
        assert!(matches!(Line::parse(record), Line::Record(_)));
        assert!(matches!(Line::parse("hello".into()), Line::Text(_)));
    }
}
