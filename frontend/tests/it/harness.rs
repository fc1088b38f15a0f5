//! A front end with everything it talks to, in one process: `World::start().await`, a [`Browser`], and
//! knobs for what the others answer.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::access::{AccessLog, Record};
use chassis::env::Env;
use chassis::shutdown::{Shutdown, Trigger};
use frontend::{Arguments, Config};

mod browser;
mod stand_in;
mod token;

pub(crate) use browser::{Browser, Page};
pub(crate) use stand_in::{Answer, Seen, StandIn, identity_rule};
pub(crate) use token::{Key, id_claims, now};

pub(crate) const EMAIL: &str = "shopper@acme.example";
pub(crate) const PASSWORD: &str = "Acme-demo-2026";

/// A running front end and its surroundings.
pub(crate) struct World {
    pub(crate) identity: StandIn,
    pub(crate) metadata: StandIn,
    pub(crate) upstream: StandIn,
    pub(crate) address: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) records: Receiver<Record>,
    _trigger: Trigger,
}

/// What a test wants to be different.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) env: Vec<(&'static str, String)>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) clock: Option<fn() -> SystemTime>,
}

impl World {
    pub(crate) async fn start() -> World {
        World::with(Wishes::default()).await
    }

    /// With other variables.
    pub(crate) async fn with_env(env: &[(&'static str, &str)]) -> World {
        let env = env
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        World::with(Wishes {
            env,
            ..Wishes::default()
        })
        .await
    }

    pub(crate) async fn with(wishes: Wishes) -> World {
        let identity = stand_in::identity().await;
        let metadata = stand_in::metadata().await;
        let upstream = stand_in::upstream().await;
        let (sender, records) = std::sync::mpsc::channel();
        let mut env = Env::from_iter([
            ("LISTEN_ADDRESS", "127.0.0.1".to_owned()),
            ("PORT", "0".to_owned()),
            ("METRICS_ADDRESS", "127.0.0.1:0".to_owned()),
            ("GOOGLE_CLOUD_PROJECT", "demo-acme".to_owned()),
            ("AUTH_APIKEY", "demo-key".to_owned()),
            ("FIREBASE_AUTH_EMULATOR_HOST", identity.address.to_string()),
            ("GCE_METADATA_HOST", metadata.address.to_string()),
            ("PROXY_URL", format!("http://{}", upstream.address)),
            ("SESSION_KEYS", session_key(1)),
        ]);
        for (name, value) in wishes.env {
            env = env.with(name, value);
        }
        let mut config = Config::new(&Arguments::default(), &env).unwrap();
        config.access_log = AccessLog::to(move |record| drop(sender.send(record.clone())));
        config.page_deadline = wishes.deadline.unwrap_or(config.page_deadline);
        config.clock = wishes.clock.unwrap_or(config.clock);
        let bound = frontend::build(config).unwrap();
        let addresses = bound.addresses();
        let (trigger, shutdown) = Shutdown::manual();
        tokio::spawn(bound.run(shutdown));
        World {
            identity,
            metadata,
            upstream,
            address: addresses.public,
            metrics: addresses.metrics.unwrap(),
            records,
            _trigger: trigger,
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.address)
    }

    /// A browser in which the test user has signed in.
    pub(crate) async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let page = browser.sign_in(EMAIL, PASSWORD).await;
        assert_eq!((page.status, page.location()), (303, Some("/")), "{}", page.body);
        browser
    }
}

/// A value of `SESSION_KEYS`.
pub(crate) fn session_key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

/// An address at which nothing listens.
pub(crate) fn nowhere() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
