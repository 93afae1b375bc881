//! The seats: who may have a request under way.
//!
//! A caller who takes a free seat has it until he is answered or dropped. If others wait by then it is handed over to a
//! task, a [`Service`], which sends what waits until nothing does.
//!
//! That task is made where the connection lives, or else by whoever hands over, and may never run: a runtime that one thread
//! drives stands still between two calls of `block_on`, and one that is ending drops the task at once. Nor need a holder ever
//! be polled again. So no seat is anybody's for good. Of those who wait in a batch the first looks after them, when he is
//! polled without an answer and every [`LOOKS`](super::get::LOOKS) from then on, and each of the others once: a seat that is
//! free, or that nothing has been heard of for [`LOST`], is taken over by a task of *his* runtime, which goes on since he is
//! being polled. What the holder has asked for is asked for again; he finds out when he comes back, and what he is told then
//! still serves whoever waits for it. Since that runtime may stand still too, once he has what he wanted, the seat goes back to
//! where the connection lives after one batch. At worst there are more requests under way than seats.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::super::link::Waits;
use super::watch::MOMENT;
use super::{Batch, Inner, Queue, State};
use crate::{Error, ErrorKind};

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
    /// What he has asked for, of others.
    batch: Option<Arc<Batch>>,
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

    fn occupy(&mut self, seat: usize, begins: bool) -> Number {
        self.count += 1;
        let by = Number(self.count);
        self.held[seat] = Some(Held {
            by,
            since: Instant::now(),
            begins,
            batch: None,
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

impl State {
    /// Takes a seat that is free or lost, if anybody waits, for a task that is about to be made.
    fn take_over(&mut self) -> Option<Number> {
        let (now, mut unheld) = (Instant::now(), None);
        for (seat, held) in self.seats.held.iter_mut().enumerate() {
            let lost = held.as_mut().filter(|held| held.is_lost(now));
            let batch = lost.and_then(|lost| lost.batch.take());
            batch.into_iter().for_each(|batch| self.waiting.push_front(batch));
            if held.as_ref().is_none_or(|held| held.is_lost(now)) {
                unheld = Some(seat);
            }
        }
        let unheld = unheld?;
        self.first()?;
        Some(self.seats.occupy(unheld, true))
    }

    /// The holder of a seat keeps it if he `goes_on`, else it is free. `false` if it is his no more.
    fn go_on(&mut self, seat: Number, goes_on: bool, begins: bool, batch: Option<Arc<Batch>>) -> bool {
        let Some(held) = self.seats.of(seat) else {
            return false;
        };
        *held = goes_on.then(|| Held {
            by: seat,
            since: Instant::now(),
            begins,
            batch,
        });
        true
    }
}

impl Queue {
    /// Sees to it that somebody goes for those who wait. Called by one of them.
    pub(super) fn look_after(&self, store: &Arc<Inner>) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let taken = self.state().take_over();
        if let Some(seat) = taken {
            Service::begin(store, seat, &runtime, true);
        }
    }

    /// Whether a seat is still his.
    fn is_of(&self, seat: Number) -> bool {
        self.state().seats.of(seat).is_some()
    }

    /// Has a seat handed over if somebody waits. `false` if nobody does, or it is his no more.
    fn hand_over(&self, seat: Number) -> bool {
        let mut state = self.state();
        let waits = state.first().is_some();
        state.go_on(seat, waits, true, None) && waits
    }

    /// What the holder of a seat goes for next. It is his no more if there is nothing.
    fn go(&self, seat: Number) -> Option<Arc<Batch>> {
        let mut state = self.state();
        // Taken from him: somebody else goes.
        state.seats.of(seat)?;
        let next = state.next();
        state.go_on(seat, next.is_some(), false, next.clone());
        next
    }

    /// Frees a seat of which nobody can be made the holder here. Whoever waits is woken, and looks after it, unless it is he
    /// who does.
    fn give_up(&self, seat: Number, wakes: bool) {
        let mut state = self.state();
        if !state.go_on(seat, false, false, None) {
            return;
        }
        let first = state.first().filter(|_| wakes).cloned();
        drop(state);
        if let Some(first) = first {
            first.ring();
        }
    }
}

/// A caller who goes at once and alone.
pub(super) struct Seat<'a> {
    store: &'a Arc<Inner>,
    number: Number,
}

impl<'a> Seat<'a> {
    pub(super) fn new(store: &'a Arc<Inner>, number: Number) -> Self {
        Self { store, number }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        hand_over(self.store, self.number);
    }
}

/// Has a task go for those who wait, if anybody does.
fn hand_over(store: &Arc<Inner>, seat: Number) {
    if !store.queue.hand_over(seat) {
        return;
    }
    // Where the connection lives nothing stands still that could be answered; this runtime may, once its caller has what he
    // wanted.
    match store.runtime().or_else(|| Handle::try_current().ok()) {
        Some(runtime) => Service::begin(store, seat, &runtime, false),
        None => store.queue.give_up(seat, true),
    }
}

/// A task that sends what waits, until nothing does.
struct Service {
    store: Arc<Inner>,
    seat: Number,
    /// It has been begun by somebody who waits: for one batch, where the connection lives elsewhere.
    rescues: bool,
    /// It has been polled.
    runs: bool,
    under_way: Option<Arc<Batch>>,
    /// It has ended as it should.
    done: bool,
}

impl Service {
    fn begin(store: &Arc<Inner>, seat: Number, runtime: &Handle, rescues: bool) {
        let service = Self {
            store: Arc::clone(store),
            seat,
            rescues,
            runs: false,
            under_way: None,
            done: false,
        };
        runtime.spawn(service.run());
    }

    async fn run(mut self) {
        self.runs = true;
        while let Some(batch) = self.store.queue.go(self.seat) {
            self.under_way = Some(Arc::clone(&batch));
            self.ask(&batch).await;
            self.under_way = None;
            yield_now().await;
            if self.rescues && !self.is_at_home() {
                hand_over(&self.store, self.seat);
                break;
            }
        }
        self.done = true;
    }

    /// Whether it runs where the connection lives, or where one would be made.
    fn is_at_home(&self) -> bool {
        let (home, here) = (self.store.runtime(), Handle::current());
        home.is_none_or(|home| home.id() == here.id())
    }

    /// Asks for the whole batch and tells the answers.
    async fn ask(&self, batch: &Batch) {
        let (store, asked) = (&self.store, batch.asked());
        let keys = asked.keys();
        match store.look_up(&keys, asked.life, Waits::of(keys.len())).await {
            Ok(answers) => batch.tell(answers.chain(std::iter::repeat_with(|| Err(store.unexpected())))),
            Err(cause) => self.tell(batch, || store.error(cause.clone())),
        }
    }

    /// Tells everybody in a batch that there is no answer, unless somebody else asks by now.
    fn tell(&self, batch: &Batch, error: impl Fn() -> Error) {
        if self.store.queue.is_of(self.seat) {
            batch.tell(std::iter::repeat_with(|| Err(error())));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // Of a runtime that is ending no other task could be made.
        if let Some(batch) = self.under_way.take() {
            let ended = "the runtime that was looking up has ended";
            self.tell(&batch, || Error::new(ErrorKind::Unavailable, ended));
        }
        // Had it been begun by somebody who waits in that very runtime, he would be woken to begin the next.
        self.store.queue.give_up(self.seat, self.runs || !self.rescues);
    }
}
