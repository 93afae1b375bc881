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
//! the store is given up with everybody who waits for it. So are, a little later, a connection and a dial of which nothing is
//! heard because their runtime stands still.
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
use super::clock::{Bounds, Clock};
use super::driver::{Driver, Ends, Measured, Request, Socket, Why};
use super::wire::Reply;

/// How long a connection may take to be established, greetings included.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a call waits for a dial that follows a failure.
const GLANCE: Duration = Duration::from_millis(25);
/// A task that has been woken for so long and has not run is in a runtime that stands still.
const STILL: Duration = Duration::from_secs(1);
/// Requests that may wait to be taken before callers wait in turn.
const QUEUE: usize = 1024;
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
    since: Instant,
    /// Until when callers wait for it.
    until: Instant,
}

impl Dial {
    fn goes_on(&self) -> bool {
        self.outcome.has_changed().is_ok() && self.since.elapsed() < CONNECT + STILL
    }
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
    pub(super) ends: Ends,
    born: Instant,
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
            State::Up(wire) if !wire.is_lost() => return Ok(Ok(Arc::clone(wire))),
            State::Dialling(dial) if dial.goes_on() => return Ok(Err(dial.clone())),
            State::Closed => return Err(Fault::Closed),
            // Of one whose driver stands still nothing has been learnt of the server.
            State::Up(wire) if wire.ends.trouble.load(Relaxed) => self.inner.failed.store(true, Relaxed),
            State::Up(_) | State::Dialling(_) | State::Down => {}
        }
        let (report, outcome) = watch::channel(None);
        let wait = if self.inner.failed.load(Relaxed) {
            GLANCE
        } else {
            self.inner.patience
        };
        let since = Instant::now();
        let until = since + wait;
        let dial = Dial {
            outcome,
            since,
            until,
        };
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
            // Closed meanwhile, it stays closed; and somebody may have dialled again.
            match (&*state, &dialled) {
                (State::Dialling(_) | State::Down, Ok(wire)) => *state = State::Up(Arc::clone(wire)),
                (State::Dialling(dial), Err(_)) if report.subscribe().same_channel(&dial.outcome) => {
                    *state = State::Down;
                }
                _ => {}
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
            born: Instant::now(),
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
        if let Ok(place) = self.requests.reserve().await {
            // A failed exchange means that the driver has been woken before.
            let _ = self.ends.woken.compare_exchange(0, self.now(), Relaxed, Relaxed);
            place.send(request);
            if let Ok(replies) = told.await {
                return Ok(replies);
            }
        }
        let why = match self.ends.why.get() {
            Some(Why::Lost(why) | Why::Nonsense(why)) => why,
            None => "the connection is lost",
        };
        Err(Fault::Unreachable(why.to_owned()))
    }

    /// Whether it has been given up, or what drives it stands still.
    fn is_lost(&self) -> bool {
        let woken = self.ends.woken.load(Relaxed);
        let still = || Duration::from_millis(self.now().saturating_sub(woken)) >= STILL;
        self.requests.is_closed() || woken != 0 && still()
    }

    /// Milliseconds since it was made, from 1 on.
    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
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
}
