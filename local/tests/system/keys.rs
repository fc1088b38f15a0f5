//! Identity Platform signs with another key: the front end and the gateway learn of it, and nobody is signed out.

use serde_json::json;

use crate::callers;
use crate::harness::System;
use crate::visitor::{MESSAGE, Visitor};

#[tokio::test]
async fn a_key_that_nobody_has_seen_is_fetched_and_the_old_one_stays_good() {
    let system = System::start(&[]).await;
    let mut before = Visitor::of(system.url("frontend"));
    before.sign_in().await;
    assert!(before.get("/").await.1.contains(MESSAGE));

    let rotate = format!("{}/emulator/v1/keys:rotate", system.url("identity"));
    let fresh = callers::client().build().unwrap().post(rotate);
    let fresh = fresh.json(&json!({ "fresh": true })).send().await.unwrap();
    assert_eq!(fresh.status(), 200);
    let mut after = Visitor::of(system.url("frontend"));
    after.sign_in().await;
    for visitor in [&mut after, &mut before] {
        let (status, page) = visitor.get("/").await;
        assert!(status == 200 && page.contains(MESSAGE), "{status} {page}");
    }
}
