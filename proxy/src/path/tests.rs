//! Paths against what Istio made of them, and what must hold for every path.

use super::*;
use crate::plan::PathNormalization::{Base, DecodeAndMergeSlashes, MergeSlashes, None as Off};

/// As sent, and what BASE, MERGE_SLASHES and DECODE_AND_MERGE_SLASHES make of it, as Istio answered.
const RECORDED: [(&str, &str, &str, &str); 68] = [
    ("/", "/", "/", "/"),
    ("/a/b", "/a/b", "/a/b", "/a/b"),
    ("/a/b/", "/a/b/", "/a/b/", "/a/b/"),
    ("/a//b", "/a//b", "/a/b", "/a/b"),
    ("//a", "//a", "/a", "/a"),
    ("//", "//", "//", "//"),
    ("/a////b///", "/a////b///", "/a/b/", "/a/b/"),
    ("/a/./b", "/a/b", "/a/b", "/a/b"),
    ("/a/.", "/a/", "/a/", "/a/"),
    ("/./a", "/a", "/a", "/a"),
    ("/a/../b", "/b", "/b", "/b"),
    ("/a/b/..", "/a/", "/a/", "/a/"),
    ("/../../a", "/a", "/a", "/a"),
    ("/..", "/", "/", "/"),
    ("/a/.../b", "/a/.../b", "/a/.../b", "/a/.../b"),
    ("/a/..b/c..", "/a/..b/c..", "/a/..b/c..", "/a/..b/c.."),
    ("/a//../b", "/a/b", "/a/b", "/a/b"),
    ("/a/b/..//c", "/a//c", "/a/c", "/a/c"),
    ("/a/%2e/b", "/a/b", "/a/b", "/a/b"),
    ("/a/%2e%2E/b", "/b", "/b", "/b"),
    ("/a/.%2e/b", "/b", "/b", "/b"),
    ("/a/b/%2e%2e", "/a/", "/a/", "/a/"),
    ("/a%2fb", "/a%2fb", "/a%2fb", "/a/b"),
    ("/a%2Fb", "/a%2Fb", "/a%2Fb", "/a/b"),
    ("/a%2F%2fb", "/a%2F%2fb", "/a%2F%2fb", "/a/b"),
    ("/a%2F/b", "/a%2F/b", "/a%2F/b", "/a/b"),
    ("/a/..%2Fb", "/a/..%2Fb", "/a/..%2Fb", "/b"),
    ("/a/%2e%2e%2fb", "/a/..%2fb", "/a/..%2fb", "/b"),
    ("/a%5Cb", "/a%5Cb", "/a%5Cb", "/a/b"),
    ("/a%5cb", "/a%5cb", "/a%5cb", "/a/b"),
    ("/a/..%5Cb", "/a/..%5Cb", "/a/..%5Cb", "/b"),
    (r"/a\b", "/a/b", "/a/b", "/a/b"),
    (r"/\a", "//a", "/a", "/a"),
    (r"/a\..\b", "/b", "/b", "/b"),
    (r"/a\\b", "/a//b", "/a/b", "/a/b"),
    ("/%61%2D%5f%7E%41%30", "/a-_~A0", "/a-_~A0", "/a-_~A0"),
    ("/%3a%3B%40%2c", "/%3a%3B%40%2c", "/%3a%3B%40%2c", "/%3a%3B%40%2c"),
    (
        "/%26%3d%2B%24%21",
        "/%26%3d%2B%24%21",
        "/%26%3d%2B%24%21",
        "/%26%3d%2B%24%21",
    ),
    ("/a%20b%22", "/a%20b%22", "/a%20b%22", "/a%20b%22"),
    ("/a%3Fb%23c", "/a%3Fb%23c", "/a%3Fb%23c", "/a%3Fb%23c"),
    ("/a%25b", "/a%25b", "/a%25b", "/a%25b"),
    (
        "/a/%252e%252e/b",
        "/a/%252e%252e/b",
        "/a/%252e%252e/b",
        "/a/%252e%252e/b",
    ),
    ("/a%252Fb", "/a%252Fb", "/a%252Fb", "/a%252Fb"),
    ("/%2561", "/%2561", "/%2561", "/%2561"),
    ("/a%zz", "/a%zz", "/a%zz", "/a%zz"),
    ("/a%", "/a%", "/a%", "/a%"),
    ("/a%2", "/a%2", "/a%2", "/a%2"),
    ("/a%zz/../b", "/b", "/b", "/b"),
    ("/a%0Ab", "/a%0Ab", "/a%0Ab", "/a%0Ab"),
    (
        "/a%7F%ff%C3%bc",
        "/a%7F%ff%C3%bc",
        "/a%7F%ff%C3%bc",
        "/a%7F%ff%C3%bc",
    ),
    ("/a\"<>b", "/a%22%3C%3Eb", "/a%22%3C%3Eb", "/a%22%3C%3Eb"),
    ("/a`{|}b", "/a%60%7B%7C%7Db", "/a%60%7B%7C%7Db", "/a%60%7B%7C%7Db"),
    ("/a^[]b", "/a%5E[]b", "/a%5E[]b", "/a%5E[]b"),
    ("/ü", "/%C3%BC", "/%C3%BC", "/%C3%BC"),
    (
        "/a!$&'()*+,:=@b",
        "/a!$&'()*+,:=@b",
        "/a!$&'()*+,:=@b",
        "/a!$&'()*+,:=@b",
    ),
    ("/a;x=1/b;y", "/a;x=1/b;y", "/a;x=1/b;y", "/a;x=1/b;y"),
    ("/a/..;/b", "/a/..;/b", "/a/..;/b", "/a/..;/b"),
    ("/a/b/.//../c", "/a/b/c", "/a/b/c", "/a/b/c"),
    ("/A/%2E%2E/B", "/B", "/B", "/B"),
    (
        r"/a?x=../%2e%2F//\b#",
        r"/a?x=../%2e%2F//\b",
        r"/a?x=../%2e%2F//\b",
        r"/a?x=../%2e%2F//\b",
    ),
    ("/a/../b?c=/../d", "/b?c=/../d", "/b?c=/../d", "/b?c=/../d"),
    ("/a?b?c", "/a?b?c", "/a?b?c", "/a?b?c"),
    ("/a?", "/a?", "/a?", "/a?"),
    ("/?/../a", "/?/../a", "/?/../a", "/?/../a"),
    ("/a#b?c=d", "/a", "/a", "/a"),
    ("/a#/../b", "/a", "/a", "/a"),
    ("/secret%2Fx", "/secret%2Fx", "/secret%2Fx", "/secret/x"),
    (
        "/static/%2e%2e%2fsecret",
        "/static/..%2fsecret",
        "/static/..%2fsecret",
        "/secret",
    ),
];

