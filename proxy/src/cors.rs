//! `corsPolicy`: answers a browser's preflight, and tells browsers which origins may read the answers to
//! ordinary requests. Nothing is refused here: it is the browser that obeys (Fetch standard, HTTP-CORS
//! protocol).

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::head::Head;
use crate::plan::route::CorsPolicy;

/// What a policy makes of a request.
pub(crate) enum Verdict {
    /// A preflight that is answered with these headers, and goes no further.
    Answered(HeaderMap),
    /// Goes on; the answer gets these headers, whoever makes it.
    Goes(HeaderMap),
}

/// Whether a browser asks what it may do. Browsers send no token with this question.
pub(crate) fn is_preflight(head: &Head) -> bool {
    head.method == Method::OPTIONS
        && given(head, ORIGIN).is_some()
        && given(head, ACCESS_CONTROL_REQUEST_METHOD).is_some()
}

/// Looks at a request. The requested method and headers are not compared with the policy's: the answer
/// lists what is allowed, and the browser compares.
pub(crate) fn judge(policy: &CorsPolicy, head: &Head) -> Verdict {
    let origin = given(head, ORIGIN);
    let allowed = origin.filter(|origin| is_allowed(policy, origin));
    if is_preflight(head) && (allowed.is_some() || !policy.forward_unmatched) {
        return Verdict::Answered(preflight(policy, allowed, head));
    }
    let mut headers = HeaderMap::new();
    if allowed.is_some() {
        put_common(policy, allowed, &mut headers);
    }
    Verdict::Goes(headers)
}

/// Puts the headers of [`Verdict::Goes`] over those of an answer.
pub(crate) fn apply(granted: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in granted {
        headers.insert(name, value.clone());
    }
}

fn is_allowed(policy: &CorsPolicy, origin: &HeaderValue) -> bool {
    let mut origins = policy.origins.iter();
    origins.any(|allowed| allowed.matches(origin.as_bytes()))
}

fn preflight(policy: &CorsPolicy, allowed: Option<&HeaderValue>, head: &Head) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put_common(policy, allowed, &mut headers);
    let asked_method = given(head, ACCESS_CONTROL_REQUEST_METHOD);
    let asked_headers = given(head, ACCESS_CONTROL_REQUEST_HEADERS);
    put_list(
        &mut headers,
        ACCESS_CONTROL_ALLOW_METHODS,
        &policy.methods,
        asked_method,
    );
    put_list(
        &mut headers,
        ACCESS_CONTROL_ALLOW_HEADERS,
        &policy.headers,
        asked_headers,
    );
    if let Some(seconds) = policy.max_age {
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    headers
}

/// What preflights and ordinary requests have in common.
fn put_common(policy: &CorsPolicy, allowed: Option<&HeaderValue>, headers: &mut HeaderMap) {
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    if policy.credentials == Some(true) {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    put_list(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &policy.expose, None);
}

/// A list as the policy has it; where that is `*`, what was asked for comes back, because browsers take
/// `*` by the letter on requests with credentials.
fn put_list(headers: &mut HeaderMap, name: HeaderName, list: &str, asked: Option<&HeaderValue>) {
    let value = match (list, asked) {
        ("", _) => None,
        ("*", Some(asked)) => Some(asked.clone()),
        ("*", None) if name != ACCESS_CONTROL_EXPOSE_HEADERS => None,
        (list, _) => HeaderValue::from_str(list).ok(),
    };
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// A header that is there and not empty.
fn given(head: &Head, name: HeaderName) -> Option<&HeaderValue> {
    head.headers.get(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::text::TextMatch;

    fn policy() -> CorsPolicy {
        CorsPolicy {
            origins: vec![TextMatch::Exact("https://shop.test".into())],
            methods: "GET,POST".into(),
            headers: "*".into(),
            expose: "x-one".into(),
            max_age: Some(60),
            credentials: Some(true),
            forward_unmatched: true,
        }
    }

    fn asked(method: Method, origin: &str, headers: &[(&str, &str)]) -> Head {
        let mut all = vec![("origin", origin)];
        all.extend(headers);
        Head {
            method,
            ..Head::example("web.test", "/", &all)
        }
    }

    fn of(headers: &HeaderMap, name: &str) -> String {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or("-").to_owned()
    }

    const ASKS: (&str, &str) = ("access-control-request-method", "PUT");

    #[test]
    fn a_preflight_from_an_allowed_origin_is_answered_with_all_that_is_allowed() {
        let names = ("access-control-request-headers", "x-nine, x-ten");
        let head = asked(Method::OPTIONS, "https://shop.test", &[ASKS, names]);
        let Verdict::Answered(headers) = judge(&policy(), &head) else {
            panic!("answered");
        };
        for (name, wanted) in [
            ("access-control-allow-origin", "https://shop.test"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET,POST"),
            ("access-control-allow-headers", "x-nine, x-ten"),
            ("access-control-expose-headers", "x-one"),
            ("access-control-max-age", "60"),
        ] {
            assert_eq!(of(&headers, name), wanted, "{name}");
        }
    }

    #[test]
    fn a_preflight_from_elsewhere_goes_on_unless_the_policy_ignores_it() {
        let head = asked(Method::OPTIONS, "https://evil.test", &[ASKS]);
        assert!(matches!(judge(&policy(), &head), Verdict::Goes(headers) if headers.is_empty()));
        let ignoring = CorsPolicy {
            forward_unmatched: false,
            ..policy()
        };
        let Verdict::Answered(headers) = judge(&ignoring, &head) else {
            panic!("answered");
        };
        assert_eq!(of(&headers, "access-control-allow-origin"), "-");
        assert_eq!(of(&headers, "access-control-allow-methods"), "GET,POST");
    }

    #[test]
    fn an_ordinary_request_is_told_what_its_origin_may_read() {
        for (origin, wanted) in [
            ("https://shop.test", "https://shop.test"),
            ("https://SHOP.test", "-"),
            ("https://shop.test:8443", "-"),
            ("null", "-"),
            ("", "-"),
        ] {
            let Verdict::Goes(headers) = judge(&policy(), &asked(Method::GET, origin, &[ASKS])) else {
                panic!("goes on");
            };
            assert_eq!(of(&headers, "access-control-allow-origin"), wanted, "{origin}");
            assert_eq!(of(&headers, "access-control-allow-methods"), "-");
        }
    }
}
