//! Trees to typed values, strictly: every unknown field is noted with its path, and null, which the API
//! server would refuse or take for an absent field, is no value.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::node::{Node, Path, Value};

/// Type errors that are looked for in one document; one mistake rarely comes more than a few times.
const MAX_ERRORS: usize = 50;

/// A value made of what could be read, and what could not.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    /// Fields that could not be read are left out of it.
    pub(crate) value: T,
    /// Fields of the wrong type.
    pub(crate) errors: Vec<(Path, String)>,
    /// Fields that do not exist.
    pub(crate) unknown: Vec<Path>,
}

/// Reads a tree, going on after each field of the wrong type as if it were not there.
pub(crate) fn decode<T: DeserializeOwned + Default>(node: &Node, at: &Path) -> Decoded<T> {
    let mut rest = node.clone();
    let mut errors: Vec<(Path, String)> = Vec::new();
    loop {
        let unknown = Rc::new(RefCell::new(Vec::new()));
        let reader = Reader {
            node: &rest,
            path: at.clone(),
            unknown: unknown.clone(),
        };
        let result = T::deserialize(reader);
        let unknown = unknown.take();
        match result {
            Ok(value) => {
                return Decoded {
                    value,
                    errors,
                    unknown,
                };
            }
            Err(error) => {
                let steps = error.path.0.get(at.0.len()..).unwrap_or_default().to_vec();
                let whole = steps.is_empty() || errors.len() >= MAX_ERRORS;
                errors.push((error.path, error.message));
                if whole {
                    return Decoded {
                        value: T::default(),
                        errors,
                        unknown,
                    };
                }
                rest.remove(&steps);
            }
        }
    }
}

#[derive(Debug)]
struct Mismatch {
    path: Path,
    message: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Mismatch {
            path: Path::default(),
            message: message.to_string(),
        }
    }
}

struct Reader<'n> {
    node: &'n Node,
    path: Path,
    unknown: Rc<RefCell<Vec<Path>>>,
}

impl Reader<'_> {
    fn mismatch(&self, expected: &str) -> Mismatch {
        let message = match &self.node.value {
            Value::Null => format!("{expected} is needed, not null; leave the field out if it is not meant"),
            Value::Ambiguous(text) => {
                format!(
                    "{text} means different things to YAML 1.1 (kubectl) and YAML 1.2: {}",
                    remedy(text, expected)
                )
            }
            Value::Bool(_) | Value::Integer(_) | Value::Float(_) if expected == "a string" => {
                format!("a string is needed, not {}: quote it", self.node.describe())
            }
            _ => format!("{expected} is needed, not {}", self.node.describe()),
        };
        Mismatch {
            path: self.path.clone(),
            message,
        }
    }

    /// An error that serde made knows no path; it happened here.
    fn place<T>(path: &Path, result: Result<T, Mismatch>) -> Result<T, Mismatch> {
        result.map_err(|mut error| {
            if error.path.0.is_empty() {
                error.path = path.clone();
            }
            error
        })
    }

    fn integer<T: std::str::FromStr>(&self) -> Result<T, Mismatch> {
        match &self.node.value {
            Value::Integer(text) => text.parse().map_err(|_| Mismatch {
                path: self.path.clone(),
                message: format!("{text} is out of range"),
            }),
            _ => Err(self.mismatch("a whole number")),
        }
    }
}

fn remedy(text: &str, expected: &str) -> String {
    match expected {
        "a boolean" => "write true or false".to_owned(),
        "a whole number" | "a number" => "write the number in decimal, without leading zeros".to_owned(),
        _ => format!("quote it, \"{text}\""),
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            let number = self.integer::<$type>()?;
            Self::place(&self.path, visitor.$visit(number))
        }
    )*};
}

macro_rules! unused {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.node.value {
            Value::Null | Value::Ambiguous(_) | Value::Removed => Err(self.mismatch("a value")),
            Value::Bool(_) => self.deserialize_bool(visitor),
            Value::Integer(_) => self.deserialize_i64(visitor),
            Value::Float(_) => self.deserialize_f64(visitor),
            Value::Text(_) => self.deserialize_str(visitor),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.node.value {
            Value::Bool(value) => Self::place(&self.path, visitor.visit_bool(*value)),
            _ => Err(self.mismatch("a boolean")),
        }
    }

    integers!(deserialize_i64 visit_i64 i64, deserialize_u64 visit_u64 u64, deserialize_u32 visit_u32 u32);

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.node.value {
            Value::Integer(text) | Value::Float(text) => {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                let number = number.ok_or_else(|| self.mismatch("a number"))?;
                Self::place(&self.path, visitor.visit_f64(number))
            }
            _ => Err(self.mismatch("a number")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.node.value {
            Value::Text(text) => Self::place(&self.path, visitor.visit_str(text)),
            _ => Err(self.mismatch("a string")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let Value::List(items) = &self.node.value else {
            return Err(self.mismatch("a list"));
        };
        let items = Items {
            items,
            next: 0,
            path: self.path.clone(),
            unknown: self.unknown,
        };
        Self::place(&self.path, visitor.visit_seq(items))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let Value::Map(members) = &self.node.value else {
            return Err(self.mismatch("a mapping"));
        };
        let members = Members {
            members,
            next: 0,
            path: self.path.clone(),
            unknown: self.unknown,
        };
        Self::place(&self.path, visitor.visit_map(members))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    /// A field that no struct has.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.unknown.borrow_mut().push(self.path.clone());
        visitor.visit_unit()
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    unused!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_u8 deserialize_u16 deserialize_f32
        deserialize_char deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier);
}

struct Items<'n> {
    items: &'n [Node],
    next: usize,
    path: Path,
    unknown: Rc<RefCell<Vec<Path>>>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let is_there = |node: &&Node| node.value != Value::Removed;
        let Some(skipped) = self.items[self.next..].iter().position(|node| is_there(&node)) else {
            return Ok(None);
        };
        self.next += skipped;
        let node = &self.items[self.next];
        let path = self.path.index(self.next);
        self.next += 1;
        let unknown = self.unknown.clone();
        seed.deserialize(Reader { node, path, unknown }).map(Some)
    }
}

struct Members<'n> {
    members: &'n [(String, Node)],
    next: usize,
    path: Path,
    unknown: Rc<RefCell<Vec<Path>>>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        let Some((key, _)) = self.members.get(self.next) else {
            return Ok(None);
        };
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let (key, node) = &self.members[self.next];
        self.next += 1;
        let path = self.path.key(key);
        let unknown = self.unknown.clone();
        seed.deserialize(Reader { node, path, unknown })
    }
}
