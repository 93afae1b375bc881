//! The connection to one memcached server, and its replacement.
//!
//! Called by the commands of the store. Knows nothing of keys, entries or tokens, but keeps what these hang on: the
//! number of the connection, the server's time, and from when on what the server holds can be trusted.
//!
//! One pipelined connection carries everything. It is dialled when a call needs it and there is none, by a task of its
//! own: the callers wait for that one attempt together and may be dropped without stopping it. While a server is down
//! a dial is all that reaches for it, which makes it a breaker: a call waits for a dial that follows a failure for
//! [`GLANCE`] from its start, enough for a server that is back, and fails at once while it lasts longer, so that a
//! machine that swallows packets costs nobody more. A server that owes an answer and is silent for the patience of
//! the store is given up with everybody who waits for it.
//!
//! # What a server held while it could not be reached
//!
//! An invalidation that cannot reach a server is queued by the tier above and replayed, and until then this process
//! does not read that entry there. But a process that has died meanwhile replays nothing. So what a server held while
//! *this* process could not reach it is void for this process: at the first connection after a call or a dial had
//! failed, the server is asked for its counter of changes (the cas of an item stored for the purpose) and for its time.
//! What carries an older cas has not been written since, and neither has what was born more than a second earlier: the
//! second rule is for old entries that a reservation, which moves the cas, has made look new. What is void is a miss
//! whose token replaces it. A process that starts up trusts what it finds.
//!
//! Nothing is sent twice: a command whose answer is lost may have been carried out.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::address::Address;
use super::clock::{Bounds, Clock, Sample, local};
use super::driver::{Driver, Ends, Measured, Request, Socket, Why, second_of};
use super::wire::{self, Reply, Stored};

/// How long a connection may take to be established, greetings included.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a call waits for a dial that follows a failure.
const GLANCE: Duration = Duration::from_millis(25);
/// Requests that may wait to be taken before callers wait in turn.
const QUEUE: usize = 1024;
/// The item stored to see the server's counter. It is never there; no key of a value begins like this.
const PROBE: &str = "{cached-runtime}:probe";
/// The first release whose meta commands are what they are today.
const OLDEST: [u32; 3] = [1, 6, 10];
/// How much two clocks of a server may be apart, in milliseconds, right after they were set.
const APART: i64 = 1_000;

/// Why a server has not answered.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Not to be reached, or gone silent.
    Unreachable(String),
    /// Reached, and of no use.
    Unfit(String),
    Closed,
}

pub(super) struct Link {
    inner: Arc<Inner>,
}

struct Inner {
    address: Address,
    patience: Duration,
    state: Mutex<State>,
    /// A dial has failed, or somebody has gone without an answer, since the last connection was made.
    failed: AtomicBool,
    trust: Mutex<Trust>,
}

enum State {
    Down,
    Dialling(Dial),
    Up(Arc<Wire>),
    Closed,
}

#[derive(Clone)]
struct Dial {
    outcome: watch::Receiver<Outcome>,
    /// Until when callers wait for it.
    until: Instant,
}

/// What a dial has come to; `None` while it goes on.
type Outcome = Option<Result<Arc<Wire>, Fault>>;

/// From when on what a server holds counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trust {
    cas: u64,
    birth: i64,
}

impl Trust {
    pub(super) fn covers(self, cas: u64, birth: i64) -> bool {
        cas > self.cas && birth >= self.birth
    }
}

/// One established connection.
pub(super) struct Wire {
    /// No other connection of this process has it.
    pub(super) number: u64,
    pub(super) clock: Arc<Clock>,
    pub(super) trust: Trust,
    /// The largest item that the server takes, its key and its own bookkeeping included.
    pub(super) largest: usize,
    requests: mpsc::Sender<Request>,
    ends: Ends,
}

