//! What is checked, in which order, and how it is refused.

use super::*;

#[test]
fn claims_are_checked_in_envoys_order() {
    let unknown_key = signed(
        &json!({ "alg": "ES256", "kid": "two" }),
        &json!({ "iss": A, "aud": "shop", "exp": NOW + 1 }),
    );
    for (token, status, text) in [
        (
            token("https://c.example", "s"),
            401,
            "Jwt issuer is not configured",
        ),
        (
            with("https://c.example", "s", &json!({ "exp": 1 })),
            401,
            "Jwt issuer is not configured",
        ),
        (with(A, "s", &json!({ "exp": NOW - 61 })), 401, "Jwt is expired"),
        (
            with(A, "s", &json!({ "exp": NOW - 61, "aud": "other" })),
            401,
            "Jwt is expired",
        ),
        (
            with(A, "s", &json!({ "nbf": NOW + 61 })),
            401,
            "Jwt not yet valid",
        ),
        (
            with(A, "s", &json!({ "aud": "other" })),
            403,
            "Audiences in Jwt are not allowed",
        ),
        (
            with(A, "s", &json!({ "aud": [] })),
            403,
            "Audiences in Jwt are not allowed",
        ),
        (tampered(A), 401, "Jwt verification fails"),
        (
            unknown_key,
            401,
            "Jwks doesn't have key to match kid or alg from Jwt",
        ),
    ] {
        let mut head = head("/a?b=%22", &[("x-token", &token)]);
        let refusal = run(vec![rule(A)], &mut head).unwrap_err();
        assert_eq!(
            (refusal.status.as_u16(), refusal.error.to_string().as_str()),
            (status, text)
        );
        assert_eq!(refusal.unknown_kid, text.starts_with("Jwks"));
        assert_eq!(refusal.document.name.as_ref(), A);
        let challenge = "Bearer realm=\"http://web.test:80/a?b=%22\", error=\"invalid_token\"";
        assert_eq!(refusal.challenge, challenge);
    }
    for fine in [
        json!({ "exp": NOW - 60 }),
        json!({ "nbf": NOW + 60 }),
        json!({ "exp": 0 }),
        json!({ "aud": ["other", "https://shop/"] }),
        json!({ "aud": "http://shop" }),
    ] {
        let mut head = head("/", &[("x-token", &with(A, "s", &fine))]);
        assert_eq!(error(vec![rule(A)], &mut head), None, "{fine}");
    }
}

#[test]
fn the_challenge_is_cut_behind_256_bytes_of_the_target() {
    let target = format!("/{}", "a".repeat(300));
    let refusal = run(vec![rule(A)], &mut head(&target, &[("x-token", "bad")])).unwrap_err();
    let challenge = refusal.challenge.to_str().unwrap().to_owned();
    assert!(
        challenge.contains(&format!("/{}\"", "a".repeat(255))),
        "{challenge}"
    );
}

#[test]
fn an_issuer_may_be_anyone_and_a_user_needs_issuer_and_subject() {
    let mut any = rule(A);
    any.issuer = None;
    any.audiences.clear();
    for (claims, principal) in [
        (json!({ "iss": "x", "sub": "y" }), Some("x/y")),
        (json!({ "iss": "x" }), None),
        (json!({ "sub": "y" }), None),
        (json!({ "iss": "x", "sub": "" }), None),
    ] {
        let token = signed(&json!({ "alg": "ES256" }), &claims);
        let mut head = head("/", &[("x-token", &token)]);
        run(vec![any.clone()], &mut head).unwrap();
        assert_eq!(head.user.unwrap().principal.as_deref(), principal, "{claims}");
    }
}

#[test]
fn without_keys_no_token_is_good_and_requests_without_one_pass() {
    let rules = [Arc::new(rule(A))];
    let ask = |head: &mut Head| authenticate(&rules, &|_| None, &TokenCache::new(), NOW, head);
    ask(&mut head("/", &[])).unwrap();
    let refusal = ask(&mut head("/", &[("x-token", &token(A, "s"))])).unwrap_err();
    assert_eq!(refusal.error, jwt::Error::VerificationFails);
    assert!(!refusal.unknown_kid);
}
