//! The upstreams of the recorded documents: they answer as `x-up` asks and remember what they saw.

mod http1;
mod http2;
mod oddities;
mod plan;
mod tls;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::answer::{Seen, SeenTls, body};
use crate::material::Material;
use crate::ports::Ports;
use plan::Plan;

/// All upstreams of one case. They stop when this is dropped.
pub(crate) struct Upstreams {
    log: Arc<Log>,
    _tasks: JoinSet<()>,
}

/// The recorded ports of the upstreams; on 31923 nothing listens.
pub(crate) const PORTS: [u16; 15] = [
    31901, 31902, 31903, 31904, 31905, 31911, 31912, 31913, 31914, 31915, 31921, 31922, 31923, 31924, 31800,
];

impl Upstreams {
    pub(crate) fn start(ports: &mut Ports, material: &Arc<Material>) -> io::Result<Self> {
        let log = Arc::new(Log::default());
        let mut tasks = JoinSet::new();
        for (port, name) in [
            (31901, "a"),
            (31902, "b"),
            (31903, "c"),
            (31904, "d"),
            (31905, "e"),
        ] {
            let log = Arc::clone(&log);
            accept(&mut tasks, ports.listen(port)?, move |stream| {
                serve(stream, name, None, Arc::clone(&log))
            });
        }
        for secure in tls::UPSTREAMS {
            let listener = ports.listen(secure.port)?;
            let (log, configs) = (Arc::clone(&log), Arc::new(tls::Configs::new(&secure, material)?));
            accept(&mut tasks, listener, move |stream| {
                let (log, configs) = (Arc::clone(&log), Arc::clone(&configs));
                async move {
                    let (stream, seen) = configs.accept(stream).await?;
                    serve(stream, secure.name, Some(seen), log).await
                }
            });
        }
        accept(&mut tasks, ports.listen(31921)?, oddities::close);
        accept(&mut tasks, ports.listen(31922)?, oddities::keep_silent);
        accept(&mut tasks, ports.listen(31924)?, oddities::talk_garbage);
        let (listener, own_port) = (ports.listen(31800)?, ports.actual(31800));
        let material = Arc::clone(material);
        accept(&mut tasks, listener, move |stream| {
            oddities::serve_keys(stream, Arc::clone(&material), own_port)
        });
        Ok(Self { log, _tasks: tasks })
    }

    /// What was seen of a request since the last time, attempt by attempt.
    pub(crate) fn take(&self, case: &str) -> Vec<Seen> {
        self.log
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(case)
            .unwrap_or_default()
    }
}

/// One task per connection, all ended with the listener's.
fn accept<F>(
    tasks: &mut JoinSet<()>,
    listener: TcpListener,
    mut serve: impl FnMut(TcpStream) -> F + Send + 'static,
) where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => {
                    let connection = serve(stream);
                    // a connection that fails is the gateway's doing, and shows in what it answers
                    connections.spawn(async { let _ = connection.await; });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    });
}

/// HTTP/2 when its preface comes first, else HTTP/1.1, whatever ALPN said.
async fn serve<S>(stream: S, name: &'static str, tls: Option<SeenTls>, log: Arc<Log>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut read, write) = tokio::io::split(stream);
    let mut start = [0; 3];
    read.read_exact(&mut start).await?;
    let read = io::Cursor::new(start).chain(read);
    let upstream = Upstream { name, tls, log };
    if &start == b"PRI" {
        http2::serve(upstream, tokio::io::join(read, write)).await
    } else {
        http1::serve(upstream, read, write).await
    }
}

/// An upstream on one of its connections.
#[derive(Clone)]
struct Upstream {
    name: &'static str,
    tls: Option<SeenTls>,
    log: Arc<Log>,
}

/// What the upstreams saw, by the request's `x-case`.
#[derive(Default)]
struct Log(Mutex<HashMap<String, Vec<Seen>>>);

impl Upstream {
    /// Remembers a request and tells what to do with it.
    fn note(
        &self,
        http: &str,
        method: &str,
        target: &str,
        headers: Vec<(String, String)>,
        content: &[u8],
    ) -> Plan {
        let value = |name: &str| {
            headers
                .iter()
                .find(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.clone())
        };
        let (case, steps) = (
            value("x-case").unwrap_or_default(),
            value("x-up").unwrap_or_default(),
        );
        let seen = Seen {
            upstream: self.name.to_owned(),
            http: http.to_owned(),
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: (!content.is_empty()).then(|| body(content, LONGEST_BODY_RECORDED)),
            tls: self.tls.clone(),
        };
        let attempt = {
            let mut log = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
            let attempts = log.entry(case).or_default();
            attempts.push(seen);
            attempts.len()
        };
        Plan::parse(&steps, self.name, attempt)
    }
}

const LONGEST_BODY_RECORDED: usize = 200;
