//! The end in good order.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{DEADLINE, Documents, exchange, upstream};

#[tokio::test]
async fn what_is_in_flight_is_finished_and_nothing_new_is_accepted() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let address = running.address;
    let request = "GET /slow HTTP/1.1\r\nhost: web.test\r\n\r\n"; // would keep its connection open
    let in_flight = tokio::spawn(exchange(address, request));
    tokio::time::sleep(Duration::from_millis(100)).await; // the request is on its way
    running.trigger.stop();
    let answer = in_flight.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    tokio::time::timeout(DEADLINE, running.task)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_connection_that_has_reached_its_age_ends_with_its_next_answer() {
    let documents = Documents::plain(upstream().await);
    let running = documents.start().await;
    let request = "GET /slow HTTP/1.1\r\nhost: web.test\r\n\r\n"; // would keep its connection open
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await; // the request is on its way
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(67 * 60)).await;
    tokio::time::resume();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}
