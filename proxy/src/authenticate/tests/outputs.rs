//! Headers and claims that come out of a token.

use super::*;

#[test]
fn a_forged_output_is_removed_whoever_sends_it() {
    let mut second = rule(B);
    second.payload_header = Some("x-payload".parse().unwrap());
    let good = token(A, "s");
    for headers in [
        vec![("x-sub", "admin"), ("x-payload", "forged")],
        vec![("x-sub", "admin"), ("x-payload", "forged"), ("x-token", &good)],
    ] {
        let mut head = head("/", &headers);
        run(vec![rule(A), second.clone()], &mut head).unwrap();
        assert!(!lines(&head, "x-sub").contains(&"admin".to_owned()));
        assert!(lines(&head, "x-payload").is_empty());
    }
    let mut preflight = head(
        "/",
        &[
            ("x-sub", "admin"),
            ("origin", "https://shop.test"),
            ("access-control-request-method", "GET"),
            ("x-token", "bad"),
        ],
    );
    preflight.method = http::Method::OPTIONS;
    assert_eq!(error(vec![rule(A)], &mut preflight), None);
    assert!(lines(&preflight, "x-sub").is_empty());
}

#[test]
fn claims_become_headers_as_envoy_writes_them() {
    let claims = json!({
        "zero": 0, "negative": -5, "fraction": 1.5, "large": 9_007_199_254_740_993_u64, "huge": 1e21,
        "yes": true, "no": false, "nothing": null, "empty": "", "list": [], "object": {},
        "nested": { "deep": { "value": "bottom" }, "a.b": 1 }, "text": "käufer", "line": "a\nb", "padded": " x y ",
    });
    let outputs = [
        ("zero", "0"),
        ("negative", "-5.000000"),
        ("fraction", "1.500000"),
        ("large", "9007199254740992"),
        ("huge", "1000000000000000000000.000000"),
        ("yes", "true"),
        ("no", "false"),
        ("nothing", ""),
        ("empty", ""),
        ("list", "W10="),
        ("object", "e30="),
        ("nested.deep.value", "bottom"),
        ("nested.deep", "eyJ2YWx1ZSI6ImJvdHRvbSJ9"),
        ("nested.a.b", ""),
        ("text", "käufer"),
        ("line", ""),
        ("padded", "x y"),
        ("missing", ""),
    ];
    let mut rule = rule(A);
    rule.payload_header = Some("x-payload".parse().unwrap());
    rule.claim_headers = outputs
        .iter()
        .map(|(path, _)| {
            let name = format!("x-{}", path.replace('.', "-"));
            (name.parse().unwrap(), path.split('.').map(Into::into).collect())
        })
        .collect();
    let token = with(A, "s", &claims);
    let mut head = head("/", &[("x-token", &token)]);
    run(vec![rule], &mut head).unwrap();
    for (path, expected) in outputs {
        let found = lines(&head, &format!("x-{}", path.replace('.', "-")));
        assert_eq!(found.first().map_or("", String::as_str), expected, "{path}");
    }
    assert_eq!(lines(&head, "x-payload"), [token.split('.').nth(1).unwrap()]);
}

#[test]
fn space_delimited_claims_are_lists_for_matching() {
    let scope = json!({ "scope": "read  write", "other": "a b" });
    let mut head = head("/", &[("x-token", &with(A, "s", &scope))]);
    run(vec![rule(A)], &mut head).unwrap();
    let user = head.user.unwrap();
    let matches = |claim, value| user.claim_matches(&[claim], |text| text == value);
    assert!(matches("scope", "read") && matches("scope", "write"));
    assert!(!matches("scope", "read  write") && !matches("scope", ""));
    assert!(matches("other", "a b"));
}
