//! Expressions as RE2 reads them.

use super::Re2;

fn matches(expression: &str, value: &str) -> bool {
    Re2::compile(expression).unwrap().is_match(value.as_bytes())
}

#[test]
fn the_whole_value_must_match_over_all_alternatives() {
    assert!(matches("a|ab", "ab"));
    assert!(!matches("a|b", "ab"));
    assert!(matches("", ""));
    assert!(!matches("", "a"));
    assert!(matches("/item/[0-9]+", "/item/42"));
    assert!(!matches("/item/[0-9]+", "/item/42/"));
}

#[test]
fn perl_and_posix_classes_are_ascii_and_the_rest_is_unicode() {
    for (expression, value, expected) in [
        (r"\d+", "42", true),
        (r"\d", "٣", false),
        (r"\w+", "a_Z9", true),
        (r"\w", "ü", false),
        (r"\W", "ü", true),
        (r"\s", "\u{b}", false),
        (r"\s+", " \t\n\r\u{c}", true),
        (r"\S", "\u{a0}", true),
        ("[[:alpha:]]+", "abc", true),
        ("[[:alpha:]]", "é", false),
        ("[[:^alpha:]]", "é", true),
        (r"[\d\pL]+", "4é", true),
        (r"a\b.", "aé", true),
        (".", "é", true),
        (".", "\n", false),
        ("(?s).", "\n", true),
        ("[^x]", "é", true),
        ("(?i)É", "é", true),
        (r"\pL", "é", true),
        (r"\p{Greek}+", "αβγ", true),
        (r"\p{^Greek}", "α", false),
        (r"\P{Greek}", "a", true),
        (r"\p{Lu}", "É", true),
    ] {
        assert_eq!(matches(expression, value), expected, "{expression} {value:?}");
    }
}

#[test]
fn what_only_looks_special_is_text() {
    for (expression, value) in [
        ("[a&&b]+", "a&b"),
        ("[+--]+", "+,-"),
        ("[a~~b]", "~"),
        ("[[a]+", "[a"),
        ("[a-z&&[^b]]+", "&]"),
        ("[]a]+", "]a"),
        ("[a-]+", "a-"),
        ("a{,2}", "a{,2}"),
        ("a{", "a{"),
        ("}{]", "}{]"),
        ("a{01}", "a{01}"),
        (r"\Qa.b*\E+", "a.b**"),
        (r"\Qa.b", "a.b"),
        (r"\101\x42\x{43}", "ABC"),
        (r"\<a\>", "<a>"),
        ("a#b c", "a#b c"),
        (r"\.\-\/", ".-/"),
        ("(?P<n>a)(?<m>b)", "ab"),
        ("(?P<1>a)", "a"),
        ("(?U)a+", "aaa"),
        (r"\Aa\z", "a"),
        ("(?i:a)b", "Ab"),
        ("a{2,3}?", "aaa"),
    ] {
        assert!(matches(expression, value), "{expression} {value:?}");
    }
}

#[test]
fn expressions_from_real_documents_mean_what_they_mean_in_the_mesh() {
    for (expression, value, expected) in [
        (r"^(.*?;)?\s*(user=jason)\s*(;.*)?$", "a=1; user=jason; b=2", true),
        (r"^(.*?;)?\s*(user=jason)\s*(;.*)?$", "user=jasons", false),
        ("[a-f0-9]{8}(-[a-f0-9]{4}){3}", "01234567-89ab-cdef-0123", true),
        ("[a-f0-9]{8}(-[a-f0-9]{4}){3}", "01234567-89ab-cdef", false),
        ("[a-z]+[.]shop[.]test", "www.shop.test", true),
        ("[a-z]+[.]shop[.]test", "www.shop.test:80", false),
        ("(?i)straße", "STRAẞE", true),
        ("(?i)straße", "STRASSE", false),
        (r".*\bend", "éend", true),
        (r".*\bend", "weekend", false),
        ("^a$", "a", true),
        ("a*", "", true),
    ] {
        assert_eq!(matches(expression, value), expected, "{expression} {value:?}");
    }
}

#[test]
fn a_byte_that_is_no_character_matches_nothing() {
    assert!(!Re2::compile(".*").unwrap().is_match(b"a\xff"));
    assert!(!Re2::compile("[^x]").unwrap().is_match(b"\xff"));
    assert!(!Re2::compile("(?s).*").unwrap().is_match(b"\xc3"));
}

#[test]
fn what_re2_does_not_know_is_refused_by_name() {
    for (expression, part) in [
        ("(?=a)", "look-ahead"),
        ("(?!a)", "look-ahead"),
        ("(?<=a)", "look-behind"),
        (r"(a)\1", "back reference"),
        ("(?P<n>a)(?P=n)", "back reference"),
        (r"\C", r"\C"),
        ("a**", "repeats a repetition"),
        ("*a", "nothing before"),
        ("a|*", "nothing before"),
        ("a{1001}", "1000"),
        ("a{2,1}", "backwards"),
        ("[b-a]", "backwards"),
        ("[[:foo:]]", "[:foo:]"),
        ("[a", "does not end"),
        ("(a", "unclosed"),
        ("a)", "unopened"),
        (")(", "unopened"),
        (r"a\", "backslash"),
        (r"\y", r"\y"),
        (r"\xg", r"\x"),
        ("(?x)a", "does not know"),
        (r"\p{greek}", "capital"),
        (r"\p{Alphabetic}", "RE2"),
        ("((a{100}){100}){100}", "too large"),
    ] {
        let error = Re2::compile(expression).expect_err(expression);
        assert!(error.contains(part), "{expression}: {error}");
    }
    assert!(Re2::compile(&"a".repeat(1025)).is_err());
}

#[test]
fn every_match_is_replaced_with_its_groups() {
    for (expression, text, rewrite, expected) in [
        ("^/v[0-9]+/", "/v1/x", "/", "/x"),
        ("/a", "/a/b/a", "/c", "/c/b/c"),
        ("(a)(b)?", "a-ab", r"[\1\2]", "[a]-[ab]"),
        ("a", "banana", r"\0\0", "baanaanaa"),
        ("a", "a", r"\\", r"\"),
        ("x", "a", "y", "a"),
        ("b*", "abc", "-", "-a-c-"),
        ("z*", "/star/azzb", "-", "-/-s-t-a-r-/-a-b-"),
        (
            "^/service/([^/]+)(/.*)$",
            "/service/foo/v1/api",
            r"\2/instance/\1",
            "/v1/api/instance/foo",
        ),
        (
            "^/optional/(en|de)?",
            "/optional/fr/x",
            r"/lang-\1-",
            "/lang--fr/x",
        ),
        ("/greedy/.*one", "/greedy/one/one/x", "/g", "/g/x"),
        ("é", "/é/é", "e", "/e/e"),
    ] {
        let compiled = Re2::compile(expression).unwrap();
        compiled.check_rewrite(rewrite).unwrap();
        assert_eq!(
            compiled.replace_all(text, rewrite),
            expected,
            "{expression} {text}"
        );
    }
    assert!(Re2::compile("a").unwrap().check_rewrite(r"\1").is_err());
    assert!(Re2::compile("a").unwrap().check_rewrite(r"\x").is_err());
}
