//! Variables, secrets in files, and every mistake in them at once.
//!
//! [`Env`] is the process environment or a map: no service reads `std::env` by itself, so a test can
//! start any number of them in one process. A variable `NAME` can always be given as `NAME_FILE`, the
//! path of a file that holds the value, which is how Cloud Run and Kubernetes hand over secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The environment a service is configured from.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The environment of this process. Values that are not UTF-8 are left out: none of ours can be.
    pub fn process() -> Env {
        Env(std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect())
    }

    /// The value of `NAME`, or the content of the file that `NAME_FILE` names without the line ends at
    /// its end. An empty value counts as unset, because `NAME= command` is how a shell unsets one.
    ///
    /// # Errors
    /// When both are set, or the file is empty or cannot be read: the text names the variable and the
    /// file. An empty file is a secret that was never filled in, not one that nobody wanted.
    pub fn read(&self, name: &str) -> Result<Option<String>, String> {
        let set = |name: &str| self.0.get(name).filter(|value| !value.is_empty());
        let file_name = format!("{name}_FILE");
        match (set(name), set(&file_name)) {
            (Some(_), Some(_)) => Err(format!("{name} and {file_name} are both set; keep one")),
            (Some(value), None) => Ok(Some(value.clone())),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => match text.trim_end_matches(['\r', '\n']) {
                    "" => Err(format!("{file_name}: {path} is empty")),
                    value => Ok(Some(value.to_owned())),
                },
                Err(error) => Err(format!("{file_name}: cannot read {path}: {error}")),
            },
            (None, None) => Ok(None),
        }
    }

    /// The same environment with one variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Env {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A reader that collects every mistake instead of stopping at the first.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            env: self,
            problems: Problems::default(),
        }
    }

    /// Every variable, for the substitution of `${NAME}` in documents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Env {
        Env(pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect())
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Notes one more.
    pub fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Takes the value out of a result, or notes its error.
    pub fn take<T, E: fmt::Display>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(error.to_string())).ok()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ok when nothing is wrong.
    ///
    /// # Errors
    /// All problems, when there is at least one.
    pub fn finish(self) -> Result<(), Problems> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The lines.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// Reads variables and remembers what was wrong with them.
#[derive(Debug)]
pub struct Reader<'a> {
    env: &'a Env,
    /// What was wrong so far; a service adds its own findings here.
    pub problems: Problems,
}

impl Reader<'_> {
    /// The text of a variable, if it is set.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self.env.read(name);
        self.problems.take(value).flatten()
    }

    /// The text of a variable that must be set; `purpose` tells a stranger what it is for.
    pub fn required(&mut self, name: &str, purpose: &str) -> String {
        let before = self.problems.0.len();
        self.text(name).unwrap_or_else(|| {
            if self.problems.0.len() == before {
                self.problems.add(format!("{name} is not set: {purpose}"));
            }
            String::new()
        })
    }

    /// A variable as a value, if it is set; what cannot be read as one is a problem that names and
    /// quotes it, so not for secrets.
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.text(name)?;
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(_) => {
                self.problems.add(format!("{name}: {text:?} is not {expected}"));
                None
            }
        }
    }

    /// All problems, if there are any.
    ///
    /// # Errors
    /// Every problem that was found, in the order in which it was found.
    pub fn finish(self) -> Result<(), Problems> {
        self.problems.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Env;

    #[test]
    fn a_secret_comes_from_its_file_without_the_line_end() {
        let path = std::env::temp_dir().join(format!("chassis-env-{}", std::process::id()));
        std::fs::write(&path, "s3cret\n").unwrap();
        let env = Env::from_iter([("KEY_FILE", path.to_str().unwrap())]);
        assert_eq!(env.read("KEY"), Ok(Some("s3cret".to_owned())));
        assert!(
            env.with("KEY", "other")
                .read("KEY")
                .unwrap_err()
                .contains("KEY_FILE")
        );
        std::fs::write(&path, "\n").unwrap();
        let empty = Env::from_iter([("KEY_FILE", path.to_str().unwrap())]);
        assert!(empty.read("KEY").unwrap_err().ends_with("is empty"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let env = Env::from_iter([("PORT", "eighty"), ("KEY_FILE", "/does/not/exist"), ("EMPTY", "")]);
        let mut reader = env.reader();
        assert_eq!(reader.parsed::<u16>("PORT", "a port (1-65535)"), None);
        assert_eq!(reader.required("KEY", "the session key"), "");
        assert_eq!(reader.required("EMPTY", "a name"), "");
        assert_eq!(reader.text("UNSET"), None);
        let problems = reader.finish().unwrap_err();
        let lines: Vec<_> = problems.iter().collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("PORT: \"eighty\""));
        assert!(lines[1].contains("/does/not/exist"));
        assert_eq!(lines[2], "EMPTY is not set: a name");
    }

    #[test]
    fn debug_shows_no_value() {
        assert!(!format!("{:?}", Env::from_iter([("KEY", "s3cret")])).contains("s3cret"));
    }
}
