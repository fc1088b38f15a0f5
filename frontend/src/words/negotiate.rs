//! Which language a browser wants, of those we have (RFC 9110 section 12.5.4).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use super::{Words, de, en, es, ja};

/// A language that every page is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    German,
    Spanish,
    Japanese,
}

impl Language {
    /// What the browser likes best; English when it likes none of ours.
    pub(crate) fn of(headers: &HeaderMap) -> Language {
        let lines = headers.get_all(ACCEPT_LANGUAGE).iter();
        let ranges = lines
            .flat_map(|line| line.to_str().unwrap_or_default().split(','))
            .take(MOST);
        let mut best = (0, Language::default());
        for (range, quality) in ranges.filter_map(weighed) {
            // of equals the first: browsers list them in order
            if let Some(language) = Language::named(range)
                && quality > best.0
            {
                best = (quality, language);
            }
        }
        best.1
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Language::English => &en::WORDS,
            Language::German => &de::WORDS,
            Language::Spanish => &es::WORDS,
            Language::Japanese => &ja::WORDS,
        }
    }

    /// By a range such as `de-AT`, whose first part is the language.
    fn named(range: &str) -> Option<Language> {
        match range.split('-').next()?.to_ascii_lowercase().as_str() {
            "en" | "*" => Some(Language::English),
            "de" => Some(Language::German),
            "es" => Some(Language::Spanish),
            "ja" => Some(Language::Japanese),
            _ => None,
        }
    }
}

/// A range and its quality in thousandths; none when it is written wrongly.
fn weighed(text: &str) -> Option<(&str, u16)> {
    let (range, rest) = text.split_once(';').unwrap_or((text, "q=1"));
    let quality: f32 = rest.trim().strip_prefix("q=")?.parse().ok()?;
    let thousandths = (0.0..=1.0).contains(&quality).then_some(quality * 1000.0)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 1000"
    )]
    Some((range.trim(), thousandths as u16))
}

/// Ranges that are read.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_wins() {
        for (text, expected) in [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("fr,es;q=0.5,en;q=0.4", Language::Spanish),
            ("en;q=0.4, ja-JP;q=0.9", Language::Japanese),
            ("es;q=0.5,de;q=0.5", Language::Spanish),
            ("de;q=0,en;q=0.1", Language::English),
            ("fr, *;q=0.1", Language::English),
            ("de;q=2, es;q=x, ja;level=1", Language::English),
            ("german", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, text.parse().unwrap());
            assert_eq!(Language::of(&headers), expected, "{text:?}");
        }
    }
}
