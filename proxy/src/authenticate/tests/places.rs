//! Where tokens are looked for, and what becomes of them.

use super::*;

const FORM: &str = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";

#[test]
fn a_token_is_found_in_each_place_and_in_no_other() {
    let good = token(A, "s");
    let cookie = |text: &str| text.replace("GOOD", &good);
    for (target, name, value, expected) in [
        ("/", "x-nothing", String::new(), Ok(None)),
        ("/", "authorization", cookie("Bearer GOOD"), Ok(Some("s"))),
        ("/", "authorization", cookie("Bearer   GOOD"), Ok(Some("s"))),
        ("/", "authorization", cookie("a=b Bearer GOOD"), Ok(Some("s"))),
        (
            "/",
            "authorization",
            cookie("Basic Zm9v,Bearer GOOD"),
            Ok(Some("s")),
        ),
        ("/", "authorization", cookie("bearer GOOD"), Ok(None)),
        ("/", "authorization", cookie("BearerGOOD"), Ok(None)),
        ("/", "authorization", cookie("Bearer\tGOOD"), Ok(None)),
        ("/", "authorization", cookie("Bearer"), Ok(None)),
        ("/", "authorization", cookie("GOOD"), Ok(None)),
        ("/", "authorization", cookie("Bearer !"), Err(FORM)),
        ("/", "authorization", cookie("Bearer GOOD,Bearer GOOD"), Err(FORM)),
        (
            "/",
            "authorization",
            cookie("Bearer GOOD, more"),
            Err("Jwt signature is an invalid Base64url encoded"),
        ),
        ("/", "x-token", cookie("GOOD"), Ok(Some("s"))),
        ("/", "x-token", String::new(), Err(FORM)),
        ("/?x=1&token=GOOD", "x-nothing", String::new(), Ok(Some("s"))),
        ("/?%74oken=GOOD", "x-nothing", String::new(), Ok(Some("s"))),
        (
            "/?token=GOOD&token=bad",
            "x-nothing",
            String::new(),
            Ok(Some("s")),
        ),
        ("/?TOKEN=GOOD", "x-nothing", String::new(), Ok(None)),
        ("/?token=", "x-nothing", String::new(), Err(FORM)),
        ("/?token", "x-nothing", String::new(), Err(FORM)),
        ("/", "cookie", cookie("a=1; id_token=GOOD;b=2"), Ok(Some("s"))),
        ("/", "cookie", cookie("id_token=\"GOOD\""), Ok(Some("s"))),
        (
            "/",
            "cookie",
            cookie("id_token=GOOD; id_token=bad"),
            Ok(Some("s")),
        ),
        (
            "/",
            "cookie",
            cookie("my_id_token=bad; id_token2=bad; ID_TOKEN=bad"),
            Ok(None),
        ),
        ("/", "cookie", cookie("id_token"), Ok(None)),
        ("/", "cookie", cookie("id_token="), Err(FORM)),
    ] {
        let target = target.replace("GOOD", &good);
        let mut head = head(&target, &[(name, &value)]);
        let what = format!("{target} {name}: {value}");
        match (run(vec![rule(A)], &mut head), expected) {
            (Ok(()), Ok(subject)) => {
                assert_eq!(
                    lines(&head, "x-sub"),
                    subject.into_iter().collect::<Vec<_>>(),
                    "{what}"
                );
                assert_eq!(head.user.is_some(), subject.is_some(), "{what}");
            }
            (Err(refusal), Err(text)) => assert_eq!(refusal.error.to_string(), text, "{what}"),
            (answer, _) => panic!("{what}: {answer:?}"),
        }
    }
}

#[test]
fn every_token_of_a_rule_must_be_good_and_the_first_place_is_the_user() {
    let (one, two) = (token(A, "one"), token(A, "two"));
    let expired = with(A, "x", &json!({ "exp": NOW - 61 }));
    let bearer = format!("Bearer {one}");

    let mut both = head(
        "/",
        &[("authorization", &bearer), ("cookie", &format!("id_token={two}"))],
    );
    run(vec![rule(A)], &mut both).unwrap();
    assert_eq!(lines(&both, "x-sub"), ["two", "one"]);
    assert_eq!(
        both.user.unwrap().principal.as_deref(),
        Some("https://a.example/one")
    );

    let mut bad = head(
        "/",
        &[
            ("authorization", &bearer),
            ("cookie", &format!("id_token={expired}")),
        ],
    );
    assert_eq!(error(vec![rule(A)], &mut bad).unwrap(), "Jwt is expired");

    // the last place is verified first, so its error is the one that is told
    let (bearer, cookie) = (format!("Bearer {expired}"), format!("id_token={}", tampered(A)));
    let mut two_bad = head("/", &[("authorization", &bearer), ("cookie", &cookie)]);
    assert_eq!(
        error(vec![rule(A)], &mut two_bad).unwrap(),
        "Jwt verification fails"
    );
}

#[test]
fn an_accepted_token_goes_no_further_unless_it_is_forwarded() {
    let good = token(A, "s");
    let mut rule = rule(A);
    rule.forward = false;
    let (bearer, cookie) = (format!("Bearer {good}"), format!("id_token={good}"));
    let target = format!("/p?a=%41&token={good}&b&token=x");
    let mut head = head(&target, &[("authorization", &bearer), ("cookie", &cookie)]);
    run(vec![rule], &mut head).unwrap();
    assert!(lines(&head, "authorization").is_empty());
    assert_eq!(head.target, "/p?a=%41&b");
    assert_eq!(lines(&head, "cookie"), [cookie]);
}
