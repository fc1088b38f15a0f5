//! What the stand-in's own pages have in common: a frame, one sheet, and nothing that a script could do.

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

/// Where the sheet is.
pub(super) const STYLE: &str = "/emulator/style.css";

const CSP: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A whole page; title and `main` are HTML. No `form-action`: browsers apply it to where a form's answer
/// redirects, too, and a provider's page leads back to whoever asked.
pub(super) fn page(title: &str, main: &str) -> Response {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"stylesheet\" href=\"{STYLE}\">\n</head>\n<body>\n<main>\n{main}</main>\n\
         <footer>A stand-in for development: nothing here leaves this machine.</footer>\n</body>\n</html>\n"
    );
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (headers, Html(text)).into_response()
}

/// Text as HTML has it, in attributes, too.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// `GET` of the sheet.
pub(super) async fn style() -> ([(header::HeaderName, &'static str); 2], &'static str) {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=600"),
    ];
    (headers, SHEET)
}

const SHEET: &str = "\
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1b1f; --quiet: #55565e; --line: #85868f; --accent: #1f5fbf; --on-accent: #fff; --alarm: #a8201a; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16171b; --ink: #ececf1; --quiet: #b0b1ba; --line: #8a8b94; --accent: #8db8f7; --on-accent: #0d1a2c; --alarm: #ffa8a1; }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, sans-serif; }
body { margin: 0; background: var(--ground); color: var(--ink); }
main, footer { max-width: 34rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
footer { color: var(--quiet); font-size: .875rem; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
article { border-block-start: 1px solid var(--line); }
article h2 { margin-top: 1rem; }
label { font-weight: 600; }
input:not([type=checkbox]) { display: block; width: 100%; margin: .2rem 0 .9rem; padding: .6rem; font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: .4rem; }
input[type=checkbox] { width: 1.5rem; height: 1.5rem; vertical-align: middle; }
button { width: 100%; margin: .25rem 0; padding: .65rem; font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .4rem; cursor: pointer; }
button.choice, button.quiet { color: var(--ink); background: none; border-color: var(--line); }
button.choice { text-align: start; }
button span { display: block; color: var(--quiet); font-weight: 400; }
.wrong { margin-top: -.6rem; color: var(--alarm); font-weight: 600; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
";
