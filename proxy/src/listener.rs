//! Accepts connections on the plan's addresses; on a reload opens what is new and closes what is gone.

use std::net::SocketAddr;
use std::sync::Arc;

use chassis::accept::Acceptor;
use tokio::task::JoinHandle;

use crate::connection;
use crate::drain::Drain;
use crate::plan::Plan;
use crate::plan::listener::{Listener, ListenerKind};
use crate::runtime::Process;

/// A listener by what the documents say of it: the same one in every plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) server_port: u16,
    /// As asked for; its port may be 0.
    address: SocketAddr,
    pub(crate) tls: bool,
}

impl Place {
    fn of(listener: &Listener) -> Place {
        Place {
            server_port: listener.server_port,
            address: listener.address,
            tls: matches!(listener.kind, ListenerKind::Tls(_)),
        }
    }

    /// Whether this is that listener.
    pub(crate) fn is_of(&self, listener: &Listener) -> bool {
        *self == Place::of(listener)
    }
}

/// An open listener.
struct Open {
    place: Place,
    acceptor: Arc<Acceptor>,
    address: SocketAddr,
    task: Option<JoinHandle<()>>,
}

/// All open listeners.
pub(crate) struct Listeners {
    open: Vec<Open>,
    /// What each may have at a time; more wait in the kernel's queue.
    connections: usize,
}

/// Listeners that a plan adds, bound but not served yet.
pub(crate) struct Bound(Vec<Open>);

impl Listeners {
    /// None yet; each with so many connections at most.
    pub(crate) fn new(connections: usize) -> Listeners {
        Listeners {
            open: Vec::new(),
            connections,
        }
    }

    /// Binds what the plan has and we have not; on an error nothing has changed.
    pub(crate) fn bind(&self, plan: &Plan) -> anyhow::Result<Bound> {
        let places = plan.listeners.iter().map(Place::of);
        let new = places.filter(|place| !self.open.iter().any(|open| open.place == *place));
        let bound = new.map(|place| {
            let acceptor = self.successor(place).map_or_else(
                || Acceptor::bind(place.address, self.connections).map(Arc::new),
                Ok,
            )?;
            Ok(Open {
                place,
                address: acceptor.address()?,
                acceptor,
                task: None,
            })
        });
        Ok(Bound(bound.collect::<anyhow::Result<_>>()?))
    }

    /// A port that changes between plain and TLS keeps its socket.
    fn successor(&self, place: Place) -> Option<Arc<Acceptor>> {
        let same =
            |open: &&Open| open.place.address == place.address && open.place.server_port == place.server_port;
        self.open.iter().find(same).map(|open| open.acceptor.clone())
    }

    /// Serves what was bound, and stops listening where the plan no longer does.
    pub(crate) fn apply(&mut self, bound: Bound, plan: &Plan, process: &Arc<Process>, drain: &Drain) {
        self.open.retain(|open| {
            let stays = plan.listeners.iter().any(|listener| open.place.is_of(listener));
            if let (false, Some(task)) = (stays, &open.task) {
                task.abort();
            }
            stays
        });
        self.open.extend(bound.0);
        for open in self.open.iter_mut().filter(|open| open.task.is_none()) {
            let (acceptor, place) = (open.acceptor.clone(), open.place);
            let accepting = accept(acceptor, place, process.clone(), drain.clone());
            open.task = Some(tokio::spawn(accepting));
        }
    }

    /// Stops listening everywhere.
    pub(crate) fn close(&mut self) {
        for open in self.open.drain(..) {
            if let Some(task) = open.task {
                task.abort();
            }
        }
    }
}

impl Bound {
    /// The server's number in the documents, and where it really listens.
    pub(crate) fn addresses(&self) -> Vec<(u16, SocketAddr)> {
        self.0
            .iter()
            .map(|open| (open.place.server_port, open.address))
            .collect()
    }
}

/// Accepts for ever. A connection's handshake is made in a task of its own: nobody waits for it.
async fn accept(acceptor: Arc<Acceptor>, place: Place, process: Arc<Process>, drain: Drain) {
    loop {
        let (stream, remote, permit) = acceptor.accept().await;
        let (process, drain) = (process.clone(), drain.clone());
        tokio::spawn(async move {
            connection::serve(stream, remote, place, process, drain).await;
            drop(permit);
        });
    }
}
