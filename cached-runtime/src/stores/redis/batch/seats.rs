//! The seats: who may have a request under way.
//!
//! A caller who takes a free seat has it until he is answered or dropped. If others wait by then it is handed over to a
//! task, a [`Service`], which sends what waits until nothing does.
//!
//! That task is made where the connection lives, or else by whoever hands over, and may never run: a runtime that one thread
//! drives stands still between two calls of `block_on`, and one that is ending drops the task at once. Nor need a holder ever
//! be polled again. So no seat is anybody's for good. Whoever waits looks after them when he is polled without an answer:
//! one that is free, or that nothing has been heard of for [`LOST`], is taken over by a task of *his* runtime, which goes on
//! since he is being polled. The holder finds out when he comes back. At worst, then, there are more requests under way than
//! seats.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::journey::Journey;
use super::watch::MOMENT;
use super::{Inner, Queue};

/// Requests under way at a time. A second one uses the time in which the first travels; more only make batches small.
const SEATS: usize = 2;
/// A holder who has asked, and of whom nothing has been heard for this long, is not waited for: half of what somebody who
/// waits has by default.
const LOST: Duration = Duration::from_millis(250);
/// Nor is a task that has been made this long ago and has not run.
const UNBEGUN: Duration = MOMENT.saturating_mul(2);

#[derive(Default)]
pub(super) struct Seats {
    held: [Option<Held>; SEATS],
    /// How often one was taken.
    count: u64,
}

struct Held {
    by: Number,
    since: Instant,
    /// Handed over to a task that has not run yet.
    begins: bool,
}

/// Tells the holder of a seat from those before and after him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(u64);

impl Seats {
    /// A free seat.
    pub(super) fn take(&mut self) -> Option<Number> {
        let free = self.held.iter().position(Option::is_none)?;
        Some(self.occupy(free, false))
    }

    /// One that is free, or lost.
    fn unheld(&self) -> Option<usize> {
        let now = Instant::now();
        let is_unheld = |held: &Option<Held>| held.as_ref().is_none_or(|held| held.is_lost(now));
        self.held.iter().position(is_unheld)
    }

    fn occupy(&mut self, seat: usize, begins: bool) -> Number {
        self.count += 1;
        let by = Number(self.count);
        self.held[seat] = Some(Held {
            by,
            since: Instant::now(),
            begins,
        });
        by
    }

    /// The seat of a holder, if it is still his.
    fn of(&mut self, number: Number) -> Option<&mut Option<Held>> {
        let is_his = |held: &&mut Option<Held>| held.as_ref().is_some_and(|held| held.by == number);
        self.held.iter_mut().find(is_his)
    }
}

impl Held {
    fn is_lost(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= if self.begins { UNBEGUN } else { LOST }
    }
}

impl Queue {
    /// Sees to it that somebody goes for those who wait. Called by one of them.
    pub(super) fn look_after(&self, store: &Arc<Inner>) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut state = self.state();
        if let Some(unheld) = state.seats.unheld()
            && state.first().is_some()
        {
            let seat = state.seats.occupy(unheld, true);
            drop(state);
            Service::begin(store, seat, &runtime);
        }
    }

    /// Has a seat handed over if somebody waits. `false` if nobody does, or it is his no more.
    fn hand_over(&self, seat: Number) -> bool {
        let mut state = self.state();
        let waits = state.first().is_some();
        let Some(held) = state.seats.of(seat) else {
            return false;
        };
        *held = held.take().filter(|_| waits).map(|held| Held {
            since: Instant::now(),
            begins: true,
            ..held
        });
        waits
    }

    /// What the holder of a seat goes for next. It is his no more if there is nothing.
    fn go(&self, seat: Number) -> Option<Journey> {
        let mut state = self.state();
        // Taken from him: somebody else goes.
        state.seats.of(seat)?;
        let next = state.next();
        let held = state.seats.of(seat)?;
        *held = held.take().filter(|_| next.is_some()).map(|held| Held {
            since: Instant::now(),
            begins: false,
            ..held
        });
        next
    }

    /// Frees a seat of which nobody can be made the holder here: whoever waits is woken, and looks after it.
    fn give_up(&self, seat: Number) {
        let mut state = self.state();
        if let Some(held) = state.seats.of(seat) {
            *held = None;
            let first = state.first().cloned();
            drop(state);
            if let Some(first) = first {
                first.ring();
            }
        }
    }
}

/// A caller who goes at once and alone.
pub(super) struct Seat {
    store: Arc<Inner>,
    number: Number,
}

impl Seat {
    pub(super) fn new(store: &Arc<Inner>, number: Number) -> Self {
        Self {
            store: Arc::clone(store),
            number,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.store.queue.hand_over(self.number) {
            return;
        }
        // Where the connection lives nothing stands still that could be answered; this runtime may, once its caller has
        // what he wanted.
        match self.store.runtime().or_else(|| Handle::try_current().ok()) {
            Some(runtime) => Service::begin(&self.store, self.number, &runtime),
            None => self.store.queue.give_up(self.number),
        }
    }
}

/// A task that sends what waits, until nothing does.
struct Service {
    store: Arc<Inner>,
    seat: Number,
    /// It has ended as it should.
    done: bool,
}

impl Service {
    fn begin(store: &Arc<Inner>, seat: Number, runtime: &Handle) {
        let service = Self {
            store: Arc::clone(store),
            seat,
            done: false,
        };
        runtime.spawn(service.run());
    }

    async fn run(mut self) {
        while let Some(journey) = self.store.queue.go(self.seat) {
            journey.run(&self.store).await;
            yield_now().await;
        }
        self.done = true;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Of a runtime that is ending no other task could be made.
        if !self.done {
            self.store.queue.give_up(self.seat);
        }
    }
}
