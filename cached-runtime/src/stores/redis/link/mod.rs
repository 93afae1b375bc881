//! The connection to a Redis server, and its replacement.
//!
//! Called by the commands of the store. Knows nothing of keys, leases or values. Where the server is to be found at the
//! moment is told by an address or by sentinels.
//!
//! One multiplexed connection carries everything. It is dialled when a call needs it and there is none, by a task of
//! its own: the callers wait for that one attempt together, share its outcome, and may be dropped without stopping it,
//! so that a handshake slower than a caller's patience still ends in a connection. A dial that has not ended when it should
//! have, because its runtime stands still, is waited for by nobody who comes later. While the server is down each call
//! costs one refused connect and fails at once; the first call after its return is served.
//!
//! A connection is given up when
//! * the server hangs up, or the runtime that drove it ends: told by the client dropping its push sender;
//! * a command fails in a way that leaves the stream in doubt, or is not answered for [`ANSWER`];
//! * nothing has been answered for [`ANSWER`] although something was asked: callers with less patience than that are
//!   dropped before they could see a time-out, so it is noticed at the next call;
//! * the sentinels that led to the server, if any did, name another one.
//!
//! Nothing is sent twice: a command whose answer is lost may have been carried out, and a second `put` could undo an
//! invalidation that came between. Only a look-up is, which changes nothing that anybody relies on: it goes over a
//! [`Lane`] where there is one, and where that turns out to be dead, over the shared connection. Lanes live no longer than the connection
//! beside which they were made, so whatever is noticed about that one is heeded by them too.

mod lanes;
mod waits;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use self::lanes::Kept;
pub(super) use self::waits::Waits;
use super::dial::Dialled;
use super::leases::remove;
use super::place::Place;
use super::recent::{Mark, Recent};
use super::request::Request;

/// How long a connection may take to be established, greetings included.
pub(super) const CONNECT: Duration = Duration::from_secs(1);
/// A dial that goes on for longer is not waited for by those who come then. The task that dials may not run; and where it
/// takes so long indeed, two at a time do no harm.
const DIALLED: Duration = Duration::from_millis(1_500);
/// How long an answer may take before its connection is taken for dead.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// Between two looks at whether the server is still where it was, if that may change.
const WATCH: Duration = Duration::from_millis(500);

pub(super) struct Link {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    /// Where another server may take over.
    recent: Option<Recent>,
    state: Mutex<State>,
    /// Those that nobody uses at the moment.
    lanes: Mutex<Vec<Kept>>,
    born: Instant,
}

enum State {
    Down,
    Dialling(Dialling),
    Up(Arc<Wire>),
    Closed,
}

#[derive(Clone)]
struct Dialling {
    outcome: watch::Receiver<Outcome>,
    since: Instant,
}

/// What a dial has come to; `None` while it goes on.
type Outcome = Option<RedisResult<Arc<Wire>>>;

/// One established connection.
struct Wire {
    connection: MultiplexedConnection,
    /// How the server was reached.
    client: Client,
    lost: Arc<AtomicBool>,
    /// What drives it, and the lanes beside it.
    runtime: Handle,
    /// There can be no lanes beside it.
    laneless: AtomicBool,
    /// One is being made.
    dialling_lane: AtomicBool,
    /// When the oldest question was asked since the last answer, in milliseconds of [`Inner::now`]; 0 for none.
    asked: AtomicU64,
}

impl Link {
    pub(super) fn new(place: Place) -> Self {
        Self {
            inner: Arc::new(Inner {
                recent: place.can_change().then(Recent::default),
                place,
                state: Mutex::new(State::Down),
                lanes: Mutex::default(),
                born: Instant::now(),
            }),
        }
    }

    /// Makes sure that there is a connection, or says why there is none.
    pub(super) async fn establish(&self) -> RedisResult<()> {
        if !self.inner.place.can_change() {
            return self.wire().await.map(|_| ());
        }
        // Several are asked, each with a patience of its own.
        let late = |_| RedisError::from((ErrorKind::Io, "no server has answered yet"));
        timeout(CONNECT, self.wire()).await.map_err(late)?.map(|_| ())
    }

    /// Sends one command and returns its answer; an error answer is an error.
    ///
    /// Dropping the future leaves the connection usable; whether the command is carried out is then unknown.
    pub(super) async fn run(&self, command: &Cmd) -> RedisResult<Value> {
        self.run_over(&*self.wire().await?, command).await
    }

