use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::plan::authentication::{KeySource, TokenPlace};

const NOW: u64 = 1_800_000_000;
const A: &str = "https://a.example";
const B: &str = "https://b.example";

static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap()
});

pub(super) fn jwks() -> Arc<jwt::Jwks> {
    let point = KEY.public_key().as_ref();
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let key = json!({
        "kty": "EC", "crv": "P-256", "kid": "one", "x": encode(&point[1..33]), "y": encode(&point[33..]),
    });
    Arc::new(jwt::Jwks::parse(&json!({ "keys": [key] }).to_string()).unwrap())
}

fn signed(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = KEY.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn token(issuer: &str, subject: &str) -> String {
    with(issuer, subject, &json!({}))
}

fn with(issuer: &str, subject: &str, more: &Value) -> String {
    let mut claims = json!({ "iss": issuer, "sub": subject, "aud": "shop", "exp": NOW + 600 });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signed(&json!({ "alg": "ES256", "kid": "one" }), &claims)
}

/// A good token but for its last character.
fn tampered(issuer: &str) -> String {
    let token = token(issuer, "x");
    let (input, signature) = token.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    format!("{input}.{turned}")
}

pub(super) fn rule(issuer: &str) -> JwtRule {
    JwtRule {
        document: DocumentId {
            kind: "RequestAuthentication",
            namespace: "istio-ingress".into(),
            name: issuer.into(),
            file: "users.yaml".into(),
        },
        issuer: Some(issuer.into()),
        audiences: vec!["shop".into()],
        keys: KeySource::Inline("".into()),
        places: vec![
            TokenPlace::Header(header::AUTHORIZATION, "Bearer ".into()),
            TokenPlace::Header("x-token".parse().unwrap(), "".into()),
            TokenPlace::Parameter("token".into()),
            TokenPlace::Cookie("id_token".into()),
        ],
        forward: true,
        payload_header: None,
        claim_headers: vec![("x-sub".parse().unwrap(), vec!["sub".into()])],
        space_delimited: vec!["scope".into()],
    }
}

fn head(target: &str, headers: &[(&str, &str)]) -> Head {
    Head::example("web.test:80", target, headers)
}

fn run(rules: Vec<JwtRule>, head: &mut Head) -> Result<(), Box<Refusal>> {
    let rules: Vec<_> = rules.into_iter().map(Arc::new).collect();
    let keys = jwks();
    authenticate(&rules, &|_| Some(keys.clone()), &TokenCache::new(), NOW, head)
}

fn error(rules: Vec<JwtRule>, head: &mut Head) -> Option<String> {
    run(rules, head).err().map(|refusal| refusal.error.to_string())
}

fn lines(head: &Head, name: &str) -> Vec<String> {
    let lines = head.headers.get_all(name).iter();
    lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect()
}

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
    preflight.method = Method::OPTIONS;
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
