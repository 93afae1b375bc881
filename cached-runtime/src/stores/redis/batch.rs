//! Look-ups that wait at the same moment travel together.
//!
//! Called by the store for every `get`. Knows nothing of scripts and leases.
//!
//! A hit is so cheap for the server that most of its price is the journey: the packets, the wake-ups, the entry into a
//! script. So only a few requests are under way at a time. A call that finds a seat free goes at once and alone, in
//! its caller's own task; one that finds none waits in the queue, and whoever gives a seat up sends the whole queue as
//! one request. Nobody waits for a batch to grow: under little load there are no batches, under much they form by
//! themselves.
//!
//! The seat is a guard. However its holder ends, be it dropped half way, the queue goes on, in a task of its own so
//! that no waiting caller depends on another caller's life.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::RedisResult;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Inner;
use crate::{Error, ErrorKind, Lookup};

/// Requests under way at a time. A second one uses the time in which the first travels; more only make batches small.
const SEATS: usize = 2;
/// Look-ups in one request: bounds how long the server is held up by it.
const LARGEST: usize = 128;

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: usize,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    key: String,
    answer: oneshot::Sender<Result<Lookup, Error>>,
}

/// The right to have one request under way.
struct Seat {
    store: Arc<Inner>,
}

/// Looks `key` up, alone or with others.
pub(super) async fn get(store: &Arc<Inner>, key: &str) -> Result<Lookup, Error> {
    let told = store.queue.state().enter(key);
    match told {
        None => {
            let _seat = Seat {
                store: Arc::clone(store),
            };
            let mut answers = store.told(store.look_up(&[key]).await)?;
            answers.pop().unwrap_or_else(|| Err(store.unexpected()))
        }
        Some(told) => told.await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Unavailable,
                "the runtime that was looking up has ended",
            ))
        }),
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a seat, or a place in the queue.
    fn enter(&mut self, key: &str) -> Option<oneshot::Receiver<Result<Lookup, Error>>> {
        if self.taken < SEATS {
            self.taken += 1;
            return None;
        }
        let (answer, told) = oneshot::channel();
        self.waiting.push_back(Waiting {
            key: key.to_owned(),
            answer,
        });
        Some(told)
    }

    /// The next batch. A caller that has been dropped needs no answer.
    fn next(&mut self) -> Vec<Waiting> {
        let mut batch = Vec::new();
        while batch.len() < LARGEST
            && let Some(waiting) = self.waiting.pop_front()
        {
            if !waiting.answer.is_closed() {
                batch.push(waiting);
            }
        }
        batch
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.store.queue.state();
        let batch = state.next();
        if batch.is_empty() {
            state.taken -= 1;
            return;
        }
        drop(state);
        let seat = Self {
            store: Arc::clone(&self.store),
        };
        match Handle::try_current() {
            // The batch goes along: a runtime that is ending drops the task at once, and with it the seat, so that
            // this is called again, and must find the queue shorter.
            Ok(runtime) => drop(runtime.spawn(serve(seat, batch))),
            // Outside any runtime its callers are told by their channels closing, and the seat goes on to the rest.
            Err(_) => drop((batch, seat)),
        }
    }
}

/// Sends what waits, until nothing does.
async fn serve(seat: Seat, mut batch: Vec<Waiting>) {
    while !batch.is_empty() {
        let keys: Vec<&str> = batch.iter().map(|waiting| waiting.key.as_str()).collect();
        let answers = seat.store.look_up(&keys).await;
        deliver(&seat.store, batch, answers);
        batch = seat.store.queue.state().next();
    }
}

fn deliver(store: &Inner, batch: Vec<Waiting>, answers: RedisResult<Vec<Result<Lookup, Error>>>) {
    match answers {
        Ok(answers) => {
            let answers = answers
                .into_iter()
                .map(Some)
                .chain(std::iter::repeat_with(|| None));
            for (waiting, answer) in batch.into_iter().zip(answers) {
                // Whoever was dropped meanwhile is past caring.
                let _ = waiting
                    .answer
                    .send(answer.unwrap_or_else(|| Err(store.unexpected())));
            }
        }
        Err(cause) => {
            for waiting in batch {
                let _ = waiting.answer.send(Err(store.error(cause.clone())));
            }
        }
    }
}
