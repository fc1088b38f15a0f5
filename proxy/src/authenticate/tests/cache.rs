//! What is remembered and what is not printed.

use super::*;

#[test]
fn a_remembered_token_is_forgotten_with_its_time_its_keys_and_its_rule() {
    let rules = [Arc::new(rule(A))];
    let cache = TokenCache::new();
    let token = token(A, "s");
    let asked = std::cell::Cell::new(0);
    let ask = |rules: &[Arc<JwtRule>], keys: &Arc<jwt::Jwks>, now| {
        asked.set(asked.get() + 1);
        let mut head = head("/", &[("x-token", &token)]);
        let answer = authenticate(rules, &|_| Some(keys.clone()), &cache, now, &mut head);
        answer
            .map(|()| head.user.unwrap())
            .map_err(|refusal| refusal.error)
    };
    let keys = jwks();
    let first = ask(&rules, &keys, NOW).unwrap();
    let again = ask(&rules, &keys, NOW).unwrap();
    assert!(Arc::ptr_eq(&first, &again), "the same user, not verified anew");
    assert_eq!(cache.len(), 1);
    assert_eq!(ask(&rules, &keys, NOW + 661), Err(jwt::Error::Expired));

    let rotated = Arc::new(
        jwt::Jwks::parse(
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"two","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
        )
        .unwrap(),
    );
    assert_eq!(ask(&rules, &rotated, NOW), Err(jwt::Error::NoMatchingKey));

    let stricter = [Arc::new(JwtRule {
        audiences: vec!["other".into()],
        ..rule(A)
    })];
    assert_eq!(ask(&stricter, &keys, NOW), Err(jwt::Error::AudienceNotAllowed));
    assert!(ask(&rules, &keys, NOW).is_ok());
    assert_eq!(asked.get(), 6);
}

#[test]
fn a_refusal_that_is_printed_does_not_print_the_token() {
    let refusal = run(vec![rule(A)], &mut head("/?token=secret", &[])).unwrap_err();
    assert!(!format!("{:?}", TokenCache::new()).contains("secret"));
    assert!(!format!("{refusal:?}").contains("secret"));
}
