//! The tables, compared with the English one.

use super::*;

pub(super) trait Texts {
    fn texts(&self) -> Vec<Text>;
}

impl Texts for Text {
    fn texts(&self) -> Vec<Text> {
        vec![self]
    }
}

impl Texts for (Text, Text) {
    fn texts(&self) -> Vec<Text> {
        vec![self.0, self.1]
    }
}

impl Texts for (Text, Text, Text) {
    fn texts(&self) -> Vec<Text> {
        vec![self.0, self.1, self.2]
    }
}

impl Texts for Link {
    fn texts(&self) -> Vec<Text> {
        vec![self.0, self.1, self.2, self.3, self.4]
    }
}

impl<const N: usize> Texts for [Said; N] {
    fn texts(&self) -> Vec<Text> {
        self.iter().flat_map(|said| [said.0, said.1]).collect()
    }
}

#[test]
fn every_language_has_every_text() {
    // the same in both languages, and rightly so
    let same = [
        ("direction", "ltr"),
        ("name", "Name"),
        ("code_label", "Code"),
        ("no_proxy", ""),
    ];
    for (words, code) in [(&de::WORDS, "de"), (&es::WORDS, "es"), (&ja::WORDS, "ja")] {
        assert_eq!(words.code, code);
        for ((name, theirs), (_, english)) in words.all().into_iter().zip(en::WORDS.all()) {
            assert!(
                theirs.iter().any(|text| !text.is_empty()),
                "{code}: {name} is empty"
            );
            for (theirs, english) in theirs.iter().zip(&english) {
                let places = |text: &str| text.matches("{}").count();
                assert_eq!(
                    places(theirs),
                    places(english),
                    "{code}: {name}: places for values"
                );
                let letters = english.chars().any(char::is_alphabetic);
                let allowed = same.contains(&(name, *english)) || !letters;
                assert!(
                    theirs != english || allowed,
                    "{code}: {name} is still English: {english}"
                );
            }
        }
    }
}

#[test]
fn no_text_has_markup_or_space_at_its_ends_by_mistake() {
    for words in [&en::WORDS, &de::WORDS, &es::WORDS, &ja::WORDS] {
        for (name, texts) in words.all() {
            for text in texts {
                assert!(
                    !text.contains(['<', '>', '"']) && !text.contains("  "),
                    "{}: {name}",
                    words.code
                );
            }
        }
    }
}
