//! Files: which ones a path means, what they were when they were read, and `${NAME}` in their text.

use std::fs;
use std::path::{Path, PathBuf};

use ring::digest;

use crate::plan::Source;

/// The name that `kubectl kustomize` looks for; a folder of documents may have one.
const KUSTOMIZATION: &str = "kustomization.yaml";

/// A file's text, its variables filled in.
#[derive(Debug)]
pub(crate) struct Text {
    /// Path and checksum.
    pub(crate) source: Source,
    /// What is to be parsed.
    pub(crate) text: String,
}

/// The files behind a path: itself, or the `*.yaml` of a folder, in byte order, not of folders below it.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    let problem = |error: std::io::Error| format!("{}: cannot be read: {error}", path.display());
    if !fs::metadata(path).map_err(problem)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(problem)? {
        let file = entry.map_err(problem)?.path();
        let is_yaml = file.extension().is_some_and(|extension| extension == "yaml");
        let is_kustomization = file.file_name().is_some_and(|name| name == KUSTOMIZATION);
        // a ConfigMap's folder holds links, and hidden folders with the real files
        let is_hidden = file
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_yaml && !is_kustomization && !is_hidden && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: no *.yaml file in this folder", path.display()));
    }
    Ok(files)
}

/// Reads a file. The problems are complete lines.
pub(crate) fn read(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Text, Vec<String>> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| vec![format!("{name}: cannot be read: {error}")])?;
    let sha256 = digest::digest(&digest::SHA256, &bytes);
    let sha256 = sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..before]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        vec![format!("{name}:{line}: not UTF-8; save the file as UTF-8")]
    })?;
    let text = substitute(&name, text.trim_start_matches('\u{feff}'), variable)?;
    Ok(Text {
        source: Source { path: name, sha256 },
        text,
    })
}

/// Fills in every `${NAME}`. A `$` that begins no such thing is text.
pub(crate) fn substitute(
    file: &str,
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Vec<String>> {
    let mut filled = String::with_capacity(text.len());
    let mut problems = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, reference) = rest.split_at(start);
        filled.push_str(before);
        let body = &reference[2..];
        let end = body
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(body.len());
        let (name, after) = body.split_at(end);
        let line = 1 + text[..text.len() - rest.len() + start].matches('\n').count();
        let is_name = name.starts_with(|first: char| !first.is_ascii_digit());
        match after.strip_prefix('}') {
            _ if !is_name => {
                filled.push_str("${");
                rest = body;
            }
            Some(after) => {
                match variable(name) {
                    Some(value) => filled.push_str(&value),
                    None => problems.push(format!(
                        "{file}:{line}: ${{{name}}} is not set; set the environment variable {name}"
                    )),
                }
                rest = after;
            }
            None => {
                problems.push(format!(
                    "{file}:{line}: only ${{{name}}} is substituted, no default and nothing else inside the braces"
                ));
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    if problems.is_empty() {
        Ok(filled)
    } else {
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::substitute;

    fn fill(text: &str) -> Result<String, Vec<String>> {
        substitute("f.yaml", text, &|name| (name == "A").then(|| "1".to_owned()))
    }

    #[test]
    fn only_a_name_in_braces_is_filled_in() {
        for (text, filled) in [
            ("x ${A} ${A}", "x 1 1"),
            ("$A $$ a$ ${} ${1} $", "$A $$ a$ ${} ${1} $"),
            ("é${A}é", "é1é"),
        ] {
            assert_eq!(fill(text).unwrap(), filled, "{text}");
        }
    }

    #[test]
    fn every_unset_name_is_told_with_its_line() {
        let problems = fill("a: ${B}\nb: ${A:-x}\nc: ${C}").unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            problems[0].starts_with("f.yaml:1: ${B} is not set"),
            "{problems:?}"
        );
        assert!(problems[1].contains("only ${A} is substituted"), "{problems:?}");
        assert!(problems[2].starts_with("f.yaml:3: "), "{problems:?}");
    }
}
