//! Texts from outside, mutated: documents, tokens, keys, expressions. Nothing may panic, and what is
//! refused must say why.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use super::{Draws, hold};
use crate::fuzzing;
use crate::re2::Re2;

/// Every text below a folder of `tests` with this ending.
fn texts(folder: &str, ending: &str) -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = Vec::new();
    let mut folders = vec![tests.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.to_str().unwrap().ends_with(ending) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
        .iter()
        .filter_map(|path| String::from_utf8(std::fs::read(path).unwrap()).ok())
        .collect()
}

/// A few edits: a byte changed, a piece cut, doubled, or replaced by another text's.
fn mutated(draws: &mut Draws, corpus: &[String]) -> String {
    let mut bytes = corpus[draws.below(corpus.len())].clone().into_bytes();
    for _ in 0..=draws.below(3) {
        let from = draws.below(bytes.len() + 1);
        let to = (from + draws.below(24)).min(bytes.len());
        match draws.below(5) {
            0 => drop(bytes.drain(from..to)),
            1 => {
                let piece = bytes[from..to].to_vec();
                bytes.splice(from..from, piece);
            }
            2 => {
                let other = corpus[draws.below(corpus.len())].as_bytes();
                let at = draws.below(other.len() + 1);
                let piece = other[at..(at + draws.below(48)).min(other.len())].to_vec();
                bytes.splice(from..to, piece);
            }
            3 => {
                let odd = [
                    "\0",
                    "\u{feff}",
                    "é",
                    "99999999999999999999",
                    "-1",
                    "{",
                    "&a [*a]",
                    "null",
                    "%",
                    "\"",
                    "\\",
                    "(",
                    "*",
                ];
                bytes.splice(from..from, draws.one(&odd).bytes());
            }
            _ if from < bytes.len() => bytes[from] = draws.number().to_le_bytes()[0],
            _ => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn mutated_documents_are_understood_or_refused_with_a_reason() {
    static CORPUS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut all = texts("documents", ".yaml");
        all.extend(texts("conformance/cases", "istio.yaml"));
        all.retain(|text| text.len() < 6000);
        all
    });
    hold(120, |draws| {
        fuzzing::documents(mutated(draws, &CORPUS).as_bytes());
    });
}

#[test]
fn mutated_tokens_and_keys_are_verified_or_refused() {
    static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let text = texts("conformance/jwt", "tokens.json").remove(0);
        let tokens: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
        tokens.into_values().filter(|token| token.len() < 4000).collect()
    });
    static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| texts("documents", ".jwks.json"));
    let keys: Vec<_> = KEYS.iter().map(|text| jwt::Jwks::parse(text).unwrap()).collect();
    hold(400, |draws| {
        let text = mutated(draws, &TOKENS);
        if let Ok(token) = jwt::Token::parse(&text) {
            let verified = keys.iter().any(|keys| keys.verify(&token).is_ok());
            assert!(
                !verified || is_signed(&token),
                "a changed token is accepted: {text}"
            );
        }
        let keys = mutated(draws, &KEYS).replace('\n', " ");
        fuzzing::token(format!("{text}\n{keys}").as_bytes());
        if let Ok(keys) = jwt::Jwks::parse(&keys) {
            assert!(keys.key_ids().count() < 100);
        }
    });
}

/// What was signed, with a signature of the same bytes: as in Envoy, the bits that a signature's last
/// character has to spare do not matter, so two spellings of one token exist.
fn is_signed(token: &jwt::Token<'_>) -> bool {
    let all = texts("conformance/jwt", "tokens.json").remove(0);
    let all: BTreeMap<String, String> = serde_json::from_str(&all).unwrap();
    let mut all = all.values().filter_map(|text| jwt::Token::parse(text).ok());
    all.any(|one| one.signing_input() == token.signing_input() && one.signature() == token.signature())
}

#[test]
fn mutated_paths_have_one_spelling_or_none() {
    let corpus: Vec<String> = [
        "/api/../admin",
        "/a%2fb/%2e%2e/c",
        "/%25%32%65",
        "//a\\..\\b?c=/../d",
        "/%c3%a9/%00",
        "/;a=b/.%2E/x#y",
    ]
    .map(str::to_owned)
    .to_vec();
    hold(1_500, |draws| {
        fuzzing::path(mutated(draws, &corpus).as_bytes());
    });
}

#[test]
fn mutated_expressions_are_compiled_or_refused_with_a_reason() {
    let corpus: Vec<String> = [
        r"^(.*?;)?\s*(user=jason)\s*(;.*)?$",
        r"[[:alpha:]-z]{2,3}\Q.*\E",
        r"(?i)(?P<n>a|b)+\x{10FFFF}\pL",
        r"[^]a]\d\B$",
    ]
    .map(str::to_owned)
    .to_vec();
    hold(1_500, |draws| {
        let text = mutated(draws, &corpus);
        match Re2::compile(&text) {
            Ok(compiled) => drop((
                compiled.is_match(b"user=jason; x"),
                compiled.replace_all("user=jason", "-"),
            )),
            Err(problem) => assert!(!problem.is_empty(), "{text}"),
        }
    });
}

/// What a client sends as bytes; `tests/it/front.rs` sends the like through sockets.
#[test]
fn mutated_bytes_on_a_connection_are_received_or_refused() {
    let corpus: Vec<String> = [
        "GET /a/../b HTTP/1.1\r\nhost: web.test\r\nx-a: 1\r\n\r\n",
        "POST http://web.test/%2e%2e HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
        "PUT / HTTP/1.1\r\nhost: web.test\r\ntransfer-encoding: chunked\r\nconnection: x-a\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ]
    .map(str::to_owned)
    .to_vec();
    hold(300, |draws| fuzzing::front(mutated(draws, &corpus).as_bytes()));
}
