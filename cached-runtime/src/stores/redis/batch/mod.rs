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
//! A seat is lent. However its holder ends, be it dropped half way, the queue goes on, in a task of its own so that no
//! waiting caller depends on another caller's life; and where a holder neither ends nor goes on, because its runtime stands
//! still or nobody polls it, those who wait take the seat from him: see `seats`.

mod get;
mod seats;
mod watch;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use tokio::runtime::{Handle, Id};

use super::Inner;
use crate::{Error, Lookup};
pub(super) use get::Get;
use get::Ticket;
use seats::{Number, Seats};

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
    seats: Seats,
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
    asks: Asks,
    /// The same, once it has left the queue. Nobody enters from then on.
    asked: Option<Arc<Asks>>,
    states: Vec<Waiting>,
    /// The runtime of the task that will wake whoever waits for longer than a moment.
    watcher: Option<Id>,
}

/// What is asked for in one request.
#[derive(Default)]
struct Asks {
    /// The keys of all, one after the other.
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// Somebody wants to know the life left.
    life: bool,
}

enum Waiting {
    For(Waker),
    Told(Answer),
    /// Dropped, or done.
    Gone,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat, or else a place in a batch.
    fn enter(&self, key: &str, life: bool, waker: &Waker) -> Result<Number, Ticket> {
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
    fn enter(&mut self, key: &str, life: bool, waker: &Waker) -> Result<Number, Ticket> {
        if let Some(seat) = self.seats.take() {
            return Ok(seat);
        }
        if let Some(last) = self.waiting.back()
            && let Some(ticket) = last.enter(key, life, waker)
        {
            return Err(ticket);
        }
        let batch = Arc::new(Batch::new(self.watched.as_ref().map(|watched| watched.by)));
        self.waiting.push_back(Arc::clone(&batch));
        if let Some(watched) = &mut self.watched {
            watched.add(&batch);
        }
        Err(batch.enter_first(key, life, waker))
    }

    /// The first batch in which somebody still waits. Those before it are forgotten.
    fn first(&mut self) -> Option<&Arc<Batch>> {
        while let Some(batch) = self.waiting.front()
            && !batch.places().is_awaited()
        {
            self.waiting.pop_front();
        }
        self.waiting.front()
    }

    /// The same, which leaves the queue.
    fn next(&mut self) -> Option<Arc<Batch>> {
        self.first()?;
        let next = self.waiting.pop_front()?;
        next.places().leave();
        Some(next)
    }
}

impl Batch {
    fn new(watcher: Option<Id>) -> Self {
        // Whoever has to wait at all is seldom alone.
        let places = Places {
            asks: Asks {
                text: String::with_capacity(LARGEST * LIKELY),
                ends: Vec::with_capacity(LARGEST),
                life: false,
            },
            asked: None,
            states: Vec::with_capacity(LARGEST),
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
        let is_open = self.places().is_open();
        is_open.then(|| self.enter_first(key, life, waker))
    }

    /// A place, of which there is one left.
    fn enter_first(self: &Arc<Self>, key: &str, life: bool, waker: &Waker) -> Ticket {
        let mut places = self.places();
        let place = places.states.len();
        let asks = &mut places.asks;
        asks.text.push_str(key);
        asks.ends.push(asks.text.len());
        asks.life |= life;
        places.states.push(Waiting::For(waker.clone()));
        Ticket {
            batch: Arc::clone(self),
            place: Some(place),
            watcher: places.watcher,
            looks: false,
            own_look: None,
            alarm: None,
        }
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

    /// What it asks for, once it has left the queue.
    fn asked(&self) -> Arc<Asks> {
        self.places().leave()
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
    fn is_open(&self) -> bool {
        self.asked.is_none() && self.states.len() < LARGEST
    }

    fn leave(&mut self) -> Arc<Asks> {
        let asks = &mut self.asks;
        Arc::clone(self.asked.get_or_insert_with(|| Arc::new(std::mem::take(asks))))
    }

    fn is_awaited(&self) -> bool {
        self.first().is_some()
    }

    /// The first who waits: where, and how he is woken.
    fn first(&self) -> Option<(usize, &Waker)> {
        let waiting = self.states.iter().enumerate();
        waiting.into_iter().find_map(|(at, state)| match state {
            Waiting::For(waker) => Some((at, waker)),
            Waiting::Told(_) | Waiting::Gone => None,
        })
    }
}

impl Asks {
    fn keys(&self) -> Vec<&str> {
        let begins = std::iter::once(&0).chain(&self.ends);
        let both = begins.zip(&self.ends);
        both.map(|(&begin, &end)| &self.text[begin..end]).collect()
    }
}
