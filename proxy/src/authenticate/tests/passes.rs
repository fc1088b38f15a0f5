//! Several rules, several tokens.

use super::*;

/// Two issuers that look in the same places: tokens in two headers, what goes on, and the answer.
#[test]
fn two_issuers_are_asked_in_two_passes() {
    let (a, b) = (token(A, "a"), token(B, "b"));
    let a_expired = with(A, "a", &json!({ "exp": 1 }));
    let b_expired = with(B, "b", &json!({ "exp": 1 }));
    let c = token("https://c.example", "c");
    let rules = |forward: [bool; 2]| {
        let mut rules = [rule(A), rule(B)];
        for (rule, forward) in rules.iter_mut().zip(forward) {
            rule.forward = forward;
        }
        rules.to_vec()
    };
    let issuer = Some("Jwt issuer is not configured");
    for (forward, tokens, expected, user) in [
        ([true, true], vec![&a], None, Some("a")),
        ([true, true], vec![&b], None, Some("b")),
        ([true, true], vec![], None, None),
        ([true, true], vec![&c], issuer, None),
        ([true, true], vec![&a_expired], Some("Jwt is expired"), None),
        ([true, true], vec![&b_expired], Some("Jwt is expired"), None),
        // both forwarded: each rule sees the other's token, too
        ([true, true], vec![&a, &b], issuer, None),
        // the rule of A takes its own token out, which is verified first, and all lines of the header with it
        ([false, true], vec![&b, &a], None, Some("a")),
        ([false, true], vec![&a, &b], issuer, None),
    ] {
        let headers: Vec<_> = tokens.iter().map(|token| ("x-token", token.as_str())).collect();
        let mut head = head("/", &headers);
        let before = head.headers.clone();
        let error = error(rules(forward), &mut head);
        assert_eq!(error.as_deref(), expected, "{forward:?} {}", tokens.len());
        let subject = head
            .user
            .as_ref()
            .map(|user| user.claims["sub"].as_str().unwrap().to_owned());
        assert_eq!(subject.as_deref(), user);
        if error.is_some() {
            assert_eq!(head.headers, before, "a refusal leaves the head as it was");
        }
    }
}

#[test]
fn what_a_failed_rule_wrote_in_the_first_pass_is_gone_after_the_second() {
    let place = |name: &str| TokenPlace::Header(name.parse().unwrap(), "".into());
    let mut rules = [rule(A), rule(B)];
    for (rule, output) in rules.iter_mut().zip(["x-from-a", "x-from-b"]) {
        rule.forward = false;
        rule.places = vec![place("x-first"), place("x-last")];
        rule.claim_headers = vec![(output.parse().unwrap(), vec!["sub".into()])];
    }
    // A meets B's token first and fails. B takes its own, then fails on A's. In the second pass A accepts
    // and B finds none: the request passes with A's user.
    let mut head = head("/", &[("x-first", &token(A, "a")), ("x-last", &token(B, "b"))]);
    run(rules.to_vec(), &mut head).unwrap();
    assert_eq!(
        (lines(&head, "x-from-a"), lines(&head, "x-from-b")),
        (vec!["a".to_owned()], vec![])
    );
    assert!(lines(&head, "x-first").is_empty() && lines(&head, "x-last").is_empty());
    assert_eq!(head.user.unwrap().claims["sub"], "a");
}

#[test]
fn a_rule_that_accepts_ends_it_and_a_bad_token_elsewhere_does_not_matter() {
    let mut first = rule(A);
    first.places = vec![TokenPlace::Header("x-a".parse().unwrap(), "".into())];
    let mut second = rule(B);
    second.places = vec![TokenPlace::Header("x-b".parse().unwrap(), "".into())];
    let mut head = head("/", &[("x-a", &token(A, "a")), ("x-b", "garbage")]);
    assert_eq!(error(vec![first, second], &mut head), None);
    assert_eq!(lines(&head, "x-b"), ["garbage"]);
}
