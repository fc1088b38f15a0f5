//! What answers at an address? The isolation tests ask, from where something must not be reachable.

use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

/// For the whole question.
const DEADLINE: Duration = Duration::from_secs(2);
/// Of an answer's body, this much is printed.
const BODY_BYTES: usize = 64 * 1024;

/// Prints the answer and exits with 0, or how it failed and 1.
pub(crate) fn run(target: &str) -> ExitCode {
    let answer = match target.contains("://") {
        true => http(target),
        false => connect(target),
    };
    let (text, code) = match answer {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(text) => (text, ExitCode::FAILURE),
    };
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    code
}

/// The name is looked up on a thread that may be left behind: the resolver has deadlines of its own.
fn connect(target: &str) -> Result<String, String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let name = target.to_owned();
    std::thread::spawn(move || {
        let _ = sender.send(name.to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    });
    let addresses = receiver
        .recv_timeout(DEADLINE)
        .map_err(|_| format!("{target}: no name within {DEADLINE:?}"))?
        .map_err(|error| format!("{target}: {error}"))?;
    let address = addresses.first().ok_or(format!("{target}: no address"))?;
    match TcpStream::connect_timeout(address, DEADLINE) {
        Ok(_) => Ok(format!("{target}: connected to {address}")),
        Err(error) => Err(format!("{target}: {error}")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn http(url: &str) -> Result<String, String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| crate::chain(&error))?;
    let ask = async {
        let mut response = client
            .get(url)
            .send()
            .await
            .map_err(|error| crate::chain(&error))?;
        let mut body = Vec::new();
        let head = format!("{:?} {}", response.version(), response.status());
        while let Some(chunk) = response.chunk().await.map_err(|error| crate::chain(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_BYTES {
                break;
            }
        }
        Ok(format!("{head}\n{}", String::from_utf8_lossy(&body)))
    };
    let answer = tokio::time::timeout(DEADLINE, ask).await;
    answer.unwrap_or_else(|_| Err(format!("{url}: no answer within {DEADLINE:?}")))
}
