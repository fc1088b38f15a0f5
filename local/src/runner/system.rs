//! Everything that runs, and what its user is told of it: events in, lines out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chassis::access::Record;
use chassis::shutdown::Shutdown;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::child::{Child, Event, What};
use super::requests::{self, Requests};
use super::terminal::{self, say};
use crate::files;
use crate::part::Part;
use crate::report::{Endpoints, Line, Report};
use crate::topology::{Places, Settings};

/// After this time the terminal says who is not ready, and goes on waiting.
const PATIENCE: Duration = Duration::from_secs(10);
/// Until then a part that ends has not started, and the whole start is off.
const START: Duration = Duration::from_secs(30);
/// Events that may wait for the terminal; the parts' pipes hold the rest.
const BACKLOG: usize = 1024;

/// Everything that runs.
pub(super) struct System {
    settings: Settings,
    places: Places,
    without: Vec<Part>,
    began: Instant,
    /// In the order in which they were started.
    children: Vec<Child>,
    events: mpsc::Receiver<Event>,
    endpoints: Endpoints,
    ready: BTreeSet<Part>,
    ended: BTreeSet<Part>,
    requests: Requests,
    said: Said,
}

/// What the terminal has been told already.
#[derive(Default)]
struct Said {
    table: bool,
    ready: bool,
    waiting: bool,
}

/// The proxy's own question whether the gateway admits its certificate: nobody's request.
fn is_probe(record: &Record) -> bool {
    record.service == Part::Gateway.name() && record.method == "HEAD" && record.path == "/"
}

impl System {
    /// Starts every part that is not left out.
    pub(super) fn start(
        settings: Settings,
        places: Places,
        without: &[Part],
        began: Instant,
    ) -> Result<System> {
        let (sender, events) = mpsc::channel(BACKLOG);
        let mut children = Vec::new();
        for part in settings.topology.parts() {
            if !without.contains(part) {
                children.push(Child::spawn(*part, &places, sender.clone())?);
            }
        }
        let mut endpoints = Endpoints::new();
        for part in without {
            endpoints.extend(settings.endpoints(*part));
        }
        Ok(System {
            requests: Requests::new(settings.topology),
            settings,
            places,
            without: without.to_vec(),
            began,
            children,
            events,
            endpoints,
            ready: BTreeSet::new(),
            ended: BTreeSet::new(),
            said: Said::default(),
        })
    }

    /// Shows what happens until a stop is asked for. An error is a start that failed.
    pub(super) async fn watch(&mut self, shutdown: &Shutdown) -> Result<()> {
        let mut tick = tokio::time::interval(requests::TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let watching = self.requests.are_pending() || !(self.said.ready || self.said.waiting);
            tokio::select! {
                () = shutdown.requested() => return Ok(()),
                Some(event) = self.events.recv() => self.on_event(event)?,
                _ = tick.tick(), if watching => self.on_tick(),
            }
        }
    }

    fn on_event(&mut self, Event { part, what }: Event) -> Result<()> {
        match what {
            What::Line(Line::Report(Report::Addresses { addresses })) => {
                self.endpoints.extend(addresses);
                self.show_table()?;
            }
            What::Line(Line::Report(Report::Ready)) => {
                self.ready.insert(part);
                self.show_ready();
            }
            What::Line(Line::Report(Report::Failed { lines })) => {
                bail!(
                    lines
                        .iter()
                        .map(|line| format!("{}: {line}", part.name()))
                        .collect::<Vec<_>>()
                        .join("\n")
                );
            }
            What::Line(Line::Record(record)) if is_probe(&record) => {}
            What::Line(Line::Record(record)) => self.requests.add(*record),
            What::Line(Line::Text(text)) => say(&format!("{}: {text}", part.name())),
            What::Ended(how) => return self.on_end(part, &how),
        }
        Ok(())
    }

    /// Before the whole is ready, a part that ends is a start that failed; afterwards it is news.
    fn on_end(&mut self, part: Part, how: &str) -> Result<()> {
        let starting = !self.said.ready && self.began.elapsed() < START;
        if starting && !self.ready.contains(&part) {
            bail!("{} ended before it was ready: {how}", part.name());
        }
        say(&terminal::ended(part, how, &self.places));
        self.ended.insert(part);
        self.show_ready();
        Ok(())
    }

    fn on_tick(&mut self) {
        for line in self.requests.due() {
            say(&line);
        }
        if !self.said.ready && !self.said.waiting && self.began.elapsed() > PATIENCE {
            self.said.waiting = true;
            say(&terminal::not_ready(&self.missing(), PATIENCE));
        }
    }

    /// The table, once every part has told where it listens. Files are written before anyone can read
    /// of it on the terminal.
    fn show_table(&mut self) -> Result<()> {
        let bound = |child: &Child| self.endpoints.contains_key(child.part.name());
        if self.said.table || !self.children.iter().all(bound) {
            return Ok(());
        }
        self.said.table = true;
        let json = serde_json::to_vec_pretty(&self.endpoints)?;
        files::write(&self.places.state.join("endpoints.json"), &json, files::PUBLIC)?;
        let pids: BTreeMap<Part, u32> = self
            .children
            .iter()
            .map(|child| (child.part, child.pid))
            .collect();
        say(&terminal::table(&self.settings, &self.endpoints, &pids));
        for part in &self.without {
            say(&terminal::left_out(*part, &self.settings, &self.places));
        }
        Ok(())
    }

    fn show_ready(&mut self) {
        if !self.said.ready && self.said.table && self.missing().is_empty() {
            self.said.ready = true;
            say(&terminal::ready(
                &self.settings,
                &self.places,
                self.began.elapsed(),
            ));
        }
    }

    /// Parts that run and are not ready yet.
    fn missing(&self) -> Vec<Part> {
        let parts = self.children.iter().map(|child| child.part);
        parts
            .filter(|part| !self.ready.contains(part) && !self.ended.contains(part))
            .collect()
    }

    /// In reverse order: who asks is gone before who answers. A second Ctrl-C kills what is left.
    pub(super) async fn stop(mut self) {
        let Ok(again) = Shutdown::on_signals() else { return };
        let stop = async {
            while let Some(child) = self.children.pop() {
                child.stop().await;
            }
        };
        // events must go on being read, or a part could block on its pipe while it stops
        let read = async { while self.events.recv().await.is_some() {} };
        tokio::select! {
            () = stop => {},
            () = again.requested() => {},
            () = async { read.await; std::future::pending().await } => {},
        }
    }
}
