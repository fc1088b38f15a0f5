//! The style sheet, the script and the icon, in the binary. Their paths carry a hash of the content, so a browser may
//! keep them for ever and still never shows an old sheet on a new page.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use ring::digest::{SHA256, digest};

/// Mounts the assets.
pub(crate) fn mount<S: Clone + Send + Sync + 'static>(mut router: Router<S>) -> Router<S> {
    for asset in [&*STYLE, &*SCRIPT, &*ICON] {
        let headers = [(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, FOR_EVER)];
        router = router.route(&asset.path, get(async move || (headers, asset.content)));
    }
    router
}

/// The path of the style sheet.
pub(crate) fn style() -> &'static str {
    &STYLE.path
}

/// The path of the script.
pub(crate) fn script() -> &'static str {
    &SCRIPT.path
}

/// The path of the icon.
pub(crate) fn icon() -> &'static str {
    &ICON.path
}

struct Asset {
    path: String,
    kind: &'static str,
    content: &'static str,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "style",
        "css",
        "text/css; charset=utf-8",
        include_str!("../assets/style.css"),
    )
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "app",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/app.js"),
    )
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg")));

impl Asset {
    fn new(name: &str, suffix: &str, kind: &'static str, content: &'static str) -> Asset {
        let hash = digest(&SHA256, content.as_bytes());
        let hash: String = hash.as_ref()[..6]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Asset {
            path: format!("/assets/{name}-{hash}.{suffix}"),
            kind,
            content,
        }
    }
}

const FOR_EVER: &str = "public, max-age=31536000, immutable";
