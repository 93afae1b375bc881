//! A look-up, as its caller awaits it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Id;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::super::link::Waits;
use super::seats::Seat;
use super::watch::MOMENT;
use super::{Answer, Batch, Inner, Waiting};
use crate::store::{BoxFuture, TimeBudget};

/// Between two looks at who goes for those who wait, of the first of each batch.
pub(super) const LOOKS: Duration = Duration::from_millis(50);

/// The same of anybody who waits without a budget.
const SELDOM: Duration = Duration::from_secs(1);

/// A look-up of one key, alone or with others; with the life left if `life` says so. `None` once the budget is spent.
pub(in super::super) struct Get<'a> {
    store: &'a Arc<Inner>,
    key: &'a str,
    life: bool,
    budget: Option<TimeBudget>,
    at: At<'a>,
}

enum At<'a> {
    Begin,
    /// Boxed for the sake of the others: a place in a batch needs nothing of all that.
    Alone(BoxFuture<'a, Option<Answer>>),
    Waiting(Ticket),
}

impl<'a> Get<'a> {
    pub(in super::super) fn new(
        store: &'a Arc<Inner>,
        key: &'a str,
        life: bool,
        budget: Option<TimeBudget>,
    ) -> Self {
        Self {
            store,
            key,
            life,
            budget,
            at: At::Begin,
        }
    }

    fn begin(&mut self, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        let entered = self.store.queue.enter(self.key, self.life, context.waker());
        let mut ticket = match entered {
            Err(ticket) => ticket,
            Ok(seat) => {
                let seat = Seat::new(self.store, seat);
                let mut alone = alone(seat, self.store, self.key, self.life, self.budget);
                let answer = alone.as_mut().poll(context);
                self.at = At::Alone(alone);
                return answer;
            }
        };
        // Too little to be left to somebody who looks once in a moment?
        let is_short = |budget: TimeBudget| budget.whole() < 4 * MOMENT;
        let watched = !self.budget.is_some_and(is_short) && self.store.queue.watch(self.store, &ticket);
        let answer = if watched {
            Poll::Pending
        } else {
            ticket.poll(self.store, self.budget, context)
        };
        self.at = At::Waiting(ticket);
        answer
    }
}

impl Future for Get<'_> {
    type Output = Option<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        let this = &mut *self;
        match &mut this.at {
            At::Begin => this.begin(context),
            At::Alone(alone) => alone.as_mut().poll(context),
            At::Waiting(ticket) => ticket.poll(this.store, this.budget, context),
        }
    }
}

fn alone<'a>(
    seat: Seat<'a>,
    store: &'a Arc<Inner>,
    key: &'a str,
    life: bool,
    budget: Option<TimeBudget>,
) -> BoxFuture<'a, Option<Answer>> {
    let waits = Waits::within(budget.map(|budget| budget.whole()));
    let end = budget.map(|budget| budget.end());
    Box::pin(async move {
        let _seat = seat;
        let keys = [key];
        // Pinned here: it is not moved into what keeps the time.
        let look = pin!(store.look_up(&keys, life, waits));
        let looked = match end {
            Some(end) => timeout_at(end, look).await.ok()?,
            None => look.await,
        };
        Some(
            store
                .told(looked)
                .and_then(|mut answers| answers.next().unwrap_or_else(|| Err(store.unexpected()))),
        )
    })
}

/// A caller's place in a batch.
pub(super) struct Ticket {
    pub(super) batch: Arc<Batch>,
    /// `None` once the answer has been taken.
    pub(super) place: Option<usize>,
    /// Who watched over the batch when the place was taken.
    pub(super) watcher: Option<Id>,
    /// It is the first in its batch, and looks after those who are to go for it.
    pub(super) looks: bool,
    /// When it does so in any case: the first may stand still.
    pub(super) own_look: Option<Instant>,
    /// Of who cannot leave it to somebody else to watch the time.
    pub(super) alarm: Option<Pin<Box<Sleep>>>,
}

impl Ticket {
    /// Ready with the answer, or with none once the budget is spent. Whoever is polled without there being an answer watches
    /// the time from then on: it has been woken to do so, or by somebody else for whom the few timers do not count.
    fn poll(
        &mut self,
        store: &Arc<Inner>,
        budget: Option<TimeBudget>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Answer>> {
        let Some(at) = self.place else {
            // Polled after it was ready: a mistake of the caller's.
            return Poll::Pending;
        };
        let mut places = self.batch.places();
        let state = places.states.get_mut(at);
        let before = state.map(|state| match state {
            Waiting::Told(_) => std::mem::replace(state, Waiting::Gone),
            Waiting::For(waker) if !waker.will_wake(context.waker()) => {
                std::mem::replace(state, Waiting::For(context.waker().clone()))
            }
            Waiting::For(_) | Waiting::Gone => Waiting::Gone,
        });
        if let Some(Waiting::Told(answer)) = before {
            self.place = None;
            return Poll::Ready(Some(answer));
        }
        // Not before: all are polled once they are answered, and each would walk over the places of all.
        self.looks = places.first().is_some_and(|(first, _)| first == at);
        drop(places);
        // A waker may run code of the executor.
        drop(before);
        let end = budget.map(|budget| budget.end());
        loop {
            let now = Instant::now();
            if end.is_some_and(|end| now >= end) {
                return Poll::Ready(None);
            }
            // Once half of the time is over; there are too many of them to do it more often.
            let half = |end: Instant| end - end.duration_since(now) / 2;
            let own = *self
                .own_look
                .get_or_insert_with(|| end.map_or(now + SELDOM, half));
            if self.looks || now >= own {
                store.queue.look_after(store);
            }
            if now >= own {
                self.own_look = Some(end.unwrap_or(now + SELDOM));
            }
            let looks = self.looks.then(|| now + LOOKS);
            let all = end.into_iter().chain(self.own_look).chain(looks);
            let next = all.min().unwrap_or(now + SELDOM);
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(next)));
            if alarm.deadline() > next || alarm.is_elapsed() {
                alarm.as_mut().reset(next);
            }
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(at) = self.place else { return };
        let mut places = self.batch.places();
        let state = places.states.get_mut(at);
        let left = state.map(|state| std::mem::replace(state, Waiting::Gone));
        // From now on another looks.
        let first = self.looks.then(|| places.first()).flatten();
        let next = first.map(|(_, waker)| waker.clone());
        drop(places);
        // A waker may run code of the executor.
        drop(left);
        if let Some(next) = next {
            next.wake();
        }
    }
}
