//! Path templates of policies: `{*}` is one segment, `{**}` any rest.

use crate::re2::Re2;

use super::principal::quote;

/// What `{*}` takes, as Envoy's URI templates have it. `[` and `]`, which stay raw in a path, are not in
/// it: such a path fits no template at this place.
const SEGMENT: &str = r"[a-zA-Z0-9\-._~%!$&'()*+,;:@=]+";

/// What `{**}` takes.
const REST: &str = r"[a-zA-Z0-9\-._~%!$&'()*+,;:@=/]*";

/// Whether a value is a template.
pub(crate) fn is_template(value: &str) -> bool {
    value.contains("{*}") || value.contains("{**}")
}

/// The expression that a template stands for, over a whole path.
pub(crate) fn compile(template: &str) -> Result<Re2, String> {
    let Some(segments) = template.strip_prefix('/') else {
        return Err("a template begins with `/`".to_owned());
    };
    let mut expression = String::new();
    let mut is_last = false;
    let count = segments.split('/').count();
    for (place, segment) in segments.split('/').enumerate() {
        expression.push('/');
        match segment {
            "{*}" | "{**}" if is_last => return Err("{**} must be the last operator".to_owned()),
            "{*}" => expression.push_str(SEGMENT),
            "{**}" => {
                is_last = true;
                expression.push_str(REST);
            }
            "" if place + 1 < count => return Err("a template has no empty segment".to_owned()),
            literal if literal.chars().all(is_literal) => expression.push_str(&quote(literal)),
            literal => {
                return Err(format!(
                    "{literal:?} stands beside operators: only {{*}}, {{**}} or plain text can be a segment here"
                ));
            }
        }
    }
    Re2::compile(&expression)
}

fn is_literal(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@=".contains(character)
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn templates_take_whole_paths() {
        for (template, path, fits) in [
            ("/a/{*}", "/a/b", true),
            ("/a/{*}", "/a/", false),
            ("/a/{*}", "/a/b/c", false),
            ("/a/{**}", "/a", false),
            ("/a/{**}", "/a/", true),
            ("/a/{**}", "/a/b/c", true),
            ("/s/{**}/c", "/s//c", true),
            ("/s/{**}/c", "/s/c", false),
            ("/a/{*}/c", "/a/[b]/c", false),
            ("/a.b/{*}", "/axb/c", false),
            ("/a/{*}/", "/a/b/", true),
        ] {
            assert_eq!(
                compile(template).unwrap().is_match(path.as_bytes()),
                fits,
                "{template} {path}"
            );
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for template in [
            "a/{*}",
            "/a//{*}",
            "/{**}/{*}",
            "/a/{*}b",
            "/a/{*}/b*",
            "/{id}/{*}",
            "/a/{**}/{**}",
        ] {
            assert!(compile(template).is_err(), "{template}");
        }
    }
}
