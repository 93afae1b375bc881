//! The connections to one database.
//!
//! Called by the store with one statement at a time. Knows nothing of what statements say.
//!
//! Why not the driver's own pool: it asks every connection whether it lives, with a round trip, each time one is given
//! back; it goes on trying for as long as a caller waits where a server refuses connections, and then says only that
//! time ran out; and it panics where a connection is dropped outside of a runtime. Measured with PostgreSQL on the same two
//! cores, look-ups per second from 1 and 32 tasks: 2,400 and 10,800 by that pool as it comes, 9,600 and 20,500 without its
//! test before each use, 7,100 and 42,400 by the store on this one.
//!
//! Here a connection is dialled when a call finds none idle, by a task of its own, so that a handshake slower than the
//! caller's patience still ends in a connection. It is given up when
//! * an answer leaves it in doubt, or does not come for [`ANSWER`];
//! * the call that uses it is dropped half way (not with SQLite, whose connections are threads);
//! * it has rested for [`RESTED`] and no longer answers: only then is it asked;
//! * it has lived for [`LIFE`], so that a name that now leads elsewhere is followed.
//!
//! Nothing is sent twice. A statement runs in a task of its own, so that a caller who is kept and not polled has neither a
//! connection nor the turn to write; one who is dropped takes his work along. That costs a seventh of the
//! look-ups from 32 tasks with PostgreSQL, and nothing that could be measured from one, or with SQLite.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::aside::aside;
use super::fault;
use super::wire::{Kept, Row, Statement, Wire};
use crate::BoxFuture;

/// How long a connection may take to be established, greetings included.
const CONNECT: Duration = Duration::from_secs(1);
/// How long an answer may take before its connection is given up. Callers have less patience; sweeps and replays of
/// removals have more.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a connection may lie idle and be used unasked.
const RESTED: Duration = Duration::from_secs(1);
/// How old a connection may become.
const LIFE: Duration = Duration::from_secs(30 * 60);

/// The connections, whatever database they lead to.
pub(super) trait Link: Send + Sync {
    /// Runs a statement that answers with rows.
    fn rows<'a>(&'a self, statement: &'a Statement<'a>) -> BoxFuture<'a, sqlx::Result<Vec<Row>>>;

    /// Runs one that does not; says how many rows were changed.
    fn run<'a>(&'a self, statement: &'a Statement<'a>) -> BoxFuture<'a, sqlx::Result<u64>>;

    /// Runs one that makes tables.
    fn script<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, sqlx::Result<()>>;

    /// Lets every connection go for good; those in use, when they are given back.
    fn close(&self) -> BoxFuture<'_, ()>;
}

pub(super) struct Pool<W: Wire>(Arc<Inner<W>>);

struct Inner<W: Wire> {
    options: W::Options,
    idle: Mutex<Vec<Idle<W>>>,
    /// One for each connection there may be.
    seats: Arc<Semaphore>,
    /// Who writes, where only one may.
    writer: Arc<Semaphore>,
}

struct Idle<W> {
    wire: W,
    born: Instant,
    since: Instant,
}

/// A connection in use, or the right to one. Dropping it gives it back, or up.
struct Held<W: Wire> {
    wire: Option<W>,
    born: Instant,
    state: State,
    pool: Arc<Inner<W>>,
    _seat: OwnedSemaphorePermit,
    _turn: Option<OwnedSemaphorePermit>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was asked, or all that was asked is answered.
    Sound,
    /// An answer is due.
    Asked,
    /// It is not to be used again.
    Broken,
}

impl<W: Wire> Pool<W> {
    /// At most `size` connections, none of them made yet.
    pub(super) fn new(options: W::Options, size: usize) -> Self {
        Self(Arc::new(Inner {
            options,
            idle: Mutex::default(),
            seats: Arc::new(Semaphore::new(size.clamp(1, Semaphore::MAX_PERMITS))),
            writer: Arc::new(Semaphore::new(1)),
        }))
    }
}

