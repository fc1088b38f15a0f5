//! `jwtRules` of every RequestAuthentication that selects this workload, in the order in which they are
//! evaluated.

use std::time::Duration;

use http::HeaderName;
use http::uri::{Scheme, Uri};
use serde_json::Value;

use crate::istio::Document;
use crate::istio::report::{At, Report};
use crate::istio::request_authentication::{JwtRule as Raw, RequestAuthentication};
use crate::plan::authentication::{JwtRule, KeySource, TokenPlace};

use super::Workload;
use super::scope::policy_applies;
use super::value::{duration, header_name, refuse};

/// Istio's deadline for fetching keys.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Claims that are always split at spaces.
const SPACE_DELIMITED: [&str; 2] = ["scope", "permission"];

/// Why a policy that names its targets is refused.
pub(crate) const TARGET_REFS: &str =
    "for the Gateway API only: on an ingress gateway the policy would be ignored; use selector";

/// Reads every document. Rules are sorted by issuer, those without one first; equal ones keep the order
/// of the documents, our own namespace before the root namespace.
pub(crate) fn compile(
    documents: &[Document<RequestAuthentication>],
    workload: &Workload<'_>,
    report: &mut Report,
) -> Vec<std::sync::Arc<JwtRule>> {
    let mut ordered: Vec<_> = documents.iter().collect();
    ordered.sort_by_key(|document| *document.about.id.namespace != *workload.namespace);
    let mut rules = Vec::new();
    for document in ordered {
        let at = At::spec(&document.about);
        let spec = &document.spec;
        refuse(
            spec.target_ref.as_ref(),
            &at.key("targetRef"),
            TARGET_REFS,
            report,
        );
        refuse(
            spec.target_refs.as_ref(),
            &at.key("targetRefs"),
            TARGET_REFS,
            report,
        );
        if spec.jwt_rules.is_empty() {
            report.warn(&at.key("jwtRules"), "none: no token is ever looked at");
        }
        let each = spec.jwt_rules.iter().enumerate();
        let own: Vec<_> = each
            .filter_map(|(place, raw)| rule(document, raw, &at.key("jwtRules").index(place), report))
            .collect();
        if policy_applies(&document.about, spec.selector.as_ref(), workload, report) {
            rules.extend(own);
        }
    }
    rules.sort_by(|one: &JwtRule, two| one.issuer.cmp(&two.issuer));
    rules.into_iter().map(std::sync::Arc::new).collect()
}

fn rule(
    document: &Document<RequestAuthentication>,
    raw: &Raw,
    at: &At<'_>,
    report: &mut Report,
) -> Option<JwtRule> {
    let issuer = raw.issuer.as_deref();
    if issuer == Some("") {
        report.error(
            &at.key("issuer"),
            "written and empty; leave it out to accept any issuer",
        );
    }
    for (place, audience) in raw.audiences.iter().enumerate() {
        if audience.is_empty() {
            report.error(&at.key("audiences").index(place), "an audience must not be empty");
        }
    }
    let keys = keys(raw, at, report);
    if issuer.is_none() && keys.is_some() {
        report.warn(
            &at.key("issuer"),
            "missing: any issuer whose tokens these keys sign is accepted",
        );
    }
    for (place, claim) in raw.space_delimited_claims.iter().enumerate() {
        if claim.is_empty() {
            report.error(
                &at.key("spaceDelimitedClaims").index(place),
                "a claim needs a name",
            );
        }
    }
    let split = SPACE_DELIMITED.iter().copied();
    let split = split.chain(raw.space_delimited_claims.iter().map(String::as_str));
    let payload = raw.output_payload_to_header.as_ref();
    Some(JwtRule {
        document: document.about.id.clone(),
        issuer: issuer.map(Into::into),
        audiences: raw
            .audiences
            .iter()
            .map(|audience| plain_audience(audience).into())
            .collect(),
        places: places(raw, at, report),
        forward: raw.forward_original_token == Some(true),
        payload_header: payload.and_then(|name| header_name(name, &at.key("outputPayloadToHeader"), report)),
        claim_headers: claim_headers(raw, at, report),
        space_delimited: split.map(Into::into).collect(),
        keys: keys?,
    })
}

/// Both sides lose the scheme and one slash at the end before they are compared.
fn plain_audience(audience: &str) -> &str {
    let bare = audience
        .strip_prefix("http://")
        .or_else(|| audience.strip_prefix("https://"));
    let bare = bare.unwrap_or(audience);
    bare.strip_suffix('/').unwrap_or(bare)
}

fn keys(raw: &Raw, at: &At<'_>, report: &mut Report) -> Option<KeySource> {
    let timeout = duration(raw.timeout.as_ref(), &at.key("timeout"), report).unwrap_or(FETCH_TIMEOUT);
    if raw.jwks_uri.is_some() && raw.jwks_uri_snake.is_some() {
        report.error(at, "jwksUri and jwks_uri are the same field; keep jwksUri");
    }
    let uri = raw
        .jwks_uri
        .as_deref()
        .or(raw.jwks_uri_snake.as_deref())
        .filter(|uri| !uri.is_empty());
    let inline = raw.jwks.as_deref().filter(|jwks| !jwks.is_empty());
    match (
        uri,
        inline,
        raw.issuer.as_deref().filter(|issuer| !issuer.is_empty()),
    ) {
        (Some(_), Some(_), _) => {
            report.error(at, "jwksUri and jwks at the same time: one of them only");
            None
        }
        (Some(uri), None, _) => {
            let key = if raw.jwks_uri.is_some() {
                "jwksUri"
            } else {
                "jwks_uri"
            };
            check_uri(uri, &at.key(key), report);
            Some(KeySource::Remote {
                uri: uri.into(),
                timeout,
            })
        }
        (None, Some(jwks), issuer) => {
            if issuer.is_none() {
                report.error(at, "issuer or jwksUri is needed");
            }
            check_keys(jwks, &at.key("jwks"), report);
            Some(KeySource::Inline(jwks.into()))
        }
        (None, None, Some(issuer)) => {
            check_uri(issuer, &at.key("issuer"), report);
            Some(KeySource::Discovery {
                issuer: issuer.into(),
                timeout,
            })
        }
        (None, None, None) => {
            report.error(at, "issuer or jwksUri is needed");
            None
        }
    }
}

