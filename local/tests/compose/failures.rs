//! Containers that are killed and come back: the page says what is missing, and everything recovers by
//! itself. Names are looked up again: a container may return with another address.

use std::time::{Duration, Instant};

use crate::engine::System;
use crate::visitor::{MESSAGE, Visitor};

/// Who is on the way, and the word for it on the page that is shown without it.
const ON_THE_WAY: [(&str, &str); 4] = [
    ("backend", "backend"),
    ("gateway", "gateway"),
    ("proxy", "proxy"),
    ("front-door", "proxy"),
];
/// What a page may take, whoever is missing.
const PAGE: Duration = Duration::from_secs(5);
/// From the moment a service is healthy again.
const RECOVERY: Duration = Duration::from_secs(20);

#[tokio::test]
async fn every_service_is_killed_and_comes_back() {
    let system = System::start();
    let mut visitor = Visitor::of(system.page());
    visitor.sign_in().await;
    assert!(visitor.get("/").await.1.contains(MESSAGE));

    for (service, word) in ON_THE_WAY {
        system.kill(service);
        the_page_says_what_is_missing(&mut visitor, service, word).await;
        system.start_again(service);
        recovers(&mut visitor, service).await;
    }
    the_stand_ins_are_missed_by_nobody_who_is_signed_in(&system, &mut visitor).await;
    the_front_end_comes_back_to_its_sessions(&system, &mut visitor).await;
}

async fn the_page_says_what_is_missing(visitor: &mut Visitor, service: &str, word: &str) {
    let asked = Instant::now();
    let (status, page) = visitor.get("/").await;
    let took = asked.elapsed();
    assert!(
        (500..600).contains(&status),
        "without {service}: {status}\n{page}"
    );
    assert!(took < PAGE, "without {service} the page took {took:?}");
    assert!(
        page.contains(word),
        "without {service}: {word:?} is not on the page:\n{page}"
    );
}

/// A token is verified with keys, a service token is cached: neither needs anybody for a while.
async fn the_stand_ins_are_missed_by_nobody_who_is_signed_in(system: &System, visitor: &mut Visitor) {
    for service in ["identity", "metadata"] {
        system.kill(service);
        assert!(visitor.get("/").await.1.contains(MESSAGE), "without {service}");
        if service == "identity" {
            let fields = [("email", "shopper@acme.example"), ("password", "Acme-demo-2026")];
            let mut stranger = Visitor::of(system.page());
            assert_eq!(stranger.post("/sign-in", &fields).await.status(), 503);
        }
        system.start_again(service);
        recovers(visitor, service).await;
    }
}

/// Its session key is in a volume, so the cookie from before is as good as a new one.
async fn the_front_end_comes_back_to_its_sessions(system: &System, visitor: &mut Visitor) {
    system.kill("frontend");
    system.start_again("frontend");
    recovers(visitor, "frontend").await;
    let mut stranger = Visitor::of(system.page());
    stranger.sign_in().await;
    assert!(stranger.get("/").await.1.contains(MESSAGE));
}

/// Asks until the message is there again.
pub(crate) async fn recovers(visitor: &mut Visitor, service: &str) {
    let deadline = Instant::now() + RECOVERY;
    loop {
        // a kept connection to a front end that was killed ends without an answer
        let answer = visitor.try_get("/").await;
        if matches!(&answer, Ok((200, page)) if page.contains(MESSAGE)) {
            return;
        }
        assert!(Instant::now() < deadline, "{service} is back, but: {answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
