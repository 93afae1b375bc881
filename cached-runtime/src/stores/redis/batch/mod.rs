//! Look-ups that wait at the same moment travel together.
//!
//! Called by the store for every `get`. Knows nothing of scripts and leases.
//!
//! A hit is so cheap for the server that most of its price is the journey: the packets, the wake-ups, the entry into a
//! script. So only a few requests are under way at a time. A call that finds a seat free goes at once and alone, in
//! its caller's own task; one that finds none waits in the queue, and whoever gives a seat up sends the whole queue as
//! one request. Nobody waits for a batch to grow: under little load there are no batches, under much they form by
//! themselves. Only those who have just been answered together are given the moment in which they may ask again: else
//! the first of them would take the seat for itself, and the others would wait for its journey.
//!
//! Nor does a look-up need a timer of its own, as long as it is answered at once: see `watch`.
//!
//! The seat is a guard. However its holder ends, be it dropped half way, the queue goes on, in a task of its own so
//! that no waiting caller depends on another caller's life.

mod get;
mod watch;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use tokio::runtime::{Handle, Id};
use tokio::task::yield_now;

use super::Inner;
use crate::{Error, ErrorKind, Lookup};
pub(super) use get::Get;
use get::Ticket;

/// Requests under way at a time. A second one uses the time in which the first travels; more only make batches small.
const SEATS: usize = 2;
/// Look-ups in one request: bounds how long the server is held up by it.
pub(super) const LARGEST: usize = 128;

/// Bytes of a key for which room is made.
const LIKELY: usize = 24;

type Answer = Result<Lookup, Error>;

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// Batches that wait for a seat; the last may still grow.
    waiting: VecDeque<Arc<Batch>>,
    /// While a task watches over some of them, or over some that are under way.
    watched: Option<Watched>,
    /// Such a task has been made, and has not run yet.
    begins: bool,
}

/// What a task watches over.
struct Watched {
    /// The runtime that the task is in.
    by: Id,
    /// Batches of this moment.
    this: Vec<Weak<Batch>>,
    /// And of the one before.
    before: Vec<Weak<Batch>>,
}

/// Look-ups that travel together. One for all, so that a look-up allocates nothing of its own.
struct Batch {
    places: Mutex<Places>,
}

struct Places {
    /// The keys of all, one after the other, until they are asked for.
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
    states: Vec<Waiting>,
    /// Somebody wants to know the life left.
    life: bool,
    /// The runtime of the task that will wake whoever waits for longer than a moment.
    watcher: Option<Id>,
}

enum Waiting {
    For(Waker),
    Told(Answer),
    /// Dropped, or done.
    Gone,
}

/// A batch that has left the queue. However its journey ends, everybody in it is told.
struct Journey {
    batch: Arc<Batch>,
}

/// The right to have one request under way.
struct Seat {
    store: Arc<Inner>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat, or a place in a batch.
    fn enter(&self, key: &str, life: bool, waker: &Waker) -> Option<Ticket> {
        self.state().enter(key, life, waker)
    }

    /// Whether a task of this very runtime watches over the batch; where there is none at all, one will over those that come
    /// later. One of another might stand still, with that runtime, while this one goes on.
    fn watch(&self, store: &Arc<Inner>, ticket: &Ticket) -> bool {
        let Ok(runtime) = Handle::try_current() else {
            return false;
        };
        let here = runtime.id();
        if let Some(by) = ticket.watcher {
            return by == here;
        }
        let mut state = self.state();
        let Some(watched) = &mut state.watched else {
            let begins = !std::mem::replace(&mut state.begins, true);
            drop(state);
            if begins {
                watch::begin(store, &runtime);
            }
            return false;
        };
        watched.add(&ticket.batch);
        let by = watched.by;
        ticket.batch.places().watcher = Some(by);
        by == here
    }

    /// A task watches from now on, which is shown by its running: one that has been made may wait for long, behind
    /// whoever made it and goes on without awaiting anything.
    pub(super) fn watch_begins(&self, by: Id) {
        let mut state = self.state();
        state.begins = false;
        state.watched.get_or_insert_with(|| Watched {
            by,
            this: Vec::new(),
            before: Vec::new(),
        });
    }

    /// Or it never will.
    pub(super) fn watch_is_off(&self) {
        self.state().begins = false;
    }

    /// Another moment is over: wakes those who have waited for longer. `false` once there is nobody to watch over.
    pub(super) fn moment(&self) -> bool {
        let mut state = self.state();
        let Some(watched) = &mut state.watched else {
            return false;
        };
        let late = std::mem::replace(&mut watched.before, std::mem::take(&mut watched.this));
        let more = !watched.before.is_empty();
        if !more {
            state.watched = None;
        }
        drop(state);
        late.iter()
            .filter_map(Weak::upgrade)
            .for_each(|batch| batch.ring());
        more
    }
}

impl Watched {
    fn add(&mut self, batch: &Arc<Batch>) {
        // Where the task stands still nobody else takes out those that are gone.
        if self.this.len() == self.this.capacity() {
            self.this.retain(|batch| batch.strong_count() > 0);
        }
        self.this.push(Arc::downgrade(batch));
    }
}

