//! One record per request, written off the request's path.
//!
//! A record is made on the data path, sent through a bounded channel and turned into a JSON line by a
//! thread of its own: a slow reader of the log costs lines (which are counted), never latency. Not in a
//! record: the query, tokens, cookies, header values.

use std::convert::Infallible;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Records that may wait for the writer; more are dropped and counted.
const BACKLOG: usize = 4096;

/// How long records gather before they are written: one system call for all of them.
const GATHER: Duration = Duration::from_millis(5);

/// How long the end of the last clone waits for the records that are still on their way.
const FLUSH: Duration = Duration::from_secs(1);

/// What happened to one request at one hop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who writes: `frontend`, `proxy`, `gateway`, `backend`.
    pub service: String,
    /// The trace id, 32 hexadecimal digits: joins the hops of one request.
    pub trace: String,
    /// The method as sent.
    pub method: String,
    /// The Host, as sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The path without its query.
    pub path: String,
    /// The status of the answer; 0 when the client left before there was one.
    pub status: u16,
    /// From the complete request head to the end of the answer's body, in microseconds.
    pub micros: u64,
    /// Bytes of the answer's body.
    #[serde(default)]
    pub bytes: u64,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The verified identity of the calling service (a SPIFFE id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The verified user, `issuer/subject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The route that was chosen, by its document and name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The upstream that answered, `host:port` of the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// The address that the last attempt went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// From sending upstream to the answer's head over all attempts, in microseconds; to giving up, when
    /// there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_micros: Option<u64>,
    /// Attempts made upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Envoy's response flag, `UF` or `NR` for instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// What refused the request, by document and rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<String>,
    /// Why it failed, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Where records go. Cheap to clone. When the last clone is dropped, what was handed over is written
/// first, unless that takes more than a second: the request before a stop is the one asked about.
#[derive(Clone, Debug)]
pub struct AccessLog(Option<Arc<Channel>>);

#[derive(Debug)]
struct Channel {
    /// None only while it is dropped.
    sender: Option<SyncSender<Record>>,
    dropped: AtomicU64,
    /// Disconnected when the thread has ended.
    ended: Mutex<Receiver<Infallible>>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.sender = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(FLUSH);
    }
}

/// What the thread does with records.
trait Sink: Send + 'static {
    fn write(&mut self, record: &Record);

    /// No record is waiting.
    fn flush(&mut self);
}

impl AccessLog {
    /// Nowhere.
    pub fn off() -> AccessLog {
        AccessLog(None)
    }

    /// Lines of JSON on stdout.
    pub fn stdout() -> AccessLog {
        AccessLog::spawn(Lines::default())
    }

    /// To a function, called on a thread of its own.
    pub fn to(write: impl FnMut(&Record) + Send + 'static) -> AccessLog {
        AccessLog::spawn(Function(write))
    }

    fn spawn(mut sink: impl Sink) -> AccessLog {
        let (sender, receiver) = sync_channel(BACKLOG);
        let (end, ended) = sync_channel(0);
        let thread = std::thread::Builder::new().name("access-log".into());
        let run = move || {
            drain(&receiver, &mut sink);
            drop(end);
        };
        match thread.spawn(run) {
            Ok(_) => AccessLog(Some(Arc::new(Channel {
                sender: Some(sender),
                dropped: AtomicU64::new(0),
                ended: Mutex::new(ended),
            }))),
            Err(error) => {
                tracing::error!("no access log: its thread cannot be started: {error}");
                AccessLog::off()
            }
        }
    }

    /// Whether a record would go anywhere; who builds one asks first.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Hands a record over; never waits.
    pub fn write(&self, record: Record) {
        if let Some(channel) = &self.0
            && let Some(sender) = &channel.sender
            && sender.try_send(record).is_err()
        {
            channel.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records that were lost because the writer was slower than the requests.
    pub fn dropped(&self) -> u64 {
        self.0
            .as_ref()
            .map_or(0, |channel| channel.dropped.load(Ordering::Relaxed))
    }
}

/// Writes until every sender is gone, and flushes whenever it has caught up.
fn drain(records: &Receiver<Record>, sink: &mut impl Sink) {
    while let Ok(record) = records.recv() {
        sink.write(&record);
        // whoever sends while nobody waits wakes nobody: that costs more than the record itself
        std::thread::sleep(GATHER);
        for waiting in records.try_iter() {
            sink.write(&waiting);
        }
        sink.flush();
    }
}

/// Lines of JSON on stdout, several to a system call when several wait.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    waiting: Vec<u8>,
}

impl Sink for Lines {
    fn write(&mut self, record: &Record) {
        self.line.clear();
        if serde_json::to_writer(&mut self.line, record).is_err() {
            return;
        }
        self.line.push(b'\n');
        if self.waiting.len() + self.line.len() > ATOMIC {
            self.flush();
        }
        self.waiting.extend_from_slice(&self.line);
    }

    fn flush(&mut self) {
        // an error means that nobody reads any more: the records are lost, the requests are not
        let _ = std::io::stdout().lock().write_all(&self.waiting);
        self.waiting.clear();
    }
}

struct Function<F>(F);

impl<F: FnMut(&Record) + Send + 'static> Sink for Function<F> {
    fn write(&mut self, record: &Record) {
        (self.0)(record);
    }

    fn flush(&mut self) {}
}

/// Bytes that Linux writes into a pipe undivided (PIPE_BUF): several processes may share one stdout.
const ATOMIC: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_writer_costs_lines_and_never_waits() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let log = AccessLog::to(move |_| {
            let _ = wait.recv();
        });
        for _ in 0..BACKLOG + 10 {
            log.write(Record::default());
        }
        assert!(log.dropped() >= 9, "{}", log.dropped());
        drop(release);
    }

    #[test]
    fn what_was_handed_over_is_written_before_the_last_clone_is_gone() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let log = AccessLog::to(move |record| sender.send(record.status).unwrap());
        let clone = log.clone();
        for status in 0..1000 {
            log.write(Record {
                status,
                ..Record::default()
            });
        }
        drop(log);
        drop(clone);
        assert_eq!(receiver.try_iter().count(), 1000);
    }

    #[test]
    fn what_is_unknown_is_not_in_the_line() {
        let line = serde_json::to_string(&Record {
            status: 200,
            ..Record::default()
        })
        .unwrap();
        assert!(!line.contains("refused_by"), "{line}");
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap().status, 200);
    }
}
