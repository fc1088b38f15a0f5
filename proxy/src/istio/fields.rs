//! Which fields are supported, worked out from the code: what the decoder knows, and of that what some
//! accepted document of `tests/documents` uses. The tables in `proxy/README.md` and, in short, in
//! `README.md` must say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::node::{Node, Value};
use super::{
    authorization_policy, destination_rule, gateway, mesh_config, request_authentication, service_entry,
    source, virtual_service, yaml,
};

/// Types of the API by where they stand: `servers[].tls` → `ServerTls` with `mode`, ... The spec itself is
/// the empty place.
type Types = BTreeMap<String, (&'static str, &'static [&'static str])>;

/// Fields by the type that has them.
type Fields = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Every type that a kind is made of.
fn known<T: DeserializeOwned>() -> Types {
    let mut types = Types::new();
    let probe = Probe {
        at: String::new(),
        types: &mut types,
    };
    T::deserialize(probe).map(drop).unwrap();
    types
}

/// A document with every field, as far as a type asks for it.
struct Probe<'f> {
    at: String,
    types: &'f mut Types,
}

impl Probe<'_> {
    fn below(&mut self, step: &str) -> Probe<'_> {
        let dot = if self.at.is_empty() || step.starts_with('[') {
            ""
        } else {
            "."
        };
        Probe {
            at: format!("{}{dot}{step}", self.at),
            types: self.types,
        }
    }
}

/// The members of a mapping that are still to be visited.
struct Members<'f, 'p>(&'static [&'static str], &'static str, &'p mut Probe<'f>);

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((next, rest)) = self.0.split_first() else {
            return Ok(None);
        };
        (self.0, self.1) = (rest, next);
        let key: StrDeserializer<'_, Error> = next.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.2.below(self.1))
    }
}

/// One item.
struct Items<'f, 'p>(bool, &'p mut Probe<'f>);

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !std::mem::take(&mut self.0) {
            return Ok(None);
        }
        seed.deserialize(self.1.below("[]")).map(Some)
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.types.insert(self.at.clone(), (name, names));
        visitor.visit_map(Members(names, "", &mut self))
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members(&["*"], "", &mut self))
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items(true, &mut self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(false)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i64(0)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(0.0)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str("")
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// Adds the fields that a document has, as far as they are known.
fn used(node: &Node, at: &str, known: &Types, into: &mut Fields) {
    let dot = if at.is_empty() { "" } else { "." };
    match &node.value {
        Value::List(items) => {
            for item in items {
                used(item, &format!("{at}[]"), known, into);
            }
        }
        Value::Map(members) => {
            for (name, value) in members {
                let here = known.get(at);
                let field = here.and_then(|(of, all)| Some((of, all.iter().find(|one| *one == name)?)));
                if let Some((of, field)) = field {
                    into.entry(of).or_default().insert(field);
                }
                let step = if field.is_some() { name } else { "*" };
                used(value, &format!("{at}{dot}{step}"), known, into);
            }
        }
        _ => {}
    }
}

/// The kinds, and what the decoder knows of each.
fn kinds() -> [(&'static str, Types); 7] {
    [
        ("Gateway", known::<gateway::Gateway>()),
        ("VirtualService", known::<virtual_service::VirtualService>()),
        ("DestinationRule", known::<destination_rule::DestinationRule>()),
        ("ServiceEntry", known::<service_entry::ServiceEntry>()),
        (
            "RequestAuthentication",
            known::<request_authentication::RequestAuthentication>(),
        ),
        (
            "AuthorizationPolicy",
            known::<authorization_policy::AuthorizationPolicy>(),
        ),
        ("meshConfig", known::<mesh_config::MeshConfig>()),
    ]
}

/// The documents that must be accepted: of `tests/documents`, and every one with recorded answers.
fn accepted() -> Vec<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let documents = crate::check::accepted_documents().into_iter();
    let documents = documents.flat_map(|path| source::files(&tests.join("documents").join(path)).unwrap());
    let cases = std::fs::read_dir(tests.join("conformance/cases")).unwrap();
    let cases = cases.map(|case| case.unwrap().path().join("istio.yaml"));
    documents.chain(cases).collect()
}

/// Adds the fields of a kind that a file has.
fn used_in(text: &str, kind: &str, known: &Types, into: &mut Fields) {
    for document in yaml::parse(text).0 {
        let root = &document.root;
        let spec = match kind {
            "meshConfig" => root.get("meshConfig"),
            kind if root.text("kind") == Some(kind) => root.get("spec"),
            _ => None,
        };
        if let Some(spec) = spec {
            used(spec, "", known, into);
        }
    }
}

/// The table: a row for every type, with the places where it stands, the fields that it may have, and
/// those that are known and refused.
fn table() -> String {
    let files = accepted().into_iter();
    let accepted: Vec<String> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let mut rows = "| kind | where | fields | refused |\n|---|---|---|---|\n".to_owned();
    for (kind, known) in kinds() {
        let mut supported = Fields::new();
        for text in accepted.iter().filter(|text| text.contains(kind)) {
            used_in(text, kind, &known, &mut supported);
        }
        let mut types: BTreeMap<&str, (Vec<&str>, &[&str])> = BTreeMap::new();
        for (place, (of, names)) in &known {
            types.entry(of).or_insert((Vec::new(), names)).0.push(place);
        }
        let mut types: Vec<_> = types.into_iter().collect();
        types.sort_by(|a, b| a.1.cmp(&b.1));
        for (of, (places, names)) in types {
            // what stands elsewhere is refused with its place
            let Some(allowed) = supported.get(of) else {
                continue;
            };
            let (yes, no): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| allowed.contains(*name));
            let places = quoted(shown(places));
            rows += &format!("| {kind} | {places} | {} | {} |\n", quoted(yes), quoted(no));
        }
    }
    rows
}