#[test]
fn paths_come_out_as_istio_makes_them() {
    for (raw, base, merged, decoded) in RECORDED {
        for (mode, expected) in [
            (Base, base),
            (MergeSlashes, merged),
            (DecodeAndMergeSlashes, decoded),
        ] {
            assert_eq!(normalize(mode, raw).as_deref(), Ok(expected), "{mode:?} {raw}");
        }
        let unchanged = raw.split('#').next().unwrap();
        assert_eq!(normalize(Off, raw).as_deref(), Ok(unchanged));
    }
}

#[test]
fn an_encoded_nul_has_no_canonical_form() {
    for mode in [Base, MergeSlashes, DecodeAndMergeSlashes] {
        assert_eq!(normalize(mode, "/a%00b"), Err(BadPath));
    }
    assert_eq!(normalize(Off, "/a%00b").as_deref(), Ok("/a%00b"));
    assert_eq!(normalize(Base, "/a?%00").as_deref(), Ok("/a?%00"));
}

#[test]
fn decoding_makes_no_new_escape() {
    for (raw, expected) in [
        ("/%%361", "/%%361"),
        ("/%%36%31", "/%%361"),
        ("/%4%31", "/%4%31"),
        ("/%%32%46x", "/%%32Fx"),
        ("/%%32Fx", "/%%32Fx"),
    ] {
        assert_eq!(normalize(Base, raw).as_deref(), Ok(expected), "{raw}");
    }
}

#[test]
fn a_plain_path_is_not_copied() {
    let borrowed = |raw| matches!(normalize(MergeSlashes, raw), Ok(Cow::Borrowed(_)));
    assert!(borrowed("/api/v1.2/secure.json?x=../%2e"));
    assert!(!borrowed("/a//b"));
}

#[test]
fn a_canonical_path_stays_as_it_is_whatever_was_sent() {
    const PIECES: [&str; 20] = [
        "/", "//", ".", "..", "%2e", "%2E", "%2f", "%5C", "\\", "a", "B", "%61", "%", "%4", "6", "?", "%25",
        "é", ";", "<",
    ];
    for _ in 0..20_000 {
        let mut raw = String::from("/");
        for _ in 0..chassis::trace::random() % 12 {
            raw.push_str(PIECES[(chassis::trace::random() % 20) as usize]);
        }
        for mode in [Base, MergeSlashes, DecodeAndMergeSlashes] {
            let once = normalize(mode, &raw).unwrap().into_owned();
            assert_eq!(
                normalize(mode, &once).as_deref(),
                Ok(once.as_str()),
                "{mode:?} {raw}"
            );
            let path = once.split('?').next().unwrap();
            assert!(path.starts_with('/'), "{raw}");
            assert!(
                !path.split('/').any(|segment| segment == "." || segment == ".."),
                "{raw}"
            );
        }
    }
}