    /// Sends commands in one journey and returns the answers of all, errors among them.
    pub(super) async fn run_all(&self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let wire = self.wire().await?;
        self.run_all_over(&wire, commands).await
    }

    async fn run_all_over(&self, wire: &Wire, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let mut connection = wire.connection.clone();
        let answers = connection.send_packed_commands(commands, 0, commands.len());
        self.watch_over(wire, answers).await
    }

    async fn run_over(&self, wire: &Wire, command: &Cmd) -> RedisResult<Value> {
        let mut connection = wire.connection.clone();
        self.watch_over(wire, command.query_async::<Value>(&mut connection))
            .await
    }

    async fn watch_over<T>(
        &self,
        wire: &Wire,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> RedisResult<T> {
        // A failed exchange means that an older question is still open, which then remains the oldest.
        let _ = wire.asked.compare_exchange(0, self.inner.now(), Relaxed, Relaxed);
        let answer = answer.await;
        match &answer {
            Err(error) if in_doubt(error) => wire.lost.store(true, Relaxed),
            _ => wire.asked.store(0, Relaxed),
        }
        answer
    }

    /// Sends commands that may be carried out twice, in one journey, and returns the answers of all; an error answer to
    /// any of them is an error.
    pub(super) async fn look(&self, request: Request<'_>, waits: Waits) -> RedisResult<Vec<Value>> {
        let wire = self.wire().await?;
        while let Some(mut held) = self.inner.hold(&wire) {
            match held.ask(request, waits).await {
                // The server has hung up since, or has never heard the question before, or the runtime that watched
                // over the lane has ended.
                Err(error) if error.is_io_error() && !error.is_timeout() => {}
                answer => return wire.heed(answer.and_then(without_errors)),
            }
        }
        self.inner.dial_lane(&wire);
        // Boxed: where there is a lane, what asks it is to be small.
        let commands = request.commands();
        let answers = Box::pin(self.run_all_over(&wire, &commands)).await;
        wire.heed(answers.and_then(without_errors))
    }

    /// What drives the connection, if there is one that can be used.
    pub(super) fn runtime(&self) -> Option<Handle> {
        match &*self.inner.state() {
            State::Up(wire) if wire.is_usable(&self.inner) => Some(wire.runtime.clone()),
            _ => None,
        }
    }

    /// Notes what is about to be removed or replaced, where it may have to be removed again.
    pub(super) fn note<'a>(&self, keys: impl IntoIterator<Item = &'a str>) {
        if let Some(recent) = &self.inner.recent {
            recent.note(keys);
        }
    }

    /// Fails if the server is known to be elsewhere than the connection leads to.
    pub(super) async fn ascertain(&self) -> RedisResult<()> {
        if !self.inner.place.can_change() {
            return Ok(());
        }
        let wire = self.wire().await?;
        if self.inner.place.has_changed(&wire.client).await {
            wire.lost.store(true, Relaxed);
            return Err((ErrorKind::Io, "another server has taken over").into());
        }
        Ok(())
    }

    /// Lets go of lanes on which somebody was not answered: the server is known to answer, so theirs is lost.
    pub(super) fn forget_owing(&self) {
        self.inner.lanes().retain(|kept| !kept.lane.owes());
    }

    /// Lets the connections go for good.
    pub(super) fn close(&self) {
        *self.inner.state() = State::Closed;
        self.inner.lanes().clear();
    }

    async fn wire(&self) -> RedisResult<Arc<Wire>> {
        match self.current()? {
            Ok(wire) => Ok(wire),
            Err(outcome) => Box::pin(self.dialled(outcome)).await,
        }
    }

    /// Waits for the outcome of a dial.
    async fn dialled(&self, mut outcome: watch::Receiver<Outcome>) -> RedisResult<Arc<Wire>> {
        // Twice, since the task that dials may end with its runtime while this caller lives in another.
        for again in [true, false] {
            if let Ok(done) = outcome.wait_for(Option::is_some).await
                && let Some(result) = done.as_ref()
            {
                return result.clone();
            }
            if again {
                outcome = match self.current()? {
                    Ok(wire) => return Ok(wire),
                    Err(outcome) => outcome,
                };
            }
        }
        Err((ErrorKind::Io, "the runtime that was connecting has ended").into())
    }