impl State {
    /// Takes a seat, or a place in the queue.
    fn enter(&mut self, key: &str, life: bool, waker: &Waker) -> Option<Ticket> {
        if self.taken < SEATS {
            self.taken += 1;
            return None;
        }
        if let Some(last) = self.waiting.back()
            && let Some(ticket) = last.enter(key, life, waker)
        {
            return Some(ticket);
        }
        let batch = Arc::new(Batch::new(self.watched.as_ref().map(|watched| watched.by)));
        self.waiting.push_back(Arc::clone(&batch));
        if let Some(watched) = &mut self.watched {
            watched.add(&batch);
        }
        batch.enter(key, life, waker)
    }

    /// The next batch in which somebody still waits.
    fn next(&mut self) -> Option<Journey> {
        while let Some(batch) = self.waiting.pop_front() {
            if batch.places().is_awaited() {
                return Some(Journey { batch });
            }
        }
        None
    }
}

impl Batch {
    fn new(watcher: Option<Id>) -> Self {
        // Whoever has to wait at all is seldom alone.
        let places = Places {
            text: String::with_capacity(LARGEST * LIKELY),
            ends: Vec::with_capacity(LARGEST),
            states: Vec::with_capacity(LARGEST),
            life: false,
            watcher,
        };
        Self {
            places: Mutex::new(places),
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // As above.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, if there is one left.
    fn enter(self: &Arc<Self>, key: &str, life: bool, waker: &Waker) -> Option<Ticket> {
        let mut places = self.places();
        let place = places.states.len();
        if place == LARGEST {
            return None;
        }
        places.text.push_str(key);
        let end = places.text.len();
        places.ends.push(end);
        places.states.push(Waiting::For(waker.clone()));
        places.life |= life;
        Some(Ticket {
            batch: Arc::clone(self),
            place: Some(place),
            watcher: places.watcher,
            alarm: None,
        })
    }

    /// Wakes those who wait: from now on, time is theirs to watch.
    fn ring(&self) {
        let mut places = self.places();
        places.watcher = None;
        let waker = |state: &Waiting| match state {
            Waiting::For(waker) => Some(waker.clone()),
            Waiting::Told(_) | Waiting::Gone => None,
        };
        let wakers: Vec<Waker> = places.states.iter().filter_map(waker).collect();
        drop(places);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Gives the answers to those who wait, in their order.
    fn tell(&self, answers: impl Iterator<Item = Answer>) {
        let mut places = self.places();
        let mut wakers = Vec::with_capacity(places.states.len());
        for (state, answer) in places.states.iter_mut().zip(answers) {
            // Whoever was dropped meanwhile is past caring.
            if matches!(state, Waiting::For(_))
                && let Waiting::For(waker) = std::mem::replace(state, Waiting::Told(answer))
            {
                wakers.push(waker);
            }
        }
        drop(places);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Places {
    fn is_awaited(&self) -> bool {
        self.states.iter().any(|state| matches!(state, Waiting::For(_)))
    }
}

impl Journey {
    /// Asks for the whole batch and tells the answers.
    async fn run(self, store: &Inner) {
        // Those in it may be dropped meanwhile, which needs the lock.
        let (text, ends, life) = {
            let mut places = self.batch.places();
            let text = std::mem::take(&mut places.text);
            (text, std::mem::take(&mut places.ends), places.life)
        };
        let begins = std::iter::once(&0).chain(&ends);
        let keys: Vec<&str> = begins
            .zip(&ends)
            .map(|(&begin, &end)| &text[begin..end])
            .collect();
        match store.look_up(&keys, life).await {
            Ok(answers) => self
                .batch
                .tell(answers.chain(std::iter::repeat_with(|| Err(store.unexpected())))),
            Err(cause) => self
                .batch
                .tell(std::iter::repeat_with(|| Err(store.error(cause.clone())))),
        }
    }
}

impl Drop for Journey {
    fn drop(&mut self) {
        // As a rule everybody has been told.
        if self.batch.places().is_awaited() {
            let ended = || {
                Error::new(
                    ErrorKind::Unavailable,
                    "the runtime that was looking up has ended",
                )
            };
            self.batch.tell(std::iter::repeat_with(|| Err(ended())));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.store.queue.state();
        let Some(batch) = state.next() else {
            state.taken -= 1;
            return;
        };
        drop(state);
        let seat = Self {
            store: Arc::clone(&self.store),
        };
        // Where the connection lives nothing stands still that could be answered; this runtime may, once its caller has
        // what it wanted.
        match self.store.runtime().or_else(|| Handle::try_current().ok()) {
            // The batch goes along: a runtime that is ending drops the task at once, and with it the seat, so that
            // this is called again, and must find the queue shorter.
            Some(runtime) => drop(runtime.spawn(serve(seat, batch))),
            // Outside any runtime its callers are told so, and the seat goes on to the rest.
            None => drop((batch, seat)),
        }
    }
}

/// Sends what waits, until nothing does.
async fn serve(seat: Seat, batch: Journey) {
    let mut next = Some(batch);
    while let Some(batch) = next {
        batch.run(&seat.store).await;
        yield_now().await;
        next = seat.store.queue.state().next();
    }
}
