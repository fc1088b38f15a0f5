//! YAML text to trees: anchors and merge keys resolved, duplicate keys and ambiguous scalars found, and
//! a bound on what aliases may multiply.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::node::{Node, Path, Value};

/// Nodes of one file, copies made by aliases included. The largest documents we know have some thousand.
const MAX_NODES: usize = 100_000;

/// Levels of nesting; the API itself needs about twelve.
const MAX_DEPTH: usize = 64;

/// One document of a stream, or what is left of it.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The tree.
    pub(crate) root: Node,
    /// Keys that stand twice in a mapping.
    pub(crate) duplicates: Vec<(Path, usize)>,
}

/// A stream that cannot be read any further.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Where.
    pub(crate) line: usize,
    /// Why.
    pub(crate) message: String,
}

/// Every document of a text; empty ones are left out. What stands before the first error is kept.
pub(crate) fn parse(text: &str) -> (Vec<Parsed>, Option<Unreadable>) {
    let mut composer = Composer {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        duplicates: Vec::new(),
        nodes: 0,
    };
    let mut documents = Vec::new();
    loop {
        match composer.document() {
            Ok(Some(root)) => {
                let duplicates = std::mem::take(&mut composer.duplicates);
                if root.value != Value::Null || !duplicates.is_empty() {
                    documents.push(Parsed { root, duplicates });
                }
            }
            Ok(None) => return (documents, None),
            Err(error) => return (documents, Some(error)),
        }
    }
}

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    duplicates: Vec<(Path, usize)>,
    nodes: usize,
}

type Scalar<'a> = (Cow<'a, str>, ScalarStyle);

impl<'a> Composer<'a> {
    /// The next document; none at the end of the stream.
    fn document(&mut self) -> Result<Option<Node>, Unreadable> {
        loop {
            match self.event()? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::DocumentStart(..), _) => {
                    self.anchors.clear();
                    let (event, span) = self.event()?;
                    return self.node(event, span, &Path::default()).map(Some);
                }
                _ => {}
            }
        }
    }

    fn event(&mut self) -> Result<(Event<'a>, Span), Unreadable> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            None => Ok((Event::StreamEnd, Span::default())),
            Some(Err(error)) => Err(Unreadable {
                line: error.marker().line(),
                message: hint(&error.info()),
            }),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, path: &Path) -> Result<Node, Unreadable> {
        let line = span.start.line();
        self.count(1, path.0.len(), line)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (scalar((text, style), tag.as_deref(), line)?, anchor),
            Event::SequenceStart(_, anchor, _) => (self.list(path)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(path)?, anchor),
            Event::Alias(target) => return self.alias(target, path, line),
            _ => (Value::Null, 0),
        };
        let node = Node { line, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, path: &Path) -> Result<Value, Unreadable> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                (Event::SequenceEnd | Event::StreamEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, &path.index(items.len()))?),
            }
        }
    }

    fn map(&mut self, path: &Path) -> Result<Value, Unreadable> {
        let mut members: Vec<(String, Node)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.event()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                break;
            }
            let line = span.start.line();
            let plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = match self.node(event, span, path)?.value {
                Value::Text(key) | Value::Ambiguous(key) | Value::Integer(key) | Value::Float(key) => key,
                Value::Bool(key) => key.to_string(),
                other => {
                    let node = Node { line, value: other };
                    return Err(Unreadable {
                        line,
                        message: format!("a key is text, not {}", node.describe()),
                    });
                }
            };
            let (event, span) = self.event()?;
            let value = self.node(event, span, &path.key(&key))?;
            if key == "<<" && plain {
                merged.push(value);
            } else if members.iter().any(|(name, _)| *name == key) {
                self.duplicates.push((path.key(&key), line));
            } else {
                members.push((key, value));
            }
        }
        for value in merged {
            merge(&mut members, value)?;
        }
        Ok(Value::Map(members))
    }

    fn alias(&mut self, target: usize, path: &Path, line: usize) -> Result<Node, Unreadable> {
        let Some(node) = self.anchors.get(&target).cloned() else {
            return Err(Unreadable {
                line,
                message: "an alias inside the node that it stands for".to_owned(),
            });
        };
        self.count(size(&node), path.0.len(), line)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, depth: usize, line: usize) -> Result<(), Unreadable> {
        self.nodes += nodes;
        let message = if self.nodes > MAX_NODES {
            format!("more than {MAX_NODES} values once aliases are written out")
        } else if depth > MAX_DEPTH {
            format!("nested deeper than {MAX_DEPTH} levels")
        } else {
            return Ok(());
        };
        Err(Unreadable { line, message })
    }
}

/// `<<`: the members of one mapping, or of several, that are not there yet.
fn merge(members: &mut Vec<(String, Node)>, from: Node) -> Result<(), Unreadable> {
    match from.value {
        Value::Map(others) => {
            for (key, node) in others {
                if members.iter().all(|(name, _)| *name != key) {
                    members.push((key, node));
                }
            }
            Ok(())
        }
        Value::List(sources) => sources.into_iter().try_for_each(|source| merge(members, source)),
        _ => Err(Unreadable {
            line: from.line,
            message: "`<<` takes a mapping or a list of mappings".to_owned(),
        }),
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(members) => members.iter().map(|(_, node)| size(node)).sum(),
        _ => 0,
    }
}

/// A scalar by the core schema of YAML 1.2, where YAML 1.1 agrees.
fn scalar((text, style): Scalar<'_>, tag: Option<&Tag>, line: usize) -> Result<Value, Unreadable> {
    if let Some(tag) = tag {
        return Err(Unreadable {
            line,
            message: format!("the tag {tag} is not supported: write the value plainly, or quoted"),
        });
    }
    if style != ScalarStyle::Plain {
        return Ok(Value::Text(text.into_owned()));
    }
    Ok(match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        word if is_ambiguous(word) => Value::Ambiguous(word.to_owned()),
        word if is_integer(word) => Value::Integer(word.to_owned()),
        word if is_float(word) => Value::Float(word.to_owned()),
        _ => Value::Text(text.into_owned()),
    })
}

/// What kubectl's reader and a reader of YAML 1.2 take for different things: the many booleans of YAML
/// 1.1 (`y` and `n` are text for istiod, as recorded), octal numbers with a leading zero or `0o`, binary numbers, digits with underscores.
fn is_ambiguous(word: &str) -> bool {
    const BOOLEANS: [&str; 4] = ["yes", "no", "on", "off"];
    let digits = word.trim_start_matches(['-', '+']);
    let numeric = digits.starts_with(|first: char| first.is_ascii_digit());
    BOOLEANS.iter().any(|boolean| word.eq_ignore_ascii_case(boolean))
        || numeric
            && (digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
                || digits.starts_with("0b") && digits[2..].bytes().all(|b| matches!(b, b'0' | b'1'))
                || digits.starts_with("0o") && digits[2..].bytes().all(|b| b.is_ascii_digit())
                || digits.contains('_') && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_'))
}

fn is_integer(word: &str) -> bool {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let hexadecimal = word.strip_prefix("0x");
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        || hexadecimal
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_float(word: &str) -> bool {
    let number = word.strip_prefix(['-', '+']).unwrap_or(word);
    matches!(number, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
        || number.starts_with(|first: char| first.is_ascii_digit() || first == '.')
            && number
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
            && number.parse::<f64>().is_ok()
}

/// The scanner's message, with what usually helps.
fn hint(message: &str) -> String {
    if message.contains("alias") || message.contains("anchor") {
        format!("{message}; a value that begins with `*` or `&` must be quoted: \"*\"")
    } else {
        message.to_owned()
    }
}
