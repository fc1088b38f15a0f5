//! ChromeDriver and one Chromium window, gone when the test is.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use thirtyfour::prelude::*;

/// Whether pages may run scripts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// A browser with an empty profile.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    process: Child,
    address: String,
    profile: std::path::PathBuf,
}

impl Browser {
    pub(crate) async fn start(scripts: Scripts) -> Browser {
        chassis::crypto::install();
        let (process, address) = chromedriver();
        let profile = std::env::temp_dir().join(format!("acme-browser-{}", process.id()));
        let driver = WebDriver::new(format!("http://{address}"), capabilities(scripts, &profile)).await;
        let driver = driver.expect("ChromeDriver starts Chromium (packages chromium and chromium-driver)");
        Browser {
            driver,
            process,
            address,
            profile,
        }
    }

    /// Waits until the page shows a text.
    pub(crate) async fn shows(&self, text: &str) {
        let wanted = text.to_owned();
        let found = self
            .driver
            .query(By::Tag("body"))
            .with_filter(move |body: WebElement| {
                let wanted = wanted.clone();
                async move { Ok(body.text().await.unwrap_or_default().contains(&wanted)) }
            })
            .wait(Duration::from_secs(10), Duration::from_millis(50))
            .exists()
            .await
            .unwrap();
        let source = self.driver.source().await.unwrap_or_default();
        assert!(found, "the page does not show {text:?} but:\n{source}");
    }

    pub(crate) async fn quit(self) {
        self.driver.clone().quit().await.unwrap();
    }
}

impl Drop for Browser {
    /// Ends ChromeDriver and its Chromium also when the test panics. The client must not end its session by itself
    /// then: it blocks the test's thread for two minutes, waiting for an answer that only this thread can receive.
    fn drop(&mut self) {
        let _ = self.driver.clone().leak();
        // asked this way, ChromeDriver takes its Chromium along; killed, it would leave it behind
        let asked = TcpStream::connect(&self.address)
            .and_then(|mut stream| stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        if asked.is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// Starts ChromeDriver on a port of its choice, which it prints, and says at which address it listens.
fn chromedriver() -> (Child, String) {
    let mut process = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver is installed: ./test --only browser installs it (package chromium-driver)");
    let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let port = lines
        .map_while(Result::ok)
        .find_map(|line| {
            line.split_once("successfully on port ")
                .map(|(_, port)| port.trim_end_matches('.').to_owned())
        })
        .expect("chromedriver prints its port");
    (process, format!("127.0.0.1:{port}"))
}

fn capabilities(scripts: Scripts, profile: &std::path::Path) -> thirtyfour::ChromeCapabilities {
    let mut chrome = DesiredCapabilities::chrome();
    let profile = format!("--user-data-dir={}", profile.display());
    let quiet = [
        "--headless=new",
        "--no-sandbox", // the tests may run as root, in a container
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-US",
        "--window-size=1100,900",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1", // nobody waits for a font of the web
        &profile,
    ];
    for argument in quiet {
        chrome.add_arg(argument).expect("an argument is a string");
    }
    if scripts == Scripts::Off {
        let off = serde_json::json!({ "profile.managed_default_content_settings.javascript": 2 });
        chrome
            .add_experimental_option("prefs", off)
            .expect("preferences are JSON");
    }
    chrome
}