impl<W: Wire> Link for Pool<W>
where
    W::Options: Send + Sync,
{
    fn rows<'a>(&'a self, statement: &'a Statement<'a>) -> BoxFuture<'a, sqlx::Result<Vec<Row>>> {
        let (pool, statement) = (Arc::clone(&self.0), Kept::of(statement));
        Box::pin(in_task(async move {
            let statement = statement.lend();
            let mut held = pool.hold(statement.writes).await?;
            let rows = timed(ANSWER, held.ask()?.rows(&statement)).await;
            held.answered(&rows);
            rows
        }))
    }

    fn run<'a>(&'a self, statement: &'a Statement<'a>) -> BoxFuture<'a, sqlx::Result<u64>> {
        let (pool, statement) = (Arc::clone(&self.0), Kept::of(statement));
        Box::pin(in_task(async move {
            let statement = statement.lend();
            let mut held = pool.hold(statement.writes).await?;
            let changed = timed(ANSWER, held.ask()?.run(&statement)).await;
            held.answered(&changed);
            changed
        }))
    }

    fn script<'a>(&'a self, sql: &'a str) -> BoxFuture<'a, sqlx::Result<()>> {
        let (pool, sql) = (Arc::clone(&self.0), sql.to_owned());
        Box::pin(in_task(async move {
            let mut held = pool.hold(true).await?;
            let done = timed(ANSWER, held.ask()?.script(&sql)).await;
            held.answered(&done);
            done
        }))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        let idle = {
            let mut idle = self.0.idle();
            self.0.seats.close();
            self.0.writer.close();
            std::mem::take(&mut *idle)
        };
        Box::pin(async move {
            for Idle { wire, .. } in idle {
                // A farewell that fails is one all the same.
                let _ = timed(CONNECT, wire.close()).await;
            }
        })
    }
}

async fn in_task<T: Send + 'static>(
    work: impl Future<Output = sqlx::Result<T>> + Send + 'static,
) -> sqlx::Result<T> {
    aside(work).await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

async fn timed<T>(patience: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
    timeout(patience, work).await.unwrap_or_else(|_| Err(late()))
}

impl<W: Wire> Inner<W> {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle<W>>> {
        // A list is whole between any two of its operations.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hold(self: &Arc<Self>, writes: bool) -> sqlx::Result<Held<W>> {
        // Before the seat, so that those who wait to write keep no reader from a connection.
        let turn = if writes && W::ONE_WRITER {
            Some(permit(&self.writer).await?)
        } else {
            None
        };
        let mut held = Held {
            wire: None,
            born: Instant::now(),
            state: State::Broken,
            pool: Arc::clone(self),
            _seat: permit(&self.seats).await?,
            _turn: turn,
        };
        loop {
            // The one used last, so that those not needed grow old. Taken on a line of its own, and the lock with it.
            let idle = self.idle().pop();
            let Some(idle) = idle else {
                return held.dial().await;
            };
            if idle.born.elapsed() > LIFE && !W::OUTLIVES_DROPS {
                continue;
            }
            let rested = idle.since.elapsed() > RESTED;
            held.born = idle.born;
            held.wire = Some(idle.wire);
            held.state = State::Sound;
            if !rested {
                return Ok(held);
            }
            if timed(CONNECT, held.ask()?.ping()).await.is_ok() {
                held.state = State::Sound;
                return Ok(held);
            }
            held.state = State::Broken;
        }
    }
}

async fn permit(of: &Arc<Semaphore>) -> sqlx::Result<OwnedSemaphorePermit> {
    let permit = Arc::clone(of).acquire_owned().await;
    permit.map_err(|_| sqlx::Error::PoolClosed)
}

impl<W: Wire> Held<W>
where
    W::Options: Send + Sync,
{
    /// Makes a connection. The task that does so holds the seat, so there are never more of them than seats.
    async fn dial(mut self) -> sqlx::Result<Self> {
        let (report, outcome) = oneshot::channel();
        tokio::spawn(async move {
            let dialled = timed(CONNECT, async {
                let mut wire = W::connect_with(&self.pool.options).await?;
                wire.make_ready().await?;
                Ok(wire)
            });
            let held = dialled.await.map(|wire| {
                self.wire = Some(wire);
                self.state = State::Sound;
                self.born = Instant::now();
                self
            });
            // If nobody waits any more, the connection is given back like any other.
            drop(report.send(held));
        });
        outcome.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

impl<W: Wire> Held<W> {
    /// The connection, for one question.
    fn ask(&mut self) -> sqlx::Result<&mut W> {
        self.state = State::Asked;
        self.wire.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    fn answered<T>(&mut self, answer: &sqlx::Result<T>) {
        self.state = match answer {
            Err(error) if fault::breaks::<W>(error) => State::Broken,
            _ => State::Sound,
        };
    }
}

impl<W: Wire> Drop for Held<W> {
    fn drop(&mut self) {
        let Some(wire) = self.wire.take() else { return };
        if self.state == State::Broken || self.state == State::Asked && !W::OUTLIVES_DROPS {
            return;
        }
        let mut idle = self.pool.idle();
        if !self.pool.seats.is_closed() {
            idle.push(Idle {
                wire,
                born: self.born,
                since: Instant::now(),
            });
        }
    }
}