fn check_uri(text: &str, at: &At<'_>, report: &mut Report) {
    let parsed: Result<Uri, _> = text.parse();
    let Ok(uri) = parsed else {
        report.error(at, format!("{text:?} is no URL that keys can be fetched from"));
        return;
    };
    let scheme = uri.scheme();
    if scheme != Some(&Scheme::HTTP) && scheme != Some(&Scheme::HTTPS) {
        report.error(
            at,
            format!("{text:?}: http:// or https:// is needed to fetch keys"),
        );
    }
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or("");
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    if uri.host().is_none_or(str::is_empty) || has_port && uri.port_u16().is_none_or(|port| port == 0) {
        report.error(
            at,
            format!("{text:?}: {authority:?} is no host with a port from 1 to 65535"),
        );
    }
}

/// What Istio's validation looks at, and that there is at least one key: with none, Envoy refuses the
/// whole listener.
fn check_keys(text: &str, at: &At<'_>, report: &mut Report) {
    let json: Value = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) => {
            report.error(at, format!("no JSON: {error}"));
            return;
        }
    };
    let Some(keys) = json.get("keys").and_then(Value::as_array) else {
        report.error(at, "no key set: a list `keys` is needed (RFC 7517, section 5)");
        return;
    };
    if keys.is_empty() {
        report.error(at, "the list `keys` is empty: every token would be refused");
    }
    for (place, key) in keys.iter().enumerate() {
        let kind = key.get("kty").and_then(Value::as_str).unwrap_or("");
        if !["RSA", "EC", "OKP", "oct"].contains(&kind) {
            report.error(
                at,
                format!("keys[{place}]: kty {kind:?} is no kind of key; RSA, EC, OKP and oct are"),
            );
        }
        if kind == "oct" || key.get("d").is_some() {
            report.warn(
                at,
                format!("keys[{place}] is a secret: whoever reads this document can sign tokens"),
            );
        }
    }
}

/// In the order in which Envoy looks: headers by name and prefix, then parameters, then cookies.
fn places(raw: &Raw, at: &At<'_>, report: &mut Report) -> Vec<TokenPlace> {
    if raw.from_headers.is_empty() && raw.from_params.is_empty() && raw.from_cookies.is_empty() {
        return vec![
            TokenPlace::Header(http::header::AUTHORIZATION, "Bearer ".into()),
            TokenPlace::Parameter("access_token".into()),
        ];
    }
    let mut headers: Vec<(HeaderName, Box<str>)> = Vec::new();
    for (place, header) in raw.from_headers.iter().enumerate() {
        let at = at.key("fromHeaders").index(place).key("name");
        let name = header_name(header.name.as_deref().unwrap_or(""), &at, report);
        let prefix = header.prefix.as_deref().unwrap_or("").into();
        headers.extend(name.map(|name| (name, prefix)));
    }
    headers.sort_by(|(one, one_prefix), (two, two_prefix)| {
        (one.as_str(), one_prefix).cmp(&(two.as_str(), two_prefix))
    });
    let mut named = |names: &[String], key: &str| {
        let mut names: Vec<Box<str>> = names.iter().map(|name| name.as_str().into()).collect();
        if names.iter().any(|name| name.is_empty()) {
            report.error(&at.key(key), "a name must not be empty");
        }
        names.sort();
        names
    };
    let params = named(&raw.from_params, "fromParams");
    let cookies = named(&raw.from_cookies, "fromCookies");
    let headers = headers
        .into_iter()
        .map(|(name, prefix)| TokenPlace::Header(name, prefix));
    headers
        .chain(params.into_iter().map(TokenPlace::Parameter))
        .chain(cookies.into_iter().map(TokenPlace::Cookie))
        .collect()
}

fn claim_headers(raw: &Raw, at: &At<'_>, report: &mut Report) -> Vec<(HeaderName, Vec<Box<str>>)> {
    let mut headers = Vec::new();
    for (place, output) in raw.output_claim_to_headers.iter().enumerate() {
        let at = at.key("outputClaimToHeaders").index(place);
        let claim = output.claim.as_deref().unwrap_or("");
        if claim.is_empty() {
            report.error(&at.key("claim"), "missing: which claim?");
        }
        if output.header.as_ref().is_none_or(String::is_empty) {
            report.error(&at.key("header"), "missing: into which header?");
            continue;
        }
        let name = header_name(output.header.as_deref().unwrap_or(""), &at.key("header"), report);
        headers.extend(name.map(|name| (name, claim.split('.').map(Into::into).collect())));
    }
    headers
}