    /// The connection there is, or the dial to wait for, begun here if need be.
    fn current(&self) -> RedisResult<Result<Arc<Wire>, watch::Receiver<Outcome>>> {
        let mut state = self.inner.state();
        match &*state {
            State::Up(wire) if wire.is_usable(&self.inner) => return Ok(Ok(Arc::clone(wire))),
            State::Dialling(dialling) if dialling.goes_on() => return Ok(Err(dialling.outcome.clone())),
            State::Closed => return Err((ErrorKind::Client, CLOSED).into()),
            State::Up(_) | State::Dialling(_) | State::Down => {}
        }
        let (report, outcome) = watch::channel(None);
        *state = State::Dialling(Dialling {
            outcome: outcome.clone(),
            since: Instant::now(),
        });
        drop(state);
        tokio::spawn(Arc::clone(&self.inner).connect(report));
        Ok(Err(outcome))
    }
}

/// What a call on a closed link says.
pub(super) const CLOSED: &str = "the store has been closed";

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced whole, so a panic elsewhere cannot have left it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn dial(&self) -> RedisResult<Wire> {
        let (client, dialled) = self.place.dial().await?;
        if let Some(recent) = &self.recent {
            // Whoever notes more from now on waits for this connection.
            let (keys, _) = recent.since(Mark::default());
            remove(&mut dialled.0.clone(), &keys).await?;
        }
        Ok(Wire::new(client, dialled))
    }

    async fn connect(self: Arc<Self>, report: watch::Sender<Outcome>) {
        let result = self.dial().await.map(Arc::new);
        if self.put(&report, result.as_ref().ok())
            && let Ok(wire) = &result
            && self.place.can_change()
        {
            tokio::spawn(watch(Arc::downgrade(&self), Arc::downgrade(wire)));
        }
        report.send_replace(Some(result));
    }

    /// Puts a connection in force, or that there is none. Somebody may have dialled again since this dial began: whichever
    /// connection comes first is the one. Whether this is.
    fn put(&self, report: &watch::Sender<Outcome>, wire: Option<&Arc<Wire>>) -> bool {
        let mut state = self.state();
        let puts = match (&*state, wire) {
            (State::Dialling(_) | State::Down, Some(_)) => true,
            (State::Dialling(dialling), None) => dialling.is_of(report),
            (State::Up(current), Some(_)) => !current.is_usable(self),
            (State::Up(_) | State::Down, None) | (State::Closed, _) => false,
        };
        if puts {
            *state = wire.map_or(State::Down, |wire| State::Up(Arc::clone(wire)));
            drop(state);
            self.lanes().clear();
        }
        puts
    }

    /// Milliseconds since this link was made, from 1 on.
    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
}

impl Dialling {
    fn goes_on(&self) -> bool {
        self.outcome.has_changed().is_ok() && self.since.elapsed() < DIALLED
    }

    fn is_of(&self, report: &watch::Sender<Outcome>) -> bool {
        report.subscribe().same_channel(&self.outcome)
    }
}

/// Gives the connection up once the server is elsewhere; ends with it.
async fn watch(link: Weak<Inner>, wire: Weak<Wire>) {
    loop {
        sleep(WATCH).await;
        let (Some(link), Some(wire)) = (link.upgrade(), wire.upgrade()) else {
            return;
        };
        if wire.lost.load(Relaxed) {
            return;
        }
        if link.place.has_changed(&wire.client).await {
            wire.lost.store(true, Relaxed);
        }
    }
}

impl Wire {
    fn new(client: Client, (connection, lost): Dialled) -> Self {
        Self {
            connection,
            client,
            lost,
            runtime: Handle::current(),
            laneless: AtomicBool::new(false),
            dialling_lane: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        }
    }

    /// Notices what an answer says of the server.
    fn heed<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        if answer.as_ref().is_err_and(in_doubt) {
            self.lost.store(true, Relaxed);
        }
        answer
    }

    fn is_usable(&self, link: &Inner) -> bool {
        let asked = self.asked.load(Relaxed);
        let silent = asked != 0 && u128::from(link.now().saturating_sub(asked)) >= ANSWER.as_millis();
        !silent && !self.lost.load(Relaxed)
    }
}

/// The answers, if none of them is an error. Inside of a list none is, and lists are long.
fn without_errors(answers: Vec<Value>) -> RedisResult<Vec<Value>> {
    let is_error = |answer: &Value| matches!(answer, Value::ServerError(_));
    if let Some(error) = answers.iter().find(|answer| is_error(answer)) {
        error.clone().extract_error()?;
    }
    Ok(answers)
}

/// Whether the connection that gave this error is not to be used again. A server that has become read-only was a
/// primary that lost its role; a new connection finds its successor behind the same name.
fn in_doubt(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}