impl Link {
    pub(super) fn new(address: Address, patience: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                address,
                patience,
                state: Mutex::new(State::Down),
                failed: AtomicBool::new(false),
                trust: Mutex::default(),
            }),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.inner.address
    }

    /// Whether the last that was heard of this server is that it cannot be reached.
    pub(super) fn is_down(&self) -> bool {
        match &*self.inner.state() {
            State::Up(wire) => wire.requests.is_closed() && wire.ends.trouble.load(Relaxed),
            State::Down | State::Dialling(_) | State::Closed => self.inner.failed.load(Relaxed),
        }
    }

    /// The connection there is, if it is the one of this number.
    pub(super) fn wire_of(&self, number: u64) -> Option<Arc<Wire>> {
        match &*self.inner.state() {
            State::Up(wire) if wire.number == number => Some(Arc::clone(wire)),
            _ => None,
        }
    }

    /// Lets the connection go for good.
    pub(super) fn close(&self) {
        *self.inner.state() = State::Closed;
    }

    /// The connection, made if there is none.
    pub(super) async fn wire(&self) -> Result<Arc<Wire>, Fault> {
        // Twice, since the task that dials may end with its runtime while this caller lives in another.
        for _ in 0..2 {
            let mut dial = match self.current()? {
                Ok(wire) => return Ok(wire),
                Err(dial) => dial,
            };
            match timeout_at(dial.until, dial.outcome.wait_for(Option::is_some)).await {
                Err(_) => return Err(Fault::Unreachable("it has not been reached yet".to_owned())),
                Ok(Ok(outcome)) => {
                    if let Some(result) = outcome.as_ref() {
                        return result.clone();
                    }
                }
                Ok(Err(_)) => {}
            }
        }
        Err(Fault::Unreachable(
            "the runtime that was connecting has ended".to_owned(),
        ))
    }

    /// The connection there is, or the dial to wait for, begun here if need be.
    fn current(&self) -> Result<Result<Arc<Wire>, Dial>, Fault> {
        let mut state = self.inner.state();
        match &*state {
            State::Up(wire) if !wire.requests.is_closed() => return Ok(Ok(Arc::clone(wire))),
            State::Dialling(dial) if dial.outcome.has_changed().is_ok() => return Ok(Err(dial.clone())),
            State::Closed => return Err(Fault::Closed),
            State::Up(wire) if wire.ends.trouble.load(Relaxed) => self.inner.failed.store(true, Relaxed),
            State::Up(_) | State::Dialling(_) | State::Down => {}
        }
        let (report, outcome) = watch::channel(None);
        let wait = if self.inner.failed.load(Relaxed) {
            GLANCE
        } else {
            self.inner.patience
        };
        let until = Instant::now() + wait;
        let dial = Dial { outcome, until };
        *state = State::Dialling(dial.clone());
        drop(state);
        tokio::spawn(Arc::clone(&self.inner).connect(report));
        Ok(Err(dial))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced whole, so a panic elsewhere cannot have left it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(self: Arc<Self>, report: watch::Sender<Outcome>) {
        let dialled = match timeout(CONNECT, self.dial()).await {
            Ok(dialled) => dialled,
            Err(_) => Err(Fault::Unreachable(format!("no connection within {CONNECT:?}"))),
        };
        if let Err(fault) = &dialled {
            tracing::debug!(server = %self.address, ?fault, "a memcached server cannot be reached");
        }
        self.failed.store(dialled.is_err(), Relaxed);
        {
            let mut state = self.state();
            // Closed meanwhile, it stays closed.
            if let State::Dialling(_) = &*state {
                *state = dialled
                    .as_ref()
                    .map_or(State::Down, |wire| State::Up(Arc::clone(wire)));
            }
        }
        report.send_replace(Some(dialled));
    }

    async fn dial(&self) -> Result<Arc<Wire>, Fault> {
        let unreachable = |error: std::io::Error| Fault::Unreachable(error.to_string());
        let socket: Box<dyn Socket> = match &self.address {
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port))
                    .await
                    .map_err(unreachable)?;
                // A look-up is one small packet that somebody waits for.
                stream.set_nodelay(true).map_err(unreachable)?;
                Box::new(stream)
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await.map_err(unreachable)?),
        };
        let (requests, taken) = mpsc::channel(QUEUE);
        let (measure, measured) = oneshot::channel();
        let ends = Ends::default();
        tokio::spawn(Driver::new(socket, taken, measured, self.patience, ends.clone()));
        let mut wire = Wire {
            number: fastrand::u64(1..),
            clock: Arc::new(Clock::new(&Bounds::default())),
            trust: Trust::default(),
            largest: usize::MAX,
            requests,
            ends,
        };
        let greeting = wire.greet().await?;
        wire.largest = greeting.largest;
        wire.clock.set(&greeting.bounds);
        wire.trust = self.trust(greeting.cas, wire.clock.now());
        let clock = Arc::clone(&wire.clock);
        let _ = measure.send(Measured {
            clock,
            bounds: greeting.bounds,
        });
        Ok(Arc::new(wire))
    }

    /// From when on what is there counts, as seen by a connection that was made just now.
    fn trust(&self, cas: u64, now: i64) -> Trust {
        let mut trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        if self.failed.load(Relaxed) {
            *trust = Trust {
                cas,
                birth: now - APART,
            };
        } else if cas < trust.cas {
            // Another server: its counter is younger, and it holds nothing of the former's.
            *trust = Trust::default();
        }
        *trust
    }
}

