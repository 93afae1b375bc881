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
//! The seat is a guard. However its holder ends, be it dropped half way, the queue goes on, in a task of its own so
//! that no waiting caller depends on another caller's life.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::task::yield_now;

use super::Inner;
use crate::{Error, ErrorKind, Lookup};

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
}

enum Waiting {
    For(Waker),
    Told(Answer),
    /// Dropped, or done.
    Gone,
}

/// A caller's place in a batch.
struct Ticket {
    batch: Arc<Batch>,
    /// `None` once the answer has been taken.
    place: Option<usize>,
}

/// A batch that has left the queue. However its journey ends, everybody in it is told.
struct Journey {
    batch: Arc<Batch>,
}

/// The right to have one request under way.
struct Seat {
    store: Arc<Inner>,
}

/// Looks `key` up, alone or with others; with the life left if `life` says so.
pub(super) async fn get(store: &Arc<Inner>, key: &str, life: bool) -> Answer {
    let enter = |context: &mut Context<'_>| store.queue.state().enter(key, life, context.waker());
    match poll_fn(|context| Poll::Ready(enter(context))).await {
        // Boxed for the sake of the others: a place in a batch needs nothing of all that.
        None => Box::pin(get_alone(store, key, life)).await,
        Some(ticket) => ticket.await,
    }
}

async fn get_alone(store: &Arc<Inner>, key: &str, life: bool) -> Answer {
    let _seat = Seat {
        store: Arc::clone(store),
    };
    let keys = [key];
    let mut answers = store.told(store.look_up(&keys, life).await)?;
    answers.next().unwrap_or_else(|| Err(store.unexpected()))
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a seat, or a place in the queue.
    fn enter(&mut self, key: &str, life: bool, waker: &Waker) -> Option<Ticket> {
        if self.taken < SEATS {
            self.taken += 1;
            return None;
        }
        let last = self
            .waiting
            .back()
            .and_then(|last| Some((last, last.enter(key, life, waker)?)));
        if let Some((batch, place)) = last {
            let batch = Arc::clone(batch);
            return Some(Ticket {
                batch,
                place: Some(place),
            });
        }
        let batch = Arc::new(Batch::new());
        self.waiting.push_back(Arc::clone(&batch));
        let place = batch.enter(key, life, waker);
        Some(Ticket { batch, place })
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
    fn new() -> Self {
        // Whoever has to wait at all is seldom alone.
        let places = Places {
            text: String::with_capacity(LARGEST * LIKELY),
            ends: Vec::with_capacity(LARGEST),
            states: Vec::with_capacity(LARGEST),
            life: false,
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
    fn enter(&self, key: &str, life: bool, waker: &Waker) -> Option<usize> {
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
        Some(place)
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

impl Future for Ticket {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Self { batch, place } = &mut *self;
        let Some(at) = *place else {
            // Polled after it was ready: a mistake of the caller's.
            return Poll::Pending;
        };
        match batch.places().states.get_mut(at) {
            Some(state @ Waiting::Told(_)) => {
                *place = None;
                match std::mem::replace(state, Waiting::Gone) {
                    Waiting::Told(answer) => return Poll::Ready(answer),
                    Waiting::For(_) | Waiting::Gone => {}
                }
            }
            Some(Waiting::For(waker)) => waker.clone_from(context.waker()),
            Some(Waiting::Gone) | None => {}
        }
        Poll::Pending
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(at) = self.place else { return };
        let mut places = self.batch.places();
        let state = places.states.get_mut(at);
        let left = state.map(|state| std::mem::replace(state, Waiting::Gone));
        drop(places);
        // A waker may run code of the executor.
        drop(left);
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
        match Handle::try_current() {
            // The batch goes along: a runtime that is ending drops the task at once, and with it the seat, so that
            // this is called again, and must find the queue shorter.
            Ok(runtime) => drop(runtime.spawn(serve(seat, batch))),
            // Outside any runtime its callers are told so, and the seat goes on to the rest.
            Err(_) => drop((batch, seat)),
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
