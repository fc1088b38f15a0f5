//! A document as a tree that remembers where everything stood, and paths into it as Kubernetes writes them.

use std::fmt;

/// A value and the line it begins on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// From 1.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) value: Value,
}

/// What a YAML node says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number as written.
    Integer(String),
    /// A number with a fraction or an exponent, as written.
    Float(String),
    /// Text.
    Text(String),
    /// Unquoted text that YAML 1.1 readers (kubectl) and YAML 1.2 readers understand differently.
    Ambiguous(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping; keys are unique.
    Map(Vec<(String, Node)>),
    /// An entry of a sequence that was taken out; it keeps the others' numbers right.
    Removed,
}

impl Node {
    /// The member of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(members) => members.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a member of a mapping.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The line of whatever of the path is there.
    pub(crate) fn line_of(&self, path: &Path) -> usize {
        let mut node = self;
        for step in &path.0 {
            let next = match (step, &node.value) {
                (Step::Key(key), _) => node.get(key),
                (Step::Index(index), Value::List(items)) => items.get(*index),
                (Step::Index(_), _) => None,
            };
            let Some(next) = next else { break };
            node = next;
        }
        node.line
    }

    /// Takes the node at the path out, so that what is left can be read on.
    pub(crate) fn remove(&mut self, path: &[Step]) {
        let Some((step, rest)) = path.split_first() else {
            self.value = Value::Map(Vec::new());
            return;
        };
        match (step, &mut self.value) {
            (Step::Key(key), Value::Map(members)) => {
                if rest.is_empty() {
                    members.retain(|(name, _)| name != key);
                } else if let Some((_, node)) = members.iter_mut().find(|(name, _)| name == key) {
                    node.remove(rest);
                }
            }
            (Step::Index(index), Value::List(items)) if *index < items.len() => {
                if rest.is_empty() {
                    items[*index].value = Value::Removed;
                } else {
                    items[*index].remove(rest);
                }
            }
            _ => {}
        }
    }

    /// What a person would call this value in a message about its type.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing (null)".to_owned(),
            Value::Bool(value) => format!("the boolean {value}"),
            Value::Integer(text) | Value::Float(text) => format!("the number {text}"),
            Value::Text(text) => format!("the string {text:?}"),
            Value::Ambiguous(text) => format!("the unquoted text {text}"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Removed => "something else".to_owned(),
        }
    }
}

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A member of a mapping.
    Key(String),
    /// An entry of a sequence.
    Index(usize),
}

/// A place in a document: `spec.servers[0].tls.mode`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Step>);

impl Path {
    /// Of a member.
    pub(crate) fn key(&self, key: &str) -> Path {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Path(steps)
    }

    /// Of an entry.
    pub(crate) fn index(&self, index: usize) -> Path {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Path(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if key.contains(['.', '/', ' ', '[']) => write!(f, "[{key}]")?,
                Step::Key(key) if place == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}