/// What a server says of itself.
struct Greeting {
    bounds: Bounds,
    largest: usize,
    cas: u64,
}

impl Wire {
    /// Sends commands and returns their replies, as many as are said to come.
    ///
    /// Dropping the future leaves the connection usable; whether the commands are carried out is then unknown.
    pub(super) async fn ask(&self, bytes: Vec<u8>, replies: usize) -> Result<Vec<Reply>, Fault> {
        let (answer, told) = oneshot::channel();
        let request = Request {
            bytes,
            replies,
            answer,
        };
        if self.requests.send(request).await.is_ok()
            && let Ok(replies) = told.await
        {
            return Ok(replies);
        }
        let why = match self.ends.why.get() {
            Some(Why::Lost(why) | Why::Nonsense(why)) => why,
            None => "the connection is lost",
        };
        Err(Fault::Unreachable(why.to_owned()))
    }

    /// Learns what has to be known of a server, in one round trip.
    async fn greet(&self) -> Result<Greeting, Fault> {
        let mut bytes = Vec::new();
        for word in ["version", "stats settings", "stats"] {
            wire::word(&mut bytes, word);
        }
        let probe = Stored {
            until: -1,
            ..Stored::default()
        };
        wire::store(&mut bytes, PROBE, &[], &probe);
        let asked = local();
        let replies = self
            .ask(bytes, 4)
            .await
            .map_err(|fault| match self.ends.why.get() {
                // It has answered, if not as it should.
                Some(Why::Nonsense(why)) => Fault::Unfit(why.clone()),
                _ => fault,
            })?;
        let told = local();
        let [Reply::Version(version), Reply::Report(settings), report, probe] = &replies[..] else {
            return Err(Fault::Unfit(format!(
                "it does not say what it is, but {replies:?}"
            )));
        };
        check_version(version)?;
        let Some(second) = second_of(report) else {
            return Err(Fault::Unfit("it does not tell its time".to_owned()));
        };
        let cas = match probe {
            Reply::Done(item) if item.cas != 0 => item.cas,
            _ => {
                return Err(Fault::Unfit(
                    "it counts no changes: start it without -C".to_owned(),
                ));
            }
        };
        let largest = settings
            .iter()
            .find_map(|line| line.strip_prefix("item_size_max ")?.parse().ok());
        Ok(Greeting {
            bounds: Bounds::of(Sample { asked, told, second }),
            largest: largest.unwrap_or(usize::MAX),
            cas,
        })
    }
}

/// Refuses a server that is known to be too old; one that calls itself something else is taken at its word.
fn check_version(version: &str) -> Result<(), Fault> {
    let numbers: Vec<u32> = version
        .split(['.', '-', '_'])
        .map_while(|number| number.parse().ok())
        .collect();
    if numbers.len() >= 3 && numbers[..] < OLDEST[..] {
        return Err(Fault::Unfit(format!(
            "it is memcached {version}, and 1.6.10 is the oldest that serves"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_return_of_a_server_does_not_count() {
        let trust = Trust {
            cas: 100,
            birth: 5_000,
        };
        assert!(trust.covers(101, 5_000));
        assert!(!trust.covers(100, 9_000), "not written since");
        assert!(
            !trust.covers(101, 4_999),
            "old, and made to look new by a reservation"
        );
        assert!(Trust::default().covers(1, 0));
    }

    #[test]
    fn servers_that_are_too_old_are_told_by_their_version() {
        for version in [
            "1.6.10",
            "1.6.18",
            "1.7.0",
            "2.0.0-beta1",
            "1.6.38_1",
            "something else",
            "",
        ] {
            assert!(check_version(version).is_ok(), "{version}");
        }
        for version in ["1.4.39", "1.5.22", "1.6.9", "1.6.0-rc1"] {
            assert!(check_version(version).is_err(), "{version}");
        }
    }
}
