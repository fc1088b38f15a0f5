//! The pages in the browser's language, what they weigh, and what they say to assistive technology.

use serde_json::json;

use crate::harness::{Answer, EMAIL, Page, World};

const LANGUAGES: [(&str, &str, &str); 4] = [
    ("en-GB,en;q=0.9", "en", "Sign in"),
    ("de-AT,de;q=0.9,en;q=0.5", "de", "Anmelden"),
    ("fr,es;q=0.8", "es", "Iniciar sesión"),
    ("ja", "ja", "ログイン"),
];

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_likes_best() {
    let world = World::start().await;
    for (accept, code, title) in LANGUAGES {
        let mut browser = world.browser().sending("accept-language", accept);
        let page = browser.get("/").await;
        assert!(
            page.says(&format!("<html lang=\"{code}\" dir=\"ltr\">")),
            "{}",
            page.body
        );
        assert!(
            page.says(&format!("<h1 id=\"heading\">{title}</h1>")),
            "{}",
            page.body
        );
        let vary = page.header("vary").unwrap();
        assert!(vary.contains("accept-language"), "{vary}");
    }
}

#[tokio::test]
async fn refusals_and_failures_are_told_in_the_same_language() {
    let world = World::start().await;
    let mut browser = world.browser().sending("accept-language", "de");
    let page = browser.sign_in(EMAIL, "wrong").await;
    assert!(page.says("E-Mail-Adresse oder Passwort stimmt nicht") && page.says("<title>Fehler: Anmelden"));
    let page = browser
        .post("/sign-up", &[("email", "new@acme.example"), ("password", "a")])
        .await;
    assert!(page.says("Es fehlt: mindestens 6 Zeichen."), "{}", page.body);
    assert!(browser.get("/nowhere").await.says("Diese Seite gibt es nicht"));
    world
        .upstream
        .says(Answer::plain(503, "down").with("x-envoy-upstream-service-time", "1"));
    let mut browser = world.signed_in().await.sending("accept-language", "ja");
    assert!(browser.get("/").await.says("非公開サービスが応答しません"));
    world
        .upstream
        .says(Answer::json(200, &json!({"message": "Hello World"})));
    assert!(browser.get("/").await.says("秘密のメッセージ: Hello World"));
}

/// The figures are without compression, so they hold with it.
#[tokio::test]
async fn a_first_page_weighs_less_than_30_kb_in_all_and_8_kb_by_itself() {
    let world = World::start().await;
    for (accept, code, _) in LANGUAGES {
        let mut stranger = world.browser().sending("accept-language", accept);
        let mut user = world.signed_in().await.sending("accept-language", accept);
        for page in [
            stranger.get("/").await,
            stranger.get("/sign-up").await,
            user.get("/").await,
        ] {
            assert!(page.body.len() < 8 * 1024, "{code}: {}", page.body.len());
            let mut sum = page.body.len();
            for path in assets(&page) {
                let asset = stranger.get(&path).await;
                assert_eq!(
                    asset.header("cache-control"),
                    Some("public, max-age=31536000, immutable")
                );
                sum += asset.body.len();
            }
            assert!(sum < 30 * 1024, "{code}: {sum}");
        }
    }
}

fn assets(page: &Page) -> Vec<String> {
    let paths = page.body.split('"').filter(|part| part.starts_with("/assets/"));
    let paths: Vec<_> = paths.map(str::to_owned).collect();
    assert_eq!(paths.len(), 3, "style sheet, icon, script");
    paths
}
