//! Regular expressions against an oracle: a matcher so simple that it can be seen to be right.

use super::{Draws, hold};
use crate::re2::Re2;

/// An expression over `a`, `b` and `c`.
enum Expression {
    Letter(char),
    Any,
    Class(bool),
    Both(Box<Expression>, Box<Expression>),
    Either(Box<Expression>, Box<Expression>),
    Repeated(Box<Expression>, usize, Option<usize>),
}

use Expression::{Any, Both, Class, Either, Letter, Repeated};

fn draw(draws: &mut Draws, depth: usize) -> Expression {
    let leaf = depth == 0;
    let below = |draws: &mut Draws| Box::new(draw(draws, depth.saturating_sub(1)));
    match draws.below(if leaf { 4 } else { 8 }) {
        0 | 1 => Letter(['a', 'b', 'c'][draws.below(3)]),
        2 => Any,
        3 => Class(draws.below(2) == 0),
        4 | 5 => Both(below(draws), below(draws)),
        6 => Either(below(draws), below(draws)),
        _ => {
            let least = draws.below(3);
            let most = (draws.below(2) == 0).then(|| least + draws.below(2));
            Repeated(below(draws), least, most)
        }
    }
}

impl Expression {
    fn text(&self) -> String {
        match self {
            Letter(letter) => letter.to_string(),
            Any => ".".to_owned(),
            Class(true) => "[ab]".to_owned(),
            Class(false) => "[^ab]".to_owned(),
            Both(one, other) => format!("{}{}", one.text(), other.text()),
            Either(one, other) => format!("(?:{}|{})", one.text(), other.text()),
            Repeated(one, 0, None) => format!("(?:{})*", one.text()),
            Repeated(one, 1, None) => format!("(?:{})+?", one.text()),
            Repeated(one, least, None) => format!("(?:{}){{{least},}}", one.text()),
            Repeated(one, least, Some(most)) => format!("(?:{}){{{least},{most}}}", one.text()),
        }
    }

    /// Where a match that begins here may end.
    fn ends(&self, text: &[u8], at: usize) -> Vec<usize> {
        let mut ends = match self {
            Letter(letter) => one(text, at, |byte| byte == *letter as u8),
            Any => one(text, at, |_| true),
            Class(ab) => one(text, at, |byte| matches!(byte, b'a' | b'b') == *ab),
            Both(first, second) => {
                let middles = first.ends(text, at).into_iter();
                middles.flat_map(|middle| second.ends(text, middle)).collect()
            }
            Either(first, second) => [first.ends(text, at), second.ends(text, at)].concat(),
            Repeated(inner, least, most) => {
                // more rounds than there are characters add nothing
                let (mut ends, mut now) = (Vec::new(), vec![at]);
                for round in 0..=most.unwrap_or(least + text.len()) {
                    if round >= *least {
                        ends.extend(&now);
                    }
                    now = now.iter().flat_map(|at| inner.ends(text, *at)).collect();
                    now.sort_unstable();
                    now.dedup();
                }
                ends
            }
        };
        ends.sort_unstable();
        ends.dedup();
        ends
    }
}

fn one(text: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> Vec<usize> {
    text.get(at)
        .filter(|byte| fits(**byte))
        .map(|_| at + 1)
        .into_iter()
        .collect()
}

#[test]
fn an_expression_matches_exactly_what_the_oracle_says() {
    hold(150, |draws| {
        let expression = draw(draws, 4);
        let text = expression.text();
        // nested repetitions soon have more states than RE2 allows
        let Ok(compiled) = Re2::compile(&text) else { return };
        for number in 0..364 {
            let value = word(number);
            let expected = expression.ends(value.as_bytes(), 0).contains(&value.len());
            assert_eq!(compiled.is_match(value.as_bytes()), expected, "{text} {value:?}");
        }
    });
}

/// Every word of up to five letters, by its number.
fn word(mut number: usize) -> String {
    let mut word = String::new();
    while number > 0 {
        number -= 1;
        word.push(['a', 'b', 'c'][number % 3]);
        number /= 3;
    }
    word
}