/// A policy's groups may stand at three levels; one is enough to say what they have.
fn shown(mut places: Vec<&str>) -> Vec<&str> {
    let deeper =
        |place: &str| place.starts_with("subsets[].trafficPolicy") || place.contains("portLevelSettings[].");
    if places.iter().any(|place| !deeper(place)) {
        places.retain(|place| !deeper(place));
    }
    places.retain(|place| !place.is_empty());
    places
}

fn quoted(mut all: Vec<&str>) -> String {
    all.sort_unstable();
    let quoted: Vec<String> = all.into_iter().map(|text| format!("`{text}`")).collect();
    quoted.join(", ")
}

#[test]
fn the_readme_lists_exactly_the_fields_that_are_supported() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = table();
    let in_short = |row: &str| {
        let mut cells = row.split('|').map(str::trim);
        cells.nth(2).is_some_and(|place| IN_SHORT.contains(&place))
    };
    let short = whole.lines().filter(|row| in_short(row));
    let short = short.fold(String::new(), |text, row| text + row + "\n");
    has_table(&own.join("README.md"), &whole);
    has_table(&own.join("../README.md"), &short);
}

/// Fails unless the file has this table between its marks; `UPDATE_README=1` writes it there.
fn has_table(readme: &Path, table: &str) {
    let text = std::fs::read_to_string(readme).unwrap();
    let begin = text.find(BEGIN).expect("the table's begin is marked") + BEGIN.len();
    let end = text.find(END).expect("the table's end is marked");
    if text[begin..end].trim() == table.trim() {
        return;
    }
    if std::env::var_os("UPDATE_README").is_some() {
        let text = format!("{}\n{table}{}", &text[..begin], &text[end..]);
        std::fs::write(readme, text).unwrap();
        return;
    }
    let readme = readme.display();
    panic!("{readme} is not what the code says; UPDATE_README=1 writes it:\n{table}");
}

const BEGIN: &str = "<!-- fields: checked by the_readme_lists_exactly_the_fields_that_are_supported -->";
const END: &str = "<!-- /fields -->";
/// What the project's own README shows of the table: its head, and where most fields are.
const IN_SHORT: [&str; 11] = [
    "where",
    "---",
    "",
    "`servers[]`",
    "`servers[].tls`",
    "`http[]`",
    "`http[].match[]`",
    "`trafficPolicy`",
    "`jwtRules[]`",
    "`rules[].from[].source`",
    "`rules[].to[].operation`",
];
