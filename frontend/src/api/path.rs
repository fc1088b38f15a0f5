//! Paths that may leave for the proxy. What two servers could read differently is refused: a URL library
//! on the way resolves dot segments, encoded ones too (WHATWG URL, "double-dot URL path segment"), and
//! turns backslashes into slashes; the result would be outside of `/api/`, with the user's token.

/// Whether every server reads this path the same way.
pub(super) fn unambiguous(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let slashes = ["\\", "%5c", "%2f"].iter().any(|slash| lower.contains(slash));
    let dots = lower
        .split('/')
        .map(|segment| segment.replace("%2e", "."))
        .any(|segment| segment == "." || segment == "..");
    !slashes && !dots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_and_disguised_slashes_are_refused() {
        for path in [
            "/api/secure.json",
            "/api/v1.2/..x/.hidden/x..",
            "/api/%2e%2e%2e",
            "/api/%252e%252e/",
            "/api//x",
        ] {
            assert!(unambiguous(path), "{path}");
        }
        for path in [
            "/api/../admin",
            "/api/..",
            "/api/.",
            "/api/%2e%2E/admin",
            "/api/.%2e/admin",
            "/api/..%2fadmin",
            "/api/a%5Cb",
            "/api/a\\..\\b",
        ] {
            assert!(!unambiguous(path), "{path}");
        }
    }

    #[test]
    fn what_passes_is_not_changed_by_the_url_library() {
        for path in ["/api/%2e%2e%2e", "/api/%252e%252e/", "/api//x", "/api/a;..;/b"] {
            let url = reqwest::Url::parse(&format!("http://proxy{path}")).unwrap();
            assert_eq!(url.path(), path);
        }
    }
}
